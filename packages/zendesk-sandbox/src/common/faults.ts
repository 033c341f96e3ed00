import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

/** Injected faults: rules, set over HTTP, that define which calls fail, how, and how often. */
const CALL_KINDS = [
  'status',
  /** An HTML page, as a gateway before the system would answer. */
  'html',
  'reset',
  'delay',
  'timeoutAfterWrite',
  'malformed',
  'truncated',
  /** The lists in an answer are empty, but its cursors are unchanged. */
  'blank',
] as const;
/** Faults that only routes which call {@link Faults.ruleOf} apply; other calls ignore them. */
const ASKED_KINDS = [
  /** A read that does not yet see the latest writes. */
  'stale',
  /** A change feed that repeats its last entries. */
  'repeat',
  /** The access tokens of the service are revoked before this call. */
  'tokenRevoked',
  /** A grant whose token expires after `lifeSeconds`, regardless of its `expires_in`. */
  'tokenShort',
  /** A grant without `expires_in`. */
  'tokenUntold',
] as const;
type AskedKind = (typeof ASKED_KINDS)[number];
/** Faults of webhooks; their `route` is matched with the name of the delivered event. */
const WEBHOOK_KINDS = ['webhookDuplicate', 'webhookLate', 'webhookLost', 'webhookReordered'] as const;

const ruleSchema = z.strictObject({
  /**
   * A regular expression for method and path with query, e.g. `^POST /api/v1/projects`. If it consists only of path
   * characters and `*`, it is a glob for the whole path: `*` matches one segment, `**` any number.
   */
  route: z.string().refine(isPattern, 'expected a regular expression or a glob'),
  method: z.string().toUpperCase().optional(),
  kind: z.enum([...CALL_KINDS, ...ASKED_KINDS, ...WEBHOOK_KINDS]),
  /** Between 0 and 1; by default 1. */
  probability: z.number().min(0).max(1).default(1),
  /** The number of calls that the rule affects; by default, all. */
  times: z.number().int().nonnegative().optional(),
  status: z.number().int().min(200).max(599).default(503),
  /** The body of an answer, for the kind `status`; a text is sent as `text/plain`. */
  body: z.union([z.string(), z.record(z.string(), z.json())]).optional(),
  retryAfterSeconds: z.number().nonnegative().optional(),
  delayMs: z.number().nonnegative().default(100),
  staleSeconds: z.number().nonnegative().default(60),
  lifeSeconds: z.number().positive().default(2),
});
export type FaultRule = z.output<typeof ruleSchema>;
export type FaultInput = z.input<typeof ruleSchema>;
type Armed = FaultRule & { matches(method: string, url: string): boolean };

const ERROR_PAGE =
  '<!DOCTYPE html><html><head><title>Error</title></head><body>Try again later.</body></html>';

const isWebhookKind = (kind: FaultRule['kind']): boolean =>
  (WEBHOOK_KINDS as readonly string[]).includes(kind);
const isAskedKind = (kind: FaultRule['kind']): boolean => (ASKED_KINDS as readonly string[]).includes(kind);

export class Faults {
  private rules: Armed[] = [];
  private readonly struck = new Map<string, number>();
  private readonly pending = new WeakMap<FastifyRequest, FaultRule>();
  private state: number;

  constructor(
    seed: number,
    /** Called for answers whose connection was cut, which no response hook sees. */
    private readonly onCut: (request: FastifyRequest, status: number) => void,
  ) {
    this.state = seed >>> 0 || 1;
  }

  set(rules: FaultInput[]): void {
    this.rules = z
      .array(ruleSchema)
      .parse(rules)
      .map((rule) => ({ ...rule, matches: matcher(rule) }));
  }

  /** The number of faults so far, by kind. */
  counts(): Record<string, number> {
    return Object.fromEntries(this.struck);
  }

  install(app: FastifyInstance): void {
    app.get('/_sandbox/faults', async () => ({ rules: this.rules, struck: this.counts() }));
    app.put('/_sandbox/faults', async (request) => {
      this.set(request.body as FaultInput[]);
      return { rules: this.rules };
    });
    app.delete('/_sandbox/faults', async () => {
      this.rules = [];
      return { rules: this.rules };
    });
    app.addHook('onRequest', async (request, reply) => this.before(request, reply));
    app.addHook('onSend', async (request, reply, payload) => this.after(request, reply, payload));
    // The call log serves these two routes; the faults are added to its answers.
    app.addHook('preSerialization', async (request, _reply, payload) =>
      request.routeOptions.url === '/_sandbox/stats'
        ? { ...(payload as object), faults: this.counts() }
        : payload,
    );
    app.addHook('onResponse', async (request) => {
      if (request.routeOptions.url === '/_sandbox/stats/reset') this.struck.clear();
    });
  }

