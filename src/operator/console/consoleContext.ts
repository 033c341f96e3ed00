import type { Client } from '@temporalio/client';
import type { Db } from 'mongodb';
import type { Logger } from 'pino';
import type { LinkStore } from '../../links/linkStore';
import type { Mapping } from '../../sync/mapping';
import type { AccessRules } from './access';
import type { DeepLinks } from './deepLinks';

/** The sources of a connection's pages. It holds no credential of either API. */
export interface ConsoleContext {
  /** Null if there is only one connection. */
  connection: string | null;
  /** The path of its pages: `/console`, `/console/connections/acme`. */
  root: string;
  client: Client;
  /** Connects at the first use, because the server may be unavailable at the start. */
  database: () => Promise<{ db: Db; store: LinkStore }>;
  /** Reads the mapping file anew. @throws MappingError, ConfigError */
  mapping: () => Mapping;
  taskQueue: string;
  /** The prefix of workflow ids of pairs. */
  pairPrefix: string;
  /** The data folder of the servers that `start` runs itself; null if they run elsewhere. */
  dataDir: string | null;
  links: DeepLinks;
  log: Logger;
  now: () => number;
}

/** The console as a whole. */
export interface ConsoleSite {
  connections: readonly ConsoleContext[];
  access: AccessRules;
  log: Logger;
  now: () => number;
}
