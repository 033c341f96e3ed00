import type { Client } from '@temporalio/client';
import type { LinkStore } from '../links/linkStore';
import type { Mapping } from '../sync/mapping';
import type { PairCommands } from '../workers/pairSignals';

/** What an operator works with, at a terminal or in the console. */
export interface OperatorContext {
  mapping: Mapping;
  store: LinkStore;
  client: Client;
  commands: PairCommands;
  /** Before a pair's key, in its workflow id. */
  pairPrefix: string;
}
