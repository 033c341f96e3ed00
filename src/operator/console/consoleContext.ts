import type { Client } from '@temporalio/client';
import type { Db } from 'mongodb';
import type { Logger } from 'pino';
import type { LinkStore } from '../../links/linkStore';
import type { Mapping } from '../../sync/mapping';
import type { AccessRules } from './access';
import type { DeepLinks } from './deepLinks';

/** What the pages of a connection are made from. It holds no credential of either API. */
export interface ConsoleContext {
  /** Null where it is the only one. */
  connection: string | null;
  /** Below which its pages are: `/console`, `/console/connections/acme`. */
  root: string;
  client: Client;
  /** Connects with the first use, as the server need not be there before. */
  database: () => Promise<{ db: Db; store: LinkStore }>;
  /** As its file says it now. @throws MappingError, ConfigError */
  mapping: () => Mapping;
  taskQueue: string;
  /** Before a pair's key, in its workflow id. */
  pairPrefix: string;
  /** The folder of servers that `start` runs itself; null where they run elsewhere. */
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
