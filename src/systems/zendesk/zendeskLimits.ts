import type { Limit, LimitReading, LimitedBy, LimitedCall, RateRules } from '../budget';
import { callsIn, waitOf } from '../waits';

const TICKET_UPDATE_LIMIT = 'tickets-update';
const TEN_MINUTES_MS = 600_000;

/**
 * Zendesk counts every call against the account's limit, and some calls also against a separate limit. Separate limits of
 * the account are named after Zendesk's header, if there is one; `ticket`, `organization`, `user` and `upload` are limits
 * per record.
 * https://developer.zendesk.com/api-reference/introduction/rate-limits/, zendesk-rules.md rules 4 to 7
 */
const LIMITS: Readonly<Record<string, Limit>> = {
  account: { calls: 200 },
  exports: { calls: 10 },
  'exports-cursor': { calls: 20 },
  'ticket-fields': { calls: 20 },
  // The limit of a trial account, until the first answer shows 100 or 300.
  [TICKET_UPDATE_LIMIT]: { calls: 20, comesAgain: true, leavesRoom: true },
  'users-update': { calls: 1, windowMs: 1_000, comesAgain: true },
  jobs: { calls: 30, inFlight: true },
  attachments: { calls: 2_500 },
  ticket: { calls: 30, windowMs: TEN_MINUTES_MS },
  organization: { calls: 5 },
  user: { calls: 5 },
  // The limit of an upload that belongs to no ticket. Files of tickets need no limit, as the sync reads each only once.
  upload: { calls: 10 },
};

interface Counted {
  method: RegExp;
  path: RegExp;
  bucket?: string;
  /** A limit per record: of the record in the path, else of {@link LimitedCall.concerns}. */
  record?: string;
}

/** Comments, follow-ups, files with a comment, redactions, privacy and tags are ticket updates, too (rule 4). */
const COUNTED: readonly Counted[] = [
  { method: /^GET$/, path: /^\/api\/v2\/incremental\/users\/cursor$/, bucket: 'exports-cursor' },
  { method: /^GET$/, path: /^\/api\/v2\/incremental\//, bucket: 'exports' },
  { method: /^GET$/, path: /^\/api\/v2\/ticket_fields$/, bucket: 'ticket-fields' },
  {
    method: /^PUT$/,
    path: /^\/api\/v2\/tickets\/(\d+)(?:\/comments\/.+)?$/,
    bucket: TICKET_UPDATE_LIMIT,
    record: 'ticket',
  },
  {
    method: /^(PUT|POST|DELETE)$/,
    path: /^\/api\/v2\/tickets\/(\d+)\/tags$/,
    bucket: TICKET_UPDATE_LIMIT,
    record: 'ticket',
  },
  {
    method: /^PUT$/,
    path: /^\/api\/v2\/comment_redactions\//,
    bucket: TICKET_UPDATE_LIMIT,
    record: 'ticket',
  },
  { method: /^PUT$/, path: /^\/api\/v2\/organizations\/(\d+)$/, record: 'organization' },
  { method: /^PUT$/, path: /^\/api\/v2\/users\/(\d+)$/, bucket: 'users-update', record: 'user' },
  {
    method: /^POST$/,
    path: /^\/api\/v2\/users\/create_or_update$/,
    bucket: 'users-update',
    record: 'user',
  },
  { method: /^(POST|PUT|DELETE)$/, path: /^\/api\/v2\/\w+\/(\w+_many)$/, bucket: 'jobs' },
  {
    method: /^GET$/,
    path: /^\/attachments\/token\/([^/]+)\/?$/,
    bucket: 'attachments',
    record: 'upload',
  },
];

export const ZENDESK_RATE: RateRules = {
  limits: LIMITS,
  bucketsOf(call) {
    const path = call.path.replace(/\.json$/, '');
    const found = COUNTED.find((each) => each.method.test(call.method) && each.path.test(path));
    const own = found ? bucketsIn(found, call, path) : [];
    // A download of a file is no call of the API.
    return path.startsWith('/api/') ? [...own, { bucket: 'account' }] : own;
  },
  read(header) {
    return [
      ...accountReading(header),
      ...endpoint(header, 'incremental-exports', 'exports'),
      ...endpoint(header, 'incremental-exports-cursor', 'exports-cursor'),
      ...endpoint(header, 'ticket-fields-index', 'ticket-fields'),
      ...endpoint(header, 'tickets-update', TICKET_UPDATE_LIMIT),
      ...endpoint(header, 'inflight-jobs', 'jobs'),
      // The limit of the user whom the call creates or updates.
      ...endpoint(header, 'create-update-user', 'user'),
    ];
  },
};

function bucketsIn({ bucket, record, path }: Counted, { concerns }: LimitedCall, at: string): LimitedBy[] {
  const id = path.exec(at)?.[1] ?? concerns;
  return [
    ...(record !== undefined && id !== undefined ? [{ bucket: record, record: id }] : []),
    ...(bucket === undefined ? [] : [{ bucket }]),
  ];
}

/** Reads the account's limit from the current headers, or those of older accounts (rule 6). */
function accountReading(header: (name: string) => string | null): LimitReading[] {
  const first = (...names: string[]) => names.map(header).find((value) => value !== null) ?? null;
  const limit = callsIn(first('x-rate-limit', 'ratelimit-limit', 'rate-limit'));
  const remaining = callsIn(first('x-rate-limit-remaining', 'ratelimit-remaining', 'rate-limit-remaining'));
  if (limit === null || remaining === null) return [];
  return [
    { bucket: 'account', limit, remaining, resetMs: waitOf(first('ratelimit-reset', 'rate-limit-reset')) },
  ];
}

/** `total=10; remaining=9; resets=58` */
function endpoint(header: (name: string) => string | null, name: string, bucket: string): LimitReading[] {
  const parts = new Map(
    (header(`zendesk-ratelimit-${name}`) ?? '').split(';').map((part) => {
      const [key = '', value = ''] = part.split('=');
      return [key.trim(), value.trim()];
    }),
  );
  const limit = callsIn(parts.get('total'));
  const remaining = callsIn(parts.get('remaining'));
  return limit === null || remaining === null
    ? []
    : [{ bucket, limit, remaining, resetMs: waitOf(parts.get('resets')) }];
}
