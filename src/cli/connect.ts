import { MongoClient } from 'mongodb';
import { loadConfig, type Config } from '../config/config';
import { loadMapping } from '../config/mapping';
import { openLinkStore } from '../links/store';
import type { OperatorContext } from '../operator/context';
import { connectClient } from '../workers/connect';
import { pairCommands } from '../workers/hint';
import { reachable } from '../workers/service';
import { knownAddress } from './servers';

/** Options that every command has. */
export interface CommonOptions {
  config?: string;
  data: string;
  json?: true;
}

/** What a command works with: the service's configuration, link store and Temporal client. */
export interface Connected extends OperatorContext {
  config: Config;
  mongo: MongoClient;
}

/** Connects to what the service uses, works, and lets go again. @throws ConfigError, MappingError */
export async function withService<T>(
  options: CommonOptions,
  work: (connected: Connected) => Promise<T>,
): Promise<T> {
  const config = loadConfig(options.config ?? null, process.env);
  const mapping = loadMapping(config.mappingFile);
  const mongodbUri = knownAddress('mongodbUri', config, options.data);
  const temporalAddress = knownAddress('temporalAddress', config, options.data);
  const mongo = await reachable('MONGODB_URI', mongodbUri, () =>
    MongoClient.connect(mongodbUri, { serverSelectionTimeoutMS: 10_000 }),
  );
  try {
    const temporal = await reachable('TEMPORAL_ADDRESS', temporalAddress, () =>
      connectClient(config, temporalAddress),
    );
    try {
      const store = await openLinkStore(mongo.db(config.mongodbDatabase));
      const { client } = temporal;
      const commands = pairCommands(client, config.taskQueue, mapping);
      return await work({ config, mapping, mongo, store, client, commands });
    } finally {
      await temporal.close();
    }
  } finally {
    await mongo.close();
  }
}
