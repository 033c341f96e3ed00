import { canonicalKey, parseCanonicalKey, parseRef, refKey, type CanonicalKey } from '../sync/canonicalKey';
import type { Link } from '../sync/link';
import { otherSide, type RefKey } from '../sync/record';
import type { ReasonCode } from '../sync/reasons';
import { actedOn, type Decisions } from '../sync/resolution';
import { originRef, summarise, type ActivityContext } from './activityContext';
import { activityLog } from './log';
import type { PlanInput, Step } from './types';

/**
 * The ways in which a pair's turn ends: it rests, waits for a person, or hands over to the pair that owns its record.
 */

/** Marks a pair as waiting for a person, unless it waits already, for the same reason. */
export async function parkPair(
  context: Pick<ActivityContext, 'store' | 'now' | 'log' | 'metrics'>,
  link: Link,
  status: 'conflict' | 'quarantined',
  code: ReasonCode,
  text: string,
  candidates: RefKey[] = [],
): Promise<Link> {
  if (link.status === status && link.reason?.text === text) return link;
  context.metrics.pairParked(link.entity, status, code);
  activityLog(context.log, link._id).warn({ status, code }, 'left to a person');
  const since = context.now().toISOString();
  return context.store.save({
    ...link,
    status,
    candidates,
    intent: null,
    reason: { code, text, since, nextAttempt: null },
  });
}

/** Sends this turn's messages to the pair that owns the record, and removes this pair's link. */
export async function handOver(
  context: ActivityContext,
  input: PlanInput,
  link: Link,
  owner: CanonicalKey,
): Promise<Step> {
  const { key } = input;
  const origin = originRef(key);
  const hints = [...input.hints.filter((hint) => hint.ref !== origin), { ref: origin, version: null }];
  await context.signalPair(owner, { hints, force: input.force, hops: input.hops + 1 });
  if (link.rev > 0 && !(link.sides.zendesk && link.sides.pms)) await context.store.remove(link);
  return { next: 'rest', state: summarise(key, null, 'handed over', `belongs to ${owner}`) };
}

/**
 * Ends a pair whose origin is gone, because a person asked for a new record in its place: the pair of the record that is
 * left makes it. The steps may be repeated after a crash, in this order.
 */
export async function beginAnew(
  context: ActivityContext,
  input: PlanInput,
  link: Link,
  decisions: Decisions,
): Promise<Step> {
  const { key, causes } = input;
  const { store } = context;
  const { origin } = parseCanonicalKey(key);
  const left = link.sides[otherSide(origin.side)]?.ref;
  if (left === undefined) throw new Error(`${key}: nothing is left to begin anew with`);
  const owner = canonicalKey(link.entity, parseRef(left));
  await store.decisions.keep(owner, { counterpart: 'create' });
  await store.claims.release(left, key);
  await store.claims.release(refKey(origin), key);
  const hints = [{ ref: left, version: null }];
  await context.signalPair(owner, { hints, force: true, hops: 0, ...(causes && { causes }) });
  await store.remove(link);
  await store.decisions.drop(key, actedOn(decisions, []));
  return { next: 'rest', state: summarise(key, null, 'handed over', `belongs to ${owner}`) };
}

/** The workflow has nothing more to do for now. */
export function endTurn(link: Link): Step {
  return { next: 'rest', state: summarise(link._id, link) };
}
