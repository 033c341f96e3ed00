import type { CallBudget, RateRules } from './budget';
import type { ApiCall } from './http';
import type { SystemPort } from './port';
import type { WebhookAdmin } from './webhookAdmin';

/** The adapter of a PMS in the configuration: a profile, or a module that the user wrote. */
export interface PmsAdapter {
  /** The name of the system in messages. */
  name: string;
  /** The rate limits of its API; without it, 60 calls a minute are assumed. */
  rate?: RateRules;
  connect(connection: AdapterConnection): SystemPort;
  /** Registers webhooks; absent if the system has none. @param secret for the signatures of the system */
  webhooks?(connection: AdapterConnection & { secret: string }): WebhookAdmin;
}

export interface AdapterConnection {
  /** Scheme, host, and the common prefix of all paths. */
  baseUrl: string;
  token: string;
  /** The same, read again: a secret file may be replaced while the service runs. */
  readToken?: () => string;
  /** The user name, if the authentication needs one. */
  user?: string;
  /** The refresh token, if a person granted access by OAuth; read again at each use. */
  readRefreshToken?: () => string;
  timeoutMs?: number;
  /** The largest file to copy; 20 MB if not given. */
  fileLimitBytes?: number;
  onCall?: (call: ApiCall) => void;
  budget?: CallBudget;
}

const CALLS_PER_MINUTE = 60;

/** The rate rules of an API whose answers show no limits. @param callsPerMinute the assumed limit */
export function untoldRate(callsPerMinute = CALLS_PER_MINUTE): RateRules {
  return {
    bucketsOf: () => [{ bucket: 'account' }],
    limits: { account: { calls: callsPerMinute } },
    read: () => [],
  };
}
