import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Refusal, badRequest } from './refusal';
import type { Store } from './store';

const KEPT_MS = 2 * 60 * 60_000;
const KEY_AT_MOST = 255;
const CREATION = /^\/api\/v2\/tickets(\.json)?(\?|$)/;

/**
 * First answers by Idempotency-Key, of ticket creations alone (rule 43 [D][U]; the words of the refusal:
 * cloudbees-oss/zendesk-java-client). https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency
 */
export class Idempotency {
  private readonly answers = new Map<string, { request: string; answer: string; at: number }>();
  /** Running creates, by key. */
  private readonly running = new Map<string, { request: FastifyRequest; end: Promise<void> }>();

  constructor(
    private readonly clock: () => number,
    private readonly store: Store,
  ) {}

  /**
   * The answer to a repeat while its create still runs is not documented; the switch `repeatWhileRunning` chooses it. A
   * create runs from its arrival, also while a fault delays it, so this hook must precede those of faults.
   */
  install(app: FastifyInstance): void {
    app.addHook('onRequest', async (request, reply) => {
      const key = keyOf(request);
      if (key === null) return;
      const first = this.running.get(key);
      if (first && this.store.rules.repeatWhileRunning === '409')
        throw new Refusal(409, {
          error: 'IdempotentRequestError',
          description: 'A request with the given idempotency key is running',
        });
      if (first) await first.end;
      const end = new Promise<void>((resolve) => reply.raw.once('close', resolve));
      this.running.set(key, { request, end });
      void end.then(() => {
        if (this.running.get(key)?.request === request) this.running.delete(key);
      });
    });
  }

  /** @throws Refusal 400 if the key was used with another body. The answer to a refused request is not stored. */
  once(key: string, body: unknown, act: () => unknown): { answer: unknown; lookup: 'hit' | 'miss' } {
    if (key.length > KEY_AT_MOST)
      throw badRequest('IdempotentRequestError', `The key is longer than ${KEY_AT_MOST} characters`);
    this.forgetOld();
    const request = createHash('sha256')
      .update(JSON.stringify(body) ?? '')
      .digest('hex');
    const first = this.answers.get(key);
    if (!first) {
      const answer = act();
      this.answers.set(key, { request, answer: JSON.stringify(answer), at: this.clock() });
      return { answer, lookup: 'miss' };
    }
    if (first.request !== request)
      throw badRequest('IdempotentRequestError', "Request parameters don't match the given idempotency key");
    return { answer: JSON.parse(first.answer), lookup: 'hit' };
  }

  private forgetOld(): void {
    for (const [key, { at }] of this.answers) {
      if (this.clock() - at < KEPT_MS) return;
      this.answers.delete(key);
    }
  }
}

function keyOf(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key'];
  return request.method === 'POST' && CREATION.test(request.url) && typeof key === 'string' ? key : null;
}
