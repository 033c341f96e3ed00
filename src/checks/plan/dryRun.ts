import { ApplicationFailure } from '@temporalio/common';
import type { Db, Document } from 'mongodb';
import { pino } from 'pino';
import type { ActivityContext } from '../../activities/activityContext';
import { dispatchChanges } from '../../activities/dispatch';
import { pairActivities } from '../../activities/pairActivities';
import { fillShelf, inBatches, shelved } from '../../activities/rebuildLinks';
import { systemActivities } from '../../activities/systemActivities';
import type { Inbox, PlanInput } from '../../activities/types';
import { openShelf, type RecordShelf } from '../../links/shelf';
import { openLinkStore, peekAtLinks, type LinkStore } from '../../links/linkStore';
import type { SyncWork } from '../../sync/forecast';
import { type CanonicalKey, refKey } from '../../sync/canonicalKey';
import type { Link } from '../../sync/link';
import type { Mapping } from '../../sync/mapping';
import {
  ENTITY_TYPES,
  SIDES,
  type EntityType,
  type RecordRef,
  type RefKey,
  type Side,
} from '../../sync/record';
import type { SystemPort } from '../../systems/port';
import { SyncMetrics } from '../../activities/metrics';
import { bringIntoAgreement } from '../../workflows/turn';
import { SimulatedSystem, isSimulated, type SimulatedWrite } from './simulatedSystem';
import { WorkTally } from './workTally';

/**
 * Finds out what a sync would do now: the real planner and activities run on copies of both systems and of the link store,
 * in scratch collections of the link store's database. Both systems are only read, through their change streams, and the
 * real link store does not change.
 */

export const PLAN_ACTIONS = [
  'create',
  'link',
  'update',
  'end',
  'wait',
  'conflict',
  'quarantine',
  'fail',
] as const;
export type PlanAction = (typeof PLAN_ACTIONS)[number];

export interface PlanLine {
  action: PlanAction;
  entity: EntityType;
  key: CanonicalKey;
  /** The pair's records; null for a record that does not exist yet. */
  zendesk: RefKey | null;
  pms: RefKey | null;
  /** The side that is written to, for `create` and `update`. */
  on: Side | null;
  /** The properties that an `update` sets, by that side's names. */
  properties: string[];
  /** The reason for an action that writes nothing. */
  reason: string | null;
}

/** Counts pairs by action. A pair may have several: it may be linked and updated, or updated and in conflict. */
export type PlanCounts = Record<EntityType, Record<PlanAction, number>>;

/** The simulated writes of a pair. */
interface WritesDocument extends Document {
  _id: CanonicalKey;
  created?: Side[];
  zendesk?: string[];
  pms?: string[];
  failed?: string;
}

/** The names, in the plan's lines, of writes to a whole record. (An update names its properties.) */
const WHOLE: Partial<Record<SimulatedWrite['op'], string>> = {
  followUp: '(follow-up comment)',
  archive: '(archived)',
  redact: '(redacted)',
  attach: '(file added)',
  detach: '(file removed)',
};
/** The collections that are copied. Observations are not: they are created from the records that are read. */
const COPIED = ['meta', 'links', 'claims', 'decisions', 'holds'];

export interface DryRunInput {
  db: Db;
  /** The prefix of scratch collections; see `withScratch`. */
  prefix: string;
  mapping: Mapping;
  systems: Record<Side, SystemPort>;
  onProgress: (text: string) => void;
}

/** Yields the lines of the plan, in the order of the pairs' keys. @returns the amount of work, for the forecast */
export async function* dryRun(input: DryRunInput): AsyncGenerator<PlanLine, SyncWork, void> {
  const { db, prefix, mapping, systems, onProgress } = input;
  const store = peekAtLinks(db);
  const shelf = await openShelf(db, prefix, propertiesOfRules(mapping, systems));
  const gone: RecordRef[] = [];
  const unread = new Map<RefKey, string>();
  await fillShelf(input, shelf, async (side, records, { gone: removed, unreadable }) => {
    onProgress(`reading ${side}: ${records} records`);
    for (const { ref, reason } of unreadable) if (ref) unread.set(refKey(ref), reason);
    // Only deletions of linked records matter. All deletions of a stream might not fit into memory.
    const owners = await store.claims.owners(removed.map(refKey));
    gone.push(...removed.filter((ref) => owners.has(refKey(ref))));
  });
  onProgress('copying the link store');
  for (const name of COPIED) await copyCollection(db, name, `${prefix}${name}`);
  const scratch = await openLinkStore(db, () => new Date(), prefix);
  const tally = new WorkTally(db, prefix);
  const run = new DryRun({ db, prefix, scratch, mapping, systems, shelf, unread, tally });
  let records = 0;
  for await (const batch of inBatches(shelved(mapping, shelf))) {
    tally.read(batch);
    await run.take({ records: batch, gone: [] });
    onProgress(`planning: ${(records += batch.length)} records`);
  }
  await run.take({ records: [], gone });
  for await (const links of inBatches(scratch.all())) yield* run.linesOf(links, store);
  return tally.sum();
}

/** An empty table of counts. */
export function noCounts(): PlanCounts {
  const row = () => Object.fromEntries(PLAN_ACTIONS.map((action) => [action, 0]));
  return Object.fromEntries(ENTITY_TYPES.map((type) => [type, row()])) as PlanCounts;
}

interface DryRunParts extends Omit<DryRunInput, 'onProgress'> {
  scratch: LinkStore;
  shelf: RecordShelf;
  /** The reasons why existing records could not be read or stored. */
  unread: ReadonlyMap<RefKey, string>;
  tally: WorkTally;
}

class DryRun {
  private readonly context: ActivityContext;
  private readonly inboxes = new Map<CanonicalKey, Inbox>();
  private readonly written;
  private readonly tally: WorkTally;
  private writes: SimulatedWrite[] = [];

