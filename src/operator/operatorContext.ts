import type { Client } from '@temporalio/client';
import type { LinkStore } from '../links/linkStore';
import type { Mapping } from '../sync/mapping';
import type { PairCommands } from '../workers/pairSignals';

/** The connections and settings that the commands and the console share. */
export interface OperatorContext {
  mapping: Mapping;
  store: LinkStore;
  client: Client;
  commands: PairCommands;
  /** The prefix of workflow ids of pairs. */
  pairPrefix: string;
}
