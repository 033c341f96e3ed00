import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from './refusal';

const KEPT_MS = 24 * 60 * 60_000;

export interface Answer {
  status: number;
  etag?: string;
  body: unknown;
}

interface Kept {
  digest: string;
  answer: Answer;
  at: number;
}
export type KeptAnswers = ReadonlyMap<string, Kept>;

/** Executes a request once for each `Idempotency-Key`: a repeat gets the first answer. */
export class Idempotency {
  private readonly kept = new Map<string, Kept>();

  constructor(
    private readonly clock: () => number,
    private readonly forgetful: () => boolean,
  ) {}

  /**
   * @param personId each person has separate keys
   * @param content requests with equal content are the same
   * @throws Refusal 422 if the key was used with other content; an error of `make` is not stored
   */
  once(
    personId: string,
    key: string | undefined,
    content: unknown[],
    make: () => Answer,
  ): { answer: Answer; replayed: boolean } {
    if (key === undefined) return { answer: make(), replayed: false };
    this.forgetOld();
    const place = `${personId} ${key}`;
    const digest = digestOf(content);
    const first = this.forgetful() ? undefined : this.kept.get(place);
    if (first && first.digest !== digest)
      throw new Refusal(422, 'idempotency_key_reuse', 'This Idempotency-Key came with another request');
    if (first) return { answer: first.answer, replayed: true };
    const answer = make();
    this.kept.delete(place);
    this.kept.set(place, { digest, answer, at: this.clock() });
    return { answer, replayed: false };
  }

  /** The stored answers, for a backup. */
  copy(): KeptAnswers {
    return new Map(this.kept);
  }

  /** Replaces the stored answers by those of a backup. */
  replaceAll(answers: KeptAnswers): void {
    this.kept.clear();
    for (const [place, answer] of answers) this.kept.set(place, answer);
  }

  /** {@link once} for a whole request. */
  reply(
    request: FastifyRequest,
    reply: FastifyReply,
    personId: string,
    content: unknown[],
    make: () => Answer,
  ): FastifyReply {
    const key = request.headers['idempotency-key'];
    const { answer, replayed } = this.once(personId, Array.isArray(key) ? key[0] : key, content, make);
    if (answer.etag !== undefined) reply.header('etag', answer.etag);
    if (replayed) reply.header('idempotency-replayed', 'true');
    return reply.code(answer.status).send(answer.body);
  }

  private forgetOld(): void {
    for (const [place, { at }] of this.kept) {
      if (this.clock() - at < KEPT_MS) return;
      this.kept.delete(place);
    }
  }
}

function digestOf(content: unknown[]): string {
  const hash = createHash('sha256');
  for (const part of content) hash.update(Buffer.isBuffer(part) ? part : sorted(part)).update('\0');
  return hash.digest('hex');
}

/** JSON with sorted keys, because requests that differ only in the order of properties are the same. */
function sorted(value: unknown): string {
  return (
    JSON.stringify(value, (_key, part: unknown) =>
      part !== null && typeof part === 'object' && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    ) ?? ''
  );
}
