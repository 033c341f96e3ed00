import {
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
} from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { MongoClient } from 'mongodb';
import type { PairSummary } from '../activities/types';
import { loadConfig, type Config } from '../config/config';
import { loadMapping } from '../config/mapping';
import { openLinkStore, type LinkStore } from '../links/store';
import type { Mapping } from '../sync/mapping';
import { connectClient } from '../workers/connect';
import { pairCommands, type PairCommands } from '../workers/hint';
import { reachable } from '../workers/service';
import { Problem } from './errors';
import { knownAddress } from './servers';

/** Options that every command has. */
export interface CommonOptions {
  config?: string;
  data: string;
  json?: true;
}

/** What a command works with: the service's configuration, link store and Temporal client. */
export interface Connected {
  config: Config;
  mapping: Mapping;
  mongo: MongoClient;
  store: LinkStore;
  client: Client;
  commands: PairCommands;
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

/**
 * Waits for a pair's answer. @throws Problem where it is refused, where the workflow fails, or where nobody answers
 * in time; what was asked is then done later, once a worker takes it.
 */
export async function answerOf(
  client: Client,
  waitSeconds: number,
  ask: () => Promise<PairSummary>,
): Promise<PairSummary> {
  try {
    return await client.withDeadline(Date.now() + waitSeconds * 1000, ask);
  } catch (error) {
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
      throw new Problem(
        `no answer within ${waitSeconds} s: no worker runs, or it is busy or waits for an API; what was asked for stays asked for`,
      );
    }
    if (error instanceof WorkflowUpdateFailedError) throw new Problem(innermost(error.cause));
    throw error;
  }
}

/** What was said at the bottom: Temporal wraps it in the failure of the activity that said it. */
function innermost(error: Error | undefined): string {
  if (error instanceof ActivityFailure) return innermost(error.cause);
  if (error instanceof ApplicationFailure && error.cause) return innermost(error.cause);
  return error?.message ?? 'the pair gave no reason';
}