  constructor({ db, prefix, scratch, mapping, systems, shelf, unread, tally }: DryRunParts) {
    this.tally = tally;
    this.written = db.collection<WritesDocument>(`${prefix}writes`);
    const simulated = (side: Side) =>
      new SimulatedSystem(systems[side], shelf, (write) => void this.writes.push(write), unread);
    this.context = {
      store: scratch,
      mapping,
      systems: { zendesk: simulated('zendesk'), pms: simulated('pms') },
      signalPair: async (key, inbox) => this.add(key, inbox),
      log: pino({ level: 'silent' }),
      metrics: new SyncMetrics(),
      now: () => new Date(),
    };
  }

  /** Dispatches a page like a poll does, and runs every affected pair until its inbox is empty. */
  async take(page: Parameters<typeof dispatchChanges>[1]): Promise<void> {
    const { context, inboxes } = this;
    await dispatchChanges(context, page);
    const pairs = pairActivities(context);
    const activities = {
      planPair: (step: PlanInput) => pairs.planPair(step),
      system: (side: Side) => systemActivities(context, side, 'background'),
    };
    for (const [key, inbox] of inboxes) {
      // If the pair is signalled again during its turn, it is appended to the queue.
      inboxes.delete(key);
      this.writes = [];
      let failed: string | null = null;
      try {
        await bringIntoAgreement(activities, key, inbox);
      } catch (error) {
        // The pair's real workflow would fail in the same way; other pairs continue.
        if (!(error instanceof ApplicationFailure)) throw error;
        failed = error.message;
      }
      await this.note(key, failed);
    }
  }

  /** The outcome for these pairs, compared with their present state. */
  async *linesOf(links: Link[], store: Pick<LinkStore, 'getMany'>): AsyncIterable<PlanLine> {
    const keys = links.map(({ _id }) => _id);
    const before = await store.getMany(keys);
    const written = await this.written.find({ _id: { $in: keys } }).toArray();
    const writes = new Map(written.map((document) => [document._id, document]));
    for (const link of links)
      yield* linesOf(link, before.get(link._id) ?? null, writes.get(link._id) ?? null);
  }

  private add(key: CanonicalKey, { hints, force, hops }: Inbox): void {
    const waiting = this.inboxes.get(key);
    this.inboxes.set(key, {
      hints: [...(waiting?.hints ?? []), ...hints],
      force: force || (waiting?.force ?? false),
      hops: Math.max(hops, waiting?.hops ?? 0),
    });
  }

  private async note(key: CanonicalKey, failed: string | null): Promise<void> {
    if (this.writes.length === 0 && failed === null) return;
    await this.tally.wrote(this.writes);
    const created = this.writes.filter(({ op }) => op === 'create').map(({ side }) => side);
    const set = (side: Side) =>
      this.writes
        .filter((write) => write.side === side && write.op !== 'create')
        .flatMap(({ op, properties }) => WHOLE[op] ?? properties);
    await this.written.updateOne(
      { _id: key },
      {
        $addToSet: {
          created: { $each: created },
          zendesk: { $each: set('zendesk') },
          pms: { $each: set('pms') },
        },
        ...(failed !== null && { $set: { failed } }),
      },
      { upsert: true },
    );
  }
}

function* linesOf(after: Link, before: Link | null, writes: WritesDocument | null): Iterable<PlanLine> {
  const origin = after._id.slice(after._id.indexOf('/') + 1);
  const refOf = (side: Side): RefKey | null => {
    const ref = after.sides[side]?.ref ?? (origin.startsWith(`${side}:`) ? origin : null);
    return ref === null || isSimulated(ref) ? null : ref;
  };
  const line = (action: PlanAction, over: Partial<PlanLine> = {}): PlanLine => ({
    action,
    entity: after.entity,
    key: after._id,
    zendesk: refOf('zendesk'),
    pms: refOf('pms'),
    on: null,
    properties: [],
    reason: null,
    ...over,
  });
  const reason = after.reason?.text ?? null;
  const [created] = writes?.created ?? [];
  const isPair = ({ sides }: Link) => Boolean(sides.zendesk && sides.pms);
  if (writes?.failed !== undefined) yield line('fail', { reason: writes.failed });
  if (created) yield line('create', { on: created });
  else {
    if (isPair(after) && !(before && isPair(before))) yield line('link');
    for (const side of SIDES) {
      const properties = writes?.[side] ?? [];
      if (properties.length > 0) yield line('update', { on: side, properties });
    }
  }
  if (after.status === 'conflict') yield line('conflict', { reason });
  if (after.status === 'quarantined') yield line('quarantine', { reason });
  if (after.status === 'pending' || after.waitsFor.length > 0) yield line('wait', { reason });
  if (after.status === 'tombstone' && before?.status !== 'tombstone') yield line('end', { reason });
}

/** The properties that the shelf must index for look-ups: those of match rules, and unique properties. */
function propertiesOfRules(
  mapping: Mapping,
  systems: Record<Side, SystemPort>,
): ReadonlyMap<string, readonly string[]> {
  const wanted = new Map<string, string[]>();
  for (const type of ENTITY_TYPES) {
    const { kind, match } = mapping.entities[type];
    for (const side of SIDES) {
      const rules = match.map((rule) => rule[side]);
      const names = systems[side].canFind(kind[side], 'name') ? ['name'] : [];
      wanted.set(`${side}:${kind[side]}`, [...new Set([...rules, ...names])]);
    }
  }
  return wanted;
}

async function copyCollection(db: Db, from: string, to: string): Promise<void> {
  const target = db.collection(to);
  for await (const batch of inBatches(db.collection(from).find())) await target.insertMany(batch);
}