  /** The delay of the data in the answer to this read; 0 if no rule applies. */
  staleSeconds(request: FastifyRequest): number {
    return this.ruleOf(request, 'stale')?.staleSeconds ?? 0;
  }

  /** Whether the answer to this read must repeat earlier entries. */
  repeats(request: FastifyRequest): boolean {
    return this.ruleOf(request, 'repeat') !== null;
  }

  /** The rule of this kind that affects this call. */
  ruleOf(request: FastifyRequest, kind: AskedKind): FaultRule | null {
    const rule = this.pending.get(request);
    return rule?.kind === kind ? rule : null;
  }

  /** The rule that affects the delivery of an event, such as `ticket.created`. */
  delivery(event: string): FaultRule | null {
    return this.choose('', event, true);
  }

  private async before(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    if (request.url.startsWith('/_sandbox')) return undefined;
    const rule = this.choose(request.method, request.url, false);
    if (!rule) return undefined;
    switch (rule.kind) {
      case 'status':
        if (rule.retryAfterSeconds !== undefined) reply.header('retry-after', String(rule.retryAfterSeconds));
        if (typeof rule.body === 'string') reply.type('text/plain; charset=utf-8');
        return reply
          .code(rule.status)
          .send(rule.body ?? { error: 'InjectedFault', description: 'Injected by the sandbox' });
      case 'html':
        return reply.code(rule.status).type('text/html; charset=utf-8').send(ERROR_PAGE);
      case 'reset':
        this.cut(request, reply, 0);
        return reply;
      case 'delay':
        await sleep(rule.delayMs);
        return undefined;
      default:
        this.pending.set(request, rule);
        return undefined;
    }
  }

  private async after(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
    const rule = this.pending.get(request);
    if (!rule || isAskedKind(rule.kind)) return payload;
    this.pending.delete(request);
    if (rule.kind === 'timeoutAfterWrite') {
      // The write was executed, but its answer never arrives.
      this.cut(request, reply, reply.statusCode);
      return payload;
    }
    if (rule.kind === 'blank') return blanked(payload);
    // An answer without a body cannot be spoiled.
    if (reply.statusCode === 204) return payload;
    if (rule.kind === 'malformed') return '{"this is": not JSON';
    return typeof payload === 'string' || Buffer.isBuffer(payload)
      ? payload.slice(0, Math.floor(payload.length / 2))
      : payload;
  }

  private cut(request: FastifyRequest, reply: FastifyReply, status: number): void {
    this.onCut(request, status);
    reply.hijack();
    request.raw.socket.destroy();
  }

  private choose(method: string, subject: string, webhook: boolean): FaultRule | null {
    for (const rule of this.rules) {
      if (isWebhookKind(rule.kind) !== webhook || rule.times === 0) continue;
      if (!rule.matches(method, subject) || this.random() >= rule.probability) continue;
      if (rule.times !== undefined) rule.times -= 1;
      this.struck.set(rule.kind, (this.struck.get(rule.kind) ?? 0) + 1);
      return rule;
    }
    return null;
  }

  /** Mulberry32: small, seeded, good enough to choose which call fails. */
  private random(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
}

/** Cursors remain, so that a client continues after the missing entries. */
function blanked(payload: unknown): unknown {
  if (typeof payload !== 'string') return payload;
  const entries = Object.entries(JSON.parse(payload) as Record<string, unknown>);
  const emptied = entries.map(([name, value]) => {
    if (name === 'count') return [name, 0];
    return [name, Array.isArray(value) ? [] : value];
  });
  return JSON.stringify(Object.fromEntries(emptied));
}

/** A route with `.*` is a regular expression, not a glob. */
function isGlob(route: string): boolean {
  return /^\/[\w\-/.*]*$/.test(route) && route.includes('*') && !route.includes('.*');
}

function isPattern(route: string): boolean {
  try {
    new RegExp(isGlob(route) ? '' : route);
    return true;
  } catch {
    return false;
  }
}

function matcher({ route, method, kind }: FaultRule): Armed['matches'] {
  const methodFits = (given: string) => method === undefined || method === given;
  if (isGlob(route)) {
    const source = route
      .split('**')
      .map((part) => part.replace(/\./g, '\\.').replace(/\*/g, '[^/]+'))
      .join('.*');
    const path = new RegExp(`^${source}$`);
    return (given, url) => methodFits(given) && path.test(url.split('?')[0] ?? '');
  }
  const call = new RegExp(route);
  return (given, url) => methodFits(given) && call.test(isWebhookKind(kind) ? url : `${given} ${url}`);
}
