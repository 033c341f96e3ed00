import { setTimeout as sleep } from 'node:timers/promises';
import { heartbeat } from '@temporalio/activity';
import pLimit from 'p-limit';
import { backfillSteps } from '../sync/backfillVerdict';
import { addBackfill, noBackfill, type BackfillTallies } from '../sync/backfillTally';
import type { Link } from '../sync/link';
import { entityOf, type Mapping } from '../sync/mapping';
import { otherSide, type EntityType, type RefKey, type Side, type SyncRecord } from '../sync/record';
import type { RecordShelf } from '../links/shelf';
import { chunks } from '../systems/chunks';
import { ChunkWriter } from './backfillChunk';
import type { ActivityContext } from './activityContext';
import { publicMessage } from '../systems/errors';
import { inParallel } from '../systems/inParallel';
import { isForLater } from './failures';
import { guardedBy } from './guarded';
import { setAside } from './takeIn';
import type { BackfillActivities, BackfillSystemActivities } from './types';

/** The number of records of a chunk. */
const CHUNK = 100;
/** Chunks of a page in progress: while one is being sent, the next is prepared. */
const CHUNKS_AT_ONCE = 2;
/** How long a chunk waits for records that other pages are linking: as long as a bulk job and its answer may take. */
const FIRST_LOOK_MS = 250;
const PATIENCE_MS = 15_000;
/** Levels of parents above a record: the ticket of a comment, and the organization of the ticket. */
const PARENTS_ABOVE = 2;
const SIGNALS_AT_ONCE = 20;

/** Activities that begin and end a backfill. */
export function backfillActivities(live: ActivityContext): BackfillActivities {
  const { store } = live;
  const guarded = guardedBy(live, 'background');
  return {
    planBackfill: () =>
      guarded(null, async ({ mapping }) => {
        // The cursors of both sides are set (`beginBackfillOn`), so that the polls need not wait any longer.
        await store.backfill.clear();
        await store.aside.forgetPages();
        return backfillSteps(mapping);
      }),

    wakeWaiting: () =>
      guarded(null, async (context) => {
        let signalled = 0;
        let batch: Link[] = [];
        for await (const link of store.all({ status: 'pending' })) {
          if (link.waitsFor.length > 0) batch.push(link);
          if (batch.length < CHUNK) continue;
          signalled += await signalReadyPairs(context, batch);
          batch = [];
        }
        return signalled + (await signalReadyPairs(context, batch));
      }),

    endBackfill: () => guarded(null, () => store.backfill.clear()),
  };
}

/** Activities of a backfill that call one side's API. */
export function backfillSystemActivities(live: ActivityContext, side: Side): BackfillSystemActivities {
  const { store, systems } = live;
  const port = systems[side];
  const guarded = guardedBy(live, 'background');
  const listed = <T>(pages: string, work: (context: ActivityContext) => Promise<T>): Promise<T> =>
    guarded(null, (context) => setAsideIfFailed(context, side, pages, work));
  return {
    beginBackfillOn: () =>
      guarded(null, async () => {
        for (const stream of port.streams) {
          const name = `${side}:${stream}`;
          // A stream that was read to its end continues from there; the backfill reads the older records.
          if ((await store.cursors.position(name))?.readAt != null) continue;
          await store.cursors.rewind(name, await port.cursorNow(stream));
        }
      }),

    readBackfillPage: ({ run, kind, page, cursor }) =>
      listed(`${side} ${kind}, page ${page} and those after it`, async ({ mapping }) => {
        const { records, unreadable, cursor: next } = await port.walk(kind, cursor, null);
        await setAside(live, side, unreadable);
        const { wanted, tallies } = recordsInScope(mapping, side, kind, records);
        const shelf = await shelfOf(live, mapping, run);
        const matched = matchProperties(mapping).has(`${side}:${kind}`);
        // If the system accepts a second record with the same back-reference, the shelf must show which ones exist.
        const named = (record: SyncRecord) => record.backRef !== null && !port.uniqueBackRef(kind);
        await shelf.put(wanted.filter((record) => matched || named(record)));
        await store.backfill.putPage(run, page, chunks(wanted, CHUNK));
        const reached = records.at(-1)?.updatedAt ?? null;
        return { cursor: next, empty: wanted.length === 0, tallies, reached };
      }),

    writeBackfillPage: ({ run, page }) =>
      listed(`${side}, page ${page}`, async (context) => {
        const shelf = await shelfOf(live, context.mapping, run);
        const turns = pLimit(1);
        let tallies = noBackfill();
        let paused = false;
        await inParallel(await store.backfill.chunksOf(run, page), CHUNKS_AT_ONCE, async (id) => {
          const chunk = paused ? null : await store.backfill.chunk(id);
          if (!chunk) return;
          if (chunk.records !== null) {
            paused ||= await isPaused(context, chunk.records);
            if (paused) return;
            const writer = new ChunkWriter(context, otherSide(side), chunk, shelf, turns);
            const done = await writeChunk(writer, chunk.records);
            await store.backfill.finish(id, done);
            tallies = addBackfill(tallies, done);
          } else tallies = addBackfill(tallies, chunk.tallies ?? noBackfill());
          heartbeat();
        });
        return paused ? { state: 'paused', tallies: noBackfill() } : { state: 'done', tallies };
      }),
  };
}

