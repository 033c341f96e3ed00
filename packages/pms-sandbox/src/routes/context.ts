import type { FastifyRequest } from 'fastify';
import type { Idempotency } from '../idempotency';
import type { Person } from '../model';
import type { PmsStore } from '../store';

/** Shared by all routes. */
export interface Context {
  store: PmsStore;
  idempotency: Idempotency;
  /** The person whose token came with the request. */
  actor: (request: FastifyRequest) => Person;
  attachmentLimitBytes: number;
  /** Whether the feed must repeat entries that were returned before. */
  repeats: (request: FastifyRequest) => boolean;
}

export function idOf(request: FastifyRequest): string {
  return (request.params as { id: string }).id;
}
