import type { WaitingHint } from '../links/hintStore';
import { parseRef, refKey } from '../sync/canonicalKey';
import { isKnownChange } from '../sync/planner';
import { ENTITY_TYPES, type RefKey, type Side } from '../sync/record';
import { entityOfRef, type ActivityContext } from './activityContext';
import { dispatchChanges } from './dispatch';
import { publicMessage } from '../systems/errors';
import { isForLater } from './failures';
import type { HintOutcome } from './types';

/** Hints that are read together; as many as both APIs read in one call. */
const HINTS_PER_READ = 100;

/**
 * Processes the stored hints: reads their records together and dispatches them as a page of changes, like a poll. If
 * the link has the change already, e.g. an echo of our own write, the record is not read.
 */
export async function readHinted(context: ActivityContext, side: Side): Promise<HintOutcome> {
  const { store } = context;
  const taken = await store.hints.take(side, HINTS_PER_READ);
  const news = await withNews(context, side, taken);
  await store.hints.drop(
    side,
    taken.filter((hint) => !news.includes(hint)),
  );
  const outcome = {
    hints: taken.length,
    read: news.length,
    hinted: 0,
    more: taken.length === HINTS_PER_READ,
  };
  if (news.length === 0) return outcome;
  const hints = parentsFirst(context, news);
  outcome.hinted = await new HintedRecords(context, side, hints).handOn(hints.map(({ ref }) => ref));
  await store.hints.drop(side, news);
  return outcome;
}

/** The hints whose records have to be read. */
async function withNews(
  { store, mapping, systems, now }: ActivityContext,
  side: Side,
  hints: WaitingHint[],
): Promise<WaitingHint[]> {
  const owners = await store.claims.owners(hints.map(({ ref }) => ref));
  const links = await store.getMany(owners.values());
  const port = systems[side];
  const isOurs =
    !port.exactOrder && links.size > 0
      ? await store.identities.ours(side, await port.ownId(), now())
      : () => false;
  return hints.filter(({ ref, order, actors }) => {
    if (entityOfRef(mapping, ref) === null) return false;
    const link = links.get(owners.get(ref) ?? '');
    // With a clock of whole seconds, a person's change may have the order of our own write.
    const exact = port.exactOrder || actors.every((actor) => isOurs(actor, order));
    return !(link && isKnownChange(mapping, link, { ref, order, exact }));
  });
}

/** Sorts hints: organizations before tickets before comments. */
function parentsFirst({ mapping }: ActivityContext, hints: WaitingHint[]): WaitingHint[] {
  return ENTITY_TYPES.flatMap((type) => hints.filter(({ ref }) => entityOfRef(mapping, ref) === type));
}

class HintedRecords {
  constructor(
    private readonly context: ActivityContext,
    private readonly side: Side,
    private readonly hints: readonly WaitingHint[],
  ) {}

  /** @returns the number of signalled pairs */
  async handOn(refs: RefKey[]): Promise<number> {
    const { context, side } = this;
    try {
      // Read all in one call. The comments then show what their tickets do not, e.g. who sees them.
      const results = await context.systems[side].read(refs.map(parseRef));
      const ended = new Set(this.hints.flatMap(({ ref, ends }) => (ends === true ? ref : [])));
      let signalled = 0;
      for (const kind of new Set(results.map(({ ref }) => ref.kind))) {
        const some = results.filter(({ ref }) => ref.kind === kind);
        const missing = some.flatMap(({ ref, record }) => (record ? [] : ref));
        signalled += await dispatchChanges(context, {
          records: some.flatMap(({ record }) => record ?? []),
          gone: missing.filter((ref) => ended.has(refKey(ref))),
          absent: missing.filter((ref) => !ended.has(refKey(ref))),
          cause: `webhook:${side}`,
        });
      }
      return signalled;
    } catch (error) {
      if (isForLater(error)) throw error;
      if (refs.length === 1) return this.leaveToItsPair(refs, error);
      // Split the hints, so that one faulty record does not block the others.
      const half = Math.ceil(refs.length / 2);
      return (await this.handOn(refs.slice(0, half))) + (await this.handOn(refs.slice(half)));
    }
  }

  /** Signals the pair of a faulty record: its workflow meets the same error, and stores it where a person finds it. */
  private async leaveToItsPair(refs: RefKey[], error: unknown): Promise<number> {
    const { store, signalPair, log } = this.context;
    log.error({ refs, err: error }, 'a record that a webhook named cannot be processed');
    const owners = await store.claims.owners(refs);
    // Without a pair, the record is set aside.
    if (owners.size === 0)
      await store.aside.keep(
        refs.map((what) => ({
          what,
          side: this.side,
          kind: 'record',
          reason: publicMessage(error),
          bytes: null,
        })),
      );
    for (const [ref, key] of owners)
      await signalPair(key, {
        hints: [{ ref, version: null }],
        force: false,
        hops: 0,
        causes: [`webhook:${this.side}`],
      });
    return owners.size;
  }
}
