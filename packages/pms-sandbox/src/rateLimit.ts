import type { FastifyReply } from 'fastify';
import { Refusal } from './refusal';

const MINUTE_MS = 60_000;

/** A rate limit in calls per minute, shared by all clients, in fixed windows. */
export function rateLimit(perMinute: number, clock: () => number): (reply: FastifyReply) => void {
  let windowStart = clock();
  let used = 0;
  return (reply) => {
    if (clock() - windowStart >= MINUTE_MS) {
      windowStart = clock();
      used = 0;
    }
    used += 1;
    const reset = Math.max(1, Math.ceil((windowStart + MINUTE_MS - clock()) / 1000));
    reply.headers({
      'x-ratelimit-limit': String(perMinute),
      'x-ratelimit-remaining': String(Math.max(0, perMinute - used)),
      'x-ratelimit-reset': String(reset),
    });
    if (used <= perMinute) return;
    reply.header('retry-after', String(reset));
    throw new Refusal(429, 'rate_limited', `More than ${perMinute} calls in a minute`);
  };
}
