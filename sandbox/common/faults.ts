import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

/** How a sandbox misbehaves: rules, set over HTTP, that say which calls go wrong, how, and how often. */
const ruleSchema = z.strictObject({
  /** Regular expression over method and path, e.g. `^POST /api/v1/projects`. */
  route: z.string(),
  kind: z.enum(['status', 'reset', 'delay', 'timeoutAfterWrite', 'malformed', 'truncated']),
  /** Between 0 and 1; 1 where it is absent. */
  probability: z.number().min(0).max(1).default(1),
  /** How many calls it strikes; without it, all. */
  times: z.number().int().positive().optional(),
  status: z.number().int().default(503),
  retryAfterSeconds: z.number().optional(),
  delayMs: z.number().default(100),
});
export type FaultRule = z.output<typeof ruleSchema>;
export type FaultInput = z.input<typeof ruleSchema>;

export class Faults {
  private rules: FaultRule[] = [];
  private readonly struck = new Map<string, number>();
  private readonly pending = new WeakMap<FastifyRequest, FaultRule>();
  private state: number;

  constructor(
    seed: number,
    /** Told of answers whose connection was cut, which no response hook sees. */
    private readonly onCut: (request: FastifyRequest, status: number) => void,
  ) {
    this.state = seed >>> 0 || 1;
  }

  set(rules: FaultInput[]): void {
    this.rules = z.array(ruleSchema).parse(rules);
  }

  /** Faults so far, by kind. */
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
  }

  private async before(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    const rule = this.choose(request);
    if (!rule) return undefined;
    switch (rule.kind) {
      case 'status':
        if (rule.retryAfterSeconds !== undefined) reply.header('retry-after', String(rule.retryAfterSeconds));
        return reply
          .code(rule.status)
          .send({ error: 'InjectedFault', description: 'Injected by the sandbox' });
      case 'reset':
        this.cut(request, reply, 0);
        return reply;
      case 'delay':
        await sleep(rule.delayMs);
        return undefined;
      case 'timeoutAfterWrite':
      case 'malformed':
      case 'truncated':
        this.pending.set(request, rule);
        return undefined;
    }
  }

  private async after(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
    const rule = this.pending.get(request);
    if (!rule) return payload;
    this.pending.delete(request);
    if (rule.kind === 'malformed') return '{"this is": not JSON';
    const text = typeof payload === 'string' ? payload : '';
    if (rule.kind === 'truncated') return text.slice(0, Math.floor(text.length / 2));
    // The write is done; its answer never arrives.
    this.cut(request, reply, reply.statusCode);
    return payload;
  }

  private cut(request: FastifyRequest, reply: FastifyReply, status: number): void {
    this.onCut(request, status);
    reply.hijack();
    request.raw.socket.destroy();
  }

  private choose(request: FastifyRequest): FaultRule | null {
    const call = `${request.method} ${request.url}`;
    if (request.url.startsWith('/_sandbox')) return null;
    for (const rule of this.rules) {
      if (rule.times === 0 || !new RegExp(rule.route).test(call) || this.random() >= rule.probability)
        continue;
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
