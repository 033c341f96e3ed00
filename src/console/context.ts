import type { Client } from '@temporalio/client';
import type { Db } from 'mongodb';
import type { Logger } from 'pino';
import type { LinkStore } from '../links/store';
import type { Mapping } from '../sync/mapping';
import type { AccessRules } from './access';
import type { DeepLinks } from './deepLinks';

/** What the console's pages are made from. It holds no credential of either API. */
export interface ConsoleContext {
  client: Client;
  /** Connects with the first use, as the server need not be there before. */
  database: () => Promise<{ db: Db; store: LinkStore }>;
  /** As its file says it now. @throws MappingError, ConfigError */
  mapping: () => Mapping;
  taskQueue: string;
  links: DeepLinks;
  access: AccessRules;
  log: Logger;
  now: () => number;
}
