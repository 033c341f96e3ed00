import type { FaultInput } from 'zendesk-sandbox/common';

/** Temporary faults of a system. Each is a set of fault rules for one sandbox. */

const ANY = '/api/';
/** The route by which the service requests access tokens. */
const MINTS = '^POST /oauth/tokens';
const WRITES = '^(POST|PUT|PATCH) /api/';

export type Weather =
  | 'calm'
  | 'storm429'
  | 'errors'
  | 'resets'
  | 'slow'
  | 'lostAnswers'
  | 'garbage'
  | 'unauthorized'
  | 'tokens'
  | 'stale'
  | 'repeats'
  | 'lossyWebhooks';

export const WEATHERS: Record<Weather, FaultInput[]> = {
  calm: [],
  storm429: [{ route: ANY, kind: 'status', status: 429, retryAfterSeconds: 1, probability: 0.4 }],
  errors: [500, 502, 503].map((status) => ({ route: ANY, kind: 'status', status, probability: 0.1 })),
  resets: [{ route: ANY, kind: 'reset', probability: 0.2 }],
  slow: [{ route: ANY, kind: 'delay', delayMs: 1_200, probability: 0.3 }],
  lostAnswers: [{ route: WRITES, kind: 'timeoutAfterWrite', probability: 0.4 }],
  garbage: [
    { route: ANY, kind: 'malformed', probability: 0.1 },
    { route: ANY, kind: 'truncated', probability: 0.1 },
  ],
  unauthorized: [{ route: ANY, kind: 'status', status: 401, times: 3 }],
  tokens: [
    { route: '^[A-Z]+ /api/v2/', kind: 'tokenRevoked', probability: 0.15 },
    { route: MINTS, kind: 'tokenShort', lifeSeconds: 2, probability: 0.3 },
    { route: MINTS, kind: 'tokenUntold', probability: 0.3 },
    { route: MINTS, kind: 'delay', delayMs: 1_200, probability: 0.2 },
    { route: MINTS, kind: 'status', status: 429, retryAfterSeconds: 1, probability: 0.2 },
    { route: MINTS, kind: 'status', status: 503, probability: 0.2 },
    { route: MINTS, kind: 'html', status: 502, probability: 0.2 },
    { route: MINTS, kind: 'html', status: 200, probability: 0.1 },
    { route: MINTS, kind: 'reset', probability: 0.1 },
  ],
  stale: [{ route: '^GET /api/v2/incremental', kind: 'stale', staleSeconds: 20, probability: 0.5 }],
  repeats: [{ route: '^GET /api/v1/changes', kind: 'repeat', probability: 0.5 }],
  lossyWebhooks: [
    { route: '', kind: 'webhookLost', probability: 0.2 },
    { route: '', kind: 'webhookDuplicate', probability: 0.2 },
    { route: '', kind: 'webhookLate', delayMs: 3_000, probability: 0.2 },
    { route: '', kind: 'webhookReordered', delayMs: 1_000, probability: 0.2 },
  ],
};

export const WEATHER_NAMES = Object.keys(WEATHERS) as Weather[];
