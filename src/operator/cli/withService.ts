import type { Client } from '@temporalio/client';
import type { MongoClient } from 'mongodb';
import type { Config } from '../../config/config';
import { loadMapping } from '../../config/loadMapping';
import { connectMongo } from '../../platform/mongoClient';
import { openLinkStore } from '../../links/linkStore';
import type { OperatorContext } from '../operatorContext';
import { connectClient } from '../../workers/temporalClient';
import { pairCommands } from '../../workers/pairSignals';
import { connectOrExplain } from '../../workers/service';
import { settingsFor, type SettingsOptions } from './common';
import { knownAddress } from './servers';

/** Options that every command has. */
export interface CommonOptions extends SettingsOptions {
  data: string;
  json?: true;
  /** Only for commands whose result is one table. */
  csv?: true;
}

/** The service's configuration, link store and Temporal client. */
export interface Connected extends OperatorContext {
  config: Config;
  mongo: MongoClient;
}

/** Connects to the servers of the service for the duration of the work. @throws ConfigError, MappingError */
export async function withService<T>(
  options: CommonOptions,
  work: (connected: Connected) => Promise<T>,
): Promise<T> {
  const config = settingsFor(options);
  const mapping = loadMapping(config.mappingFile);
  return withServers(config, options, async ({ mongo, client }) => {
    const store = await openLinkStore(mongo.db(config.mongodbDatabase));
    const { pairPrefix } = config;
    const commands = pairCommands(client, config.taskQueue, mapping, pairPrefix);
    return work({ config, mapping, mongo, store, client, commands, pairPrefix });
  });
}

/** Connects to both servers, which all connections share. @throws ConfigError */
export async function withServers<T>(
  config: Config,
  options: CommonOptions,
  work: (servers: { mongo: MongoClient; client: Client }) => Promise<T>,
): Promise<T> {
  return withMongo(config, options, async (mongo) => {
    const temporalAddress = knownAddress('temporalAddress', config, options.data);
    const temporal = await connectOrExplain('TEMPORAL_ADDRESS', temporalAddress, () =>
      connectClient(config, temporalAddress),
    );
    try {
      return await work({ mongo, client: temporal.client });
    } finally {
      await temporal.close();
    }
  });
}

/** Connects to MongoDB only. @throws ConfigError */
export async function withMongo<T>(
  config: Config,
  options: CommonOptions,
  work: (mongo: MongoClient) => Promise<T>,
): Promise<T> {
  const mongodbUri = knownAddress('mongodbUri', config, options.data);
  const mongo = await connectOrExplain('MONGODB_URI', mongodbUri, () =>
    connectMongo(mongodbUri, { serverSelectionTimeoutMS: 10_000 }),
  );
  try {
    return await work(mongo);
  } finally {
    await mongo.close();
  }
}