/** The records of a page that are in scope, as far as `skip` says, and the tallies of the page so far. */
function recordsInScope(
  mapping: Mapping,
  side: Side,
  kind: string,
  records: readonly SyncRecord[],
): { wanted: SyncRecord[]; tallies: BackfillTallies } {
  const tallies = noBackfill();
  const wanted = records.filter((record) => {
    // Records of other kinds come with the pages of those kinds.
    const entity = record.ref.kind === kind ? entityOf(mapping, side, kind, record.values) : null;
    if (!entity) return false;
    tallies[entity].read[side] += 1;
    if (record.skip !== null) tallies[entity].ignored += 1;
    return record.skip === null;
  });
  return { wanted, tallies };
}

/** If a page fails for good, it is set aside (dead letter), and `aside list` shows it until the next backfill. */
async function setAsideIfFailed<T>(
  context: ActivityContext,
  side: Side,
  pages: string,
  work: (context: ActivityContext) => Promise<T>,
): Promise<T> {
  try {
    return await work(context);
  } catch (error) {
    if (!isForLater(error))
      await context.store.aside.keep([
        { what: `backfill: ${pages}`, side, kind: 'page', reason: publicMessage(error), bytes: null },
      ]);
    throw error;
  }
}

/** Signals the pairs whose parents are all linked. @returns the number of pairs */
async function signalReadyPairs({ store, signalPair }: ActivityContext, links: Link[]): Promise<number> {
  const owners = await store.claims.owners(links.flatMap(({ waitsFor }) => waitsFor));
  const parents = await store.getMany(owners.values());
  const isThere = (ref: RefKey) => {
    const { zendesk, pms } = parents.get(owners.get(ref) ?? '')?.sides ?? {};
    return zendesk !== undefined && pms !== undefined;
  };
  const ready = links.filter(({ waitsFor }) => waitsFor.every(isThere));
  await inParallel(ready, SIGNALS_AT_ONCE, ({ _id }) =>
    signalPair(_id, { hints: [], force: false, hops: 0, lane: 'background', causes: ['pair'] }),
  );
  heartbeat();
  return ready.length;
}

/** Writes a chunk. Records that wait for other pages are tried again for a while, and then left to their pairs. */
async function writeChunk(writer: ChunkWriter, records: SyncRecord[]): Promise<BackfillTallies> {
  // Most parents that are missing are being written by another page.
  let waiting = await writer.write(records, 0);
  for (let waited = 0, next = FIRST_LOOK_MS; waiting.length > 0 && waited < PATIENCE_MS; next *= 2) {
    await sleep(next);
    waited += next;
    waiting = await writer.write(waiting, PARENTS_ABOVE);
  }
  await writer.leave(waiting);
  return writer.tallies;
}

async function isPaused({ store, mapping }: ActivityContext, records: SyncRecord[]): Promise<boolean> {
  const entities = new Set<EntityType>();
  for (const { ref, values } of records) {
    const entity = entityOf(mapping, ref.side, ref.kind, values);
    if (entity) entities.add(entity);
  }
  for (const entity of entities) if (await store.control.isPaused(entity)) return true;
  return false;
}

function shelfOf({ store }: ActivityContext, mapping: Mapping, run: string): Promise<RecordShelf> {
  return store.backfill.shelf(run, matchProperties(mapping));
}

/** The properties of the match rules, by `side:kind`. */
function matchProperties(mapping: Mapping): ReadonlyMap<string, readonly string[]> {
  const wanted = new Map<string, string[]>();
  for (const { kind, match } of Object.values(mapping.entities)) {
    if (match.length === 0) continue;
    for (const side of ['zendesk', 'pms'] as const)
      wanted.set(
        `${side}:${kind[side]}`,
        match.map((rule) => rule[side]),
      );
  }
  return wanted;
}
