import type { CallBudget, RateRules } from './budget';
import type { ApiCall } from './http';
import type { SystemPort } from './port';
import type { WebhookAdmin } from './webhookAdmin';

/** What stands for a PMS in the configuration: a profile, or a module of somebody's own. */
export interface PmsAdapter {
  /** How messages call the system. */
  name: string;
  /** How its API tells of its rate; without it, 60 calls a minute are taken for granted. */
  rate?: RateRules;
  connect(connection: AdapterConnection): SystemPort;
  /** Where it has webhooks: how they are registered. @param secret that it is to sign with */
  webhooks?(connection: AdapterConnection & { secret: string }): WebhookAdmin;
}

export interface AdapterConnection {
  /** Scheme and host, and what comes before all paths. */
  baseUrl: string;
  token: string;
  /** The same, read anew: a secret that is mounted as a file may be replaced while the service runs. */
  readToken?: () => string;
  /** For ways to authenticate that need a name. */
  user?: string;
  /** Where a person granted access by OAuth; read anew. */
  readRefreshToken?: () => string;
  timeoutMs?: number;
  /** Of a file that is passed on from here; 20 MB if not given. */
  fileLimitBytes?: number;
  onCall?: (call: ApiCall) => void;
  budget?: CallBudget;
}

const CALLS_PER_MINUTE = 60;

/** Of an API that does not tell. @param callsPerMinute that are taken for granted */
export function untoldRate(callsPerMinute = CALLS_PER_MINUTE): RateRules {
  return {
    bucketsOf: () => [{ bucket: 'account' }],
    limits: { account: { calls: callsPerMinute } },
    read: () => [],
  };
}
