import { createHash } from 'node:crypto';
import { badRequest } from './refusal';

const KEPT_MS = 2 * 60 * 60_000;

/** First answers by Idempotency-Key. https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency */
export class Idempotency {
  private readonly answers = new Map<string, { request: string; answer: string; at: number }>();

  constructor(private readonly clock: () => number) {}

  /** @throws Refusal 400 where the key came with another body; a refused request leaves no answer behind */
  once(key: string, body: unknown, act: () => unknown): { answer: unknown; lookup: 'hit' | 'miss' } {
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
      throw badRequest(
        'IdempotentRequestError',
        'Request parameters do not match the first request with this Idempotency-Key',
      );
    return { answer: JSON.parse(first.answer), lookup: 'hit' };
  }

  private forgetOld(): void {
    for (const [key, { at }] of this.answers) {
      if (this.clock() - at < KEPT_MS) return;
      this.answers.delete(key);
    }
  }
}
