import type { ConnectionOptions } from '@temporalio/client';

/** Options for finding or starting embedded servers. */
export interface EmbeddedOptions {
  /** The folder for data. Without it, data is lost when the server stops. */
  dataDir?: string;
  onProgress?: (line: string) => void;
  /** The address of an existing server; by default, `TEMPORAL_ADDRESS` and `MONGODB_URI` of the environment. */
  temporalAddress?: string;
  mongodbUri?: string;
  /** Connection options for an existing Temporal server (TLS, API key). */
  temporalConnection?: Pick<ConnectionOptions, 'tls' | 'apiKey'>;
  namespace?: string;
  /** The ports to use; by default, free ones. */
  temporalPort?: number;
  mongoPort?: number;
  /** Temporal's dynamic configuration, by key, for an embedded server. */
  temporalConfig?: Record<string, string | number | boolean>;
  /** The heap of the MongoDB-wire server in Java, which keeps all data in memory if there is no `dataDir`. */
  mongoHeapMb?: number;
  /** The port of Temporal's Web UI; `false` for no Web UI. */
  uiPort?: number | false;
  searchAttributes?: Record<string, 'Keyword' | 'Text' | 'Int' | 'Datetime' | 'Bool' | 'Double'>;
  /** Replaces the process's environment, in tests. */
  env?: NodeJS.ProcessEnv;
}

export interface EmbeddedTemporal {
  address: string;
  namespace: string;
  uiUrl: string | null;
  /** The way that worked, e.g. `cached build`. */
  how: string;
  /** The server's process id; null for an existing server. */
  pid: number | null;
  stop(): Promise<void>;
}

export interface EmbeddedMongo {
  uri: string;
  how: string;
  pid: number | null;
  stop(): Promise<void>;
}
