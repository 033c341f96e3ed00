import { parseCanonicalKey, parseRef, refKey } from '../sync/canonicalKey';
import type { Lane } from '../sync/lane';
import type { Mapping } from '../sync/mapping';
import type { Json, RefKey, Side, SyncRecord } from '../sync/record';
import type { ActivityContext } from './activityContext';
import { guardedBy } from './guarded';
import { PlannedWrites } from './plannedWrites';
import { StreamPolls } from './pollStream';
import { readHinted } from './readHinted';
import type { MatchesWanted, ReadOutcome, SystemActivities } from './types';

/** Activities that call one system's API, in one lane. They run on that API's and lane's task queue. */
export function systemActivities(live: ActivityContext, side: Side, lane: Lane): SystemActivities {
  const { store, systems } = live;
  const port = systems[side];
  const polls = new StreamPolls(side, lane);
  const guarded = guardedBy(live, lane);

  const read = async (refs: RefKey[]): Promise<ReadOutcome> => {
    const before = await store.observations.digests(refs);
    const results = await port.read(refs.map(parseRef));
    const records = results.flatMap(({ record }) => record ?? []);
    await store.observations.keep(records, before);
    return {
      fresh: records.map((record) => refKey(record.ref)),
      gone: results.flatMap(({ ref, record }) => (record ? [] : refKey(ref))),
    };
  };

  return {
    readRecords: ({ key, refs }) => guarded(key, () => read(refs)),

    lookForMatches: (wanted) => guarded(wanted.key, (context) => lookForMatches(context, side, wanted)),

    writePlanned: ({ key, rev = null }) =>
      guarded(key, (context) => new PlannedWrites(context, side, key, read).next(rev)),

    pollStream: ({ stream }) => guarded(null, (context) => polls.poll(context, stream)),

    listStreams: async () => [...port.streams],

    readHinted: () => guarded(null, (context) => readHinted(context, side)),
  };
}

/**
 * Looks on this side for records that match a pair's origin, or one of its counterparts that no other pair has claimed.
 */
async function lookForMatches(
  { store, systems, mapping }: ActivityContext,
  side: Side,
  { key, origin, counterparts = [] }: MatchesWanted,
): Promise<RefKey[] | null> {
  const table = mapping.entities[parseCanonicalKey(key).entity];
  // A counterpart of another pair cannot have rivals of this pair.
  const owners = await store.claims.owners(counterparts);
  const free = counterparts.filter((ref) => (owners.get(ref) ?? key) === key);
  const seen = await store.observations.get([origin, ...free]);
  // Without its values, no look-up is made, and "no match" would create a second counterpart.
  if (!seen.has(origin)) return null;
  const found = new Map<RefKey, SyncRecord>();
  for (const record of seen.values())
    for (const { property, value } of matchValues(table, side, record))
      for (const match of await systems[side].findByProperty(table.kind[side], property, value))
        found.set(refKey(match.ref), match);
  found.delete(origin);
  await store.observations.keep([...found.values()]);
  return [...found.keys()];
}

/** The values that a counterpart of the record has by each match rule, with their property. */
function matchValues(
  { match }: Mapping['entities'][keyof Mapping['entities']],
  side: Side,
  record: SyncRecord,
): { property: string; value: Json }[] {
  return match.flatMap((rule) =>
    [record.values[rule[record.ref.side]] ?? null]
      .flat()
      .filter((value) => value !== null && value !== '')
      .map((value) => ({ property: rule[side], value })),
  );
}
