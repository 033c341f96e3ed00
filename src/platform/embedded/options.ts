import type { ConnectionOptions } from '@temporalio/client';

/** How embedded servers are found or started. */
export interface EmbeddedOptions {
  /** Where data is kept; without it, data is gone when the server stops. */
  dataDir?: string;
  onProgress?: (line: string) => void;
  /** A server that exists already; the environment's `TEMPORAL_ADDRESS` and `MONGODB_URI` count as given. */
  temporalAddress?: string;
  mongodbUri?: string;
  /** How to connect to a given Temporal (TLS, API key); our own server needs nothing. */
  temporalConnection?: Pick<ConnectionOptions, 'tls' | 'apiKey'>;
  namespace?: string;
  /** Ports to use; free ones are chosen where none is given. */
  temporalPort?: number;
  mongoPort?: number;
  /** Temporal's dynamic configuration, by key, for a server of our own. */
  temporalConfig?: Record<string, string | number | boolean>;
  /** Of the MongoDB-wire server in Java, which keeps all in memory where there is no `dataDir`. */
  mongoHeapMb?: number;
  /** Port of Temporal's Web UI; `false` for none. */
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
  /** The server's own process, where we started one. */
  pid: number | null;
  stop(): Promise<void>;
}

export interface EmbeddedMongo {
  uri: string;
  how: string;
  pid: number | null;
  stop(): Promise<void>;
}
