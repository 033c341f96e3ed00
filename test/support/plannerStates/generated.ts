import fc from 'fast-check';
import { refKey } from '../../../src/sync/canonicalKey';
import { holdId, type BrakeHold, type HeldChange, type HoldState } from '../../../src/sync/holds';
import type { LinkedFile } from '../../../src/sync/pairFiles';
import { blankWrite, emptyAgreement, newLink, type Intent, type Link } from '../../../src/sync/link';
import type { Mapping, PropertyRow } from '../../../src/sync/mapping';
import type { NotTaken } from '../../../src/sync/notTaken';
import type { Candidates, Observation, PairState } from '../../../src/sync/planner';
import {
  SIDES,
  otherSide,
  type Attachment,
  type EntityType,
  type Json,
  type RecordRef,
  type Side,
  type SyncRecord,
  type Values,
} from '../../../src/sync/record';
import { isSet } from '../../../src/sync/rules/sets';
import { type Decision, decisionsOf } from '../../../src/sync/resolution';
import { bindingsOf } from '../../../src/sync/rules/sameFields';
import type { References, ResolvedReference } from '../../../src/sync/values';
import type { Asked } from './asked';
import { choices, type Choices, type RowChoice, type SeenChoice, type ValueChoice } from './choices';
import { MAPPINGS, MISFITS, SPELLINGS, type Spelling } from './mappings';
import { SPOTLIGHTS, type Spotlight } from './spotlights';

/** States of one pair, in all circumstances that the planner distinguishes, with their mappings. */

const NOW = '2024-05-01T00:00:00.000Z';
const IDS: Record<EntityType, Record<Side, RecordRef>> = {
  OrgToCustomer: {
    zendesk: { side: 'zendesk', kind: 'organization', id: '1' },
    pms: { side: 'pms', kind: 'customer', id: 'C-1' },
  },
  TicketToProject: {
    zendesk: { side: 'zendesk', kind: 'ticket', id: '7' },
    pms: { side: 'pms', kind: 'project', id: 'P-7' },
  },
  CommentToProject: {
    zendesk: { side: 'zendesk', kind: 'comment', id: '70' },
    pms: { side: 'pms', kind: 'note', id: 'N-70' },
  },
};
const spotlight = fc.oneof(
  { weight: 90, arbitrary: fc.constant<Spotlight>('none') },
  ...(Object.keys(SPOTLIGHTS) as Spotlight[]).map((name) => ({ weight: 2, arbitrary: fc.constant(name) })),
);

export const askedStates: fc.Arbitrary<Asked> = fc
  .tuple(spotlight, choices)
  .map(([name, choice]) => build(SPOTLIGHTS[name](choice)));

function build(choice: Choices): Asked {
  const mapping = restingIn(MAPPINGS[choice.mapping] as Mapping, choice);
  const ids = IDS[choice.entity];
  const key = `${choice.entity}/${refKey(ids[choice.origin])}`;
  const other = otherSide(choice.origin);
  const { counterpart } = choice;
  const decided: Decision[] = choicesOfRows(choice, mapping).flatMap(decisionOn);
  if (counterpart !== 'nothing') {
    const refs = { this: refKey(ids[other]), another: `${other}:${ids[other].kind}:5` };
    decided.push({ counterpart: { ...refs, create: 'create', none: 'none' }[counterpart] });
  }
  const hasLink = choice.records === 'both' || choice.one.linked;
  const state: PairState = {
    key,
    link: hasLink ? linkOf(choice, mapping, key) : null,
    observed: Object.fromEntries(
      SIDES.flatMap((each) => {
        const seen = observation(choice, mapping, each);
        return seen ? [[each, seen]] : [];
      }),
    ),
    ...(choice.records === 'one' && choice.found.looked && { candidates: candidatesOf(choice, mapping) }),
    ...(choice.one.claimed && { claimedBy: `${choice.entity}/${refKey(ids[other])}` }),
    ...(choice.one.queued && { olderSibling: `${choice.origin}:${ids[choice.origin].kind}:6` }),
    decisions: decisionsOf(decided),
    ...(choice.brake !== null && { holds: holdsOn(choice, mapping, choice.brake) }),
    references: referencesFor(choice.parents),
    hops: choice.hops,
    linksSince: NOW,
    now: '2024-05-02T00:00:00.000Z',
  };
  return { state, mapping };
}

/** The mapping while a side lacks some properties. */
function restingIn(mapping: Mapping, { rows: chosen, entity }: Choices): Mapping {
  const table = mapping.entities[entity];
  const rows = table.rows.map((row, place) => {
    const { restsOn } = chosen[place] as RowChoice;
    const options = ['n1'];
    const listed = row.id === 'note' && { listed: { zendesk: { options }, pms: { options } } };
    const rests = restsOn !== null && row[restsOn] !== null && row.write === 'always' && { restsOn };
    return { ...row, ...listed, ...rests };
  });
  return { ...mapping, entities: { ...mapping.entities, [entity]: { ...table, rows } } };
}

/** Holds of destructive changes on every second row, and of the ends of pairs. */
function holdsOn({ entity }: Choices, mapping: Mapping, state: HoldState): BrakeHold[] {
  const rows = mapping.entities[entity].rows.filter((_, place) => place % 2 === 0).map(({ id }) => id);
  const changes: HeldChange[] = [
    ...rows.flatMap((row): HeldChange[] => [
      { entity, kind: 'emptied', row, side: 'pms' },
      { entity, kind: 'emptied', row, side: 'zendesk' },
      { entity, kind: 'replaced', row, side: null },
    ]),
    { entity, kind: 'ends', row: null, side: null },
    { entity, kind: 'archives', row: null, side: 'pms' },
  ];
  return changes.map((change) => ({
    ...change,
    id: holdId(change),
    state,
    by: 'brake',
    cause: 'many changes',
    since: NOW,
    counts: { pairs: 20, linked: 50, allowed: 10 },
    examples: [],
  }));
}

interface ChosenRow {
  row: PropertyRow;
  choice: RowChoice;
  spelled: Spelling[];
}

function choicesOfRows({ rows, entity }: Choices, mapping: Mapping): ChosenRow[] {
  return mapping.entities[entity].rows.map((row, place) => ({
    row,
    choice: rows[place] as RowChoice,
    spelled: SPELLINGS[row.id] as Spelling[],
  }));
}

function at<T>(list: T[], place: number): T {
  return list[place % list.length] as T;
}

function decisionOn({ row, choice, spelled }: ChosenRow): Decision[] {
  if (choice.decided === null) return [];
  if (choice.decided !== 'merged') return [{ row: row.id, choice: choice.decided }];
  const { canonical } = at(spelled, choice.agreed + 1);
  return [{ row: row.id, choice: 'merged', value: canonical, by: 'Ann' }];
}

/** The side's own value; undefined if the record does not name the property. */
function valueOn(on: Side, { row, choice, spelled }: ChosenRow): Json | undefined {
  const { like, spelling }: ValueChoice = choice[on];
  if (like === 'absent') return undefined;
  const misfit = MISFITS[row.id];
  if (like === 'misfit' && misfit) return misfit[on];
  return at(spelled, like === 'agreed' ? choice.agreed : spelling)[on];
}

function recordOn(on: Side, choice: Choices, mapping: Mapping): SyncRecord {
  const ids = IDS[choice.entity];
  const seen: SeenChoice = choice.seen[on];
  const values: Values = {};
  for (const chosen of choicesOfRows(choice, mapping)) {
    const property = chosen.row[on];
    const shown = property === null ? undefined : valueOn(on, chosen);
    if (property !== null && shown !== undefined) values[property] = shown;
  }
  const counterpart = ids[otherSide(on)];
  const backRefs = {
    none: null,
    counterpart: refKey(counterpart),
    another: `${counterpart.side}:${counterpart.kind}:4`,
    'own side': `${on}:${ids[on].kind}:4`,
  };
  return {
    ref: ids[on],
    version: `v${seen.order}`,
    order: seen.order,
    createdAt: seen.old ? '2024-04-01T00:00:00.000Z' : '2024-05-01T12:00:00.000Z',
    updatedAt: `2024-05-01T12:00:0${seen.order}.000Z`,
    state: seen.state,
    // The visibility is always compared, whatever the mapping says about the PMS.
    values: on === 'zendesk' && choice.entity === 'TicketToProject' ? { public: true, ...values } : values,
    complete: true,
    backRef: backRefs[seen.backRef],
    foreignBackRef: seen.foreign,
    skip: seen.skip,
    ...(choice.entity === 'CommentToProject' && {
      attachments: seen.files.map((name) => attachment(on, name, seen.redactedFile)),
    }),
  };
}

function attachment(on: Side, fileName: string, redacted: boolean): Attachment {
  return { id: `${on}-${fileName}`, fileName, contentType: 'text/plain', size: 3, redacted };
}

function observation(choice: Choices, mapping: Mapping, on: Side): Observation | null {
  const { how } = choice.seen[on];
  // While only one record is known, the other was read only if a person chose it.
  const known = choice.records === 'both' || on === choice.origin || choice.counterpart === 'this';
  if (!known || how === 'not') return null;
  if (how === 'gone') return { record: null, fresh: true };
  if (how === 'not found') return { record: null, fresh: true, unproven: true };
  return { record: recordOn(on, choice, mapping), fresh: how === 'fresh' };
}

function linkOf(choice: Choices, mapping: Mapping, key: string): Link {
  const { link: chosen, records, origin } = choice;
  const rows = choicesOfRows(choice, mapping);
  const link = newLink(key, choice.entity, mapping.version, NOW);
  link.status = chosen.status;
  link.unlinked = chosen.unlinked;
  link.rev = 3;
  const counterpart = IDS[choice.entity][otherSide(origin)];
  link.candidates = [refKey(counterpart), refKey({ ...counterpart, id: '6' })];
  for (const each of records === 'both' ? SIDES : chosen.unlinked ? [origin] : [])
    link.sides[each] = {
      ref: refKey(IDS[choice.entity][each]),
      version: 'v5',
      order: 5,
      state: each === origin && chosen.ended !== null ? chosen.ended : 'live',
      updatedAt: '2024-05-01T12:00:05.000Z',
      residue: valuesOf(rows, ({ choice: row, spelled }) => {
        const place = row.residue[each];
        return place === null ? undefined : at(spelled, place).canonical;
      }),
      backRef: chosen.backRef[each],
    };
  if (records === 'both' && !chosen.never)
    link.snapshot = valuesOf(rows, ({ row, choice: each, spelled }) =>
      row.write === 'create' || each.unknown ? undefined : at(spelled, each.agreed).canonical,
    );
  if (link.snapshot && rows.some(({ choice: each }) => each.rebound)) {
    link.bound = { ...bindingsOf(mapping.entities[choice.entity]) };
    for (const { row, choice: each } of rows) if (each.rebound) link.bound[row.id] = 'former';
  }
  if (records === 'both') addPast(link, rows);
  link.intent = intentOf(choice, link, rows);
  if (choice.entity === 'CommentToProject' && chosen.files.length > 0)
    link.files = chosen.files.map(({ name, from, state }) => linkedFile(name, from, state));
  return link;
}

/** Values that one side did not take. */
function notTakenRow({ row, choice, spelled }: ChosenRow): NotTaken[] {
  const { notTaken } = choice;
  if (notTaken === null || row.write === 'create') return [];
  const { side, why, due, tried } = notTaken;
  return [
    {
      row: row.id,
      side,
      offered: at(spelled, notTaken.offered).canonical,
      shown: at(spelled, notTaken.shown).canonical,
      why,
      words: 'no',
      since: NOW,
      ...(due && { due: true as const }),
      ...(tried !== null && { tried: { zendesk: tried, pms: tried } }),
      ...(why === 'ignored' && isSet(row) && { byElement: true as const }),
      ...(why === 'apart' && { group: notTaken.offered % 3 }),
    },
  ];
}

/** Parked values, and possible effects of earlier writes with unknown outcome. */
function addPast(link: Link, rows: ChosenRow[]): void {
  const notTaken = rows.flatMap(notTakenRow);
  if (notTaken.length > 0) link.notTaken = notTaken;
  for (const { row, choice, spelled } of rows) {
    if (choice.parked)
      link.conflicts.push({
        row: row.id,
        zendesk: at(spelled, 0).canonical,
        pms: at(spelled, 1).canonical,
        since: '2024-04-30T00:00:00.000Z',
      });
    for (const each of SIDES) {
      const place = choice.attempted[each];
      if (place === null) continue;
      link.attempted ??= {};
      link.attempted[each] = { ...link.attempted[each], [row.id]: [at(spelled, place).canonical] };
    }
    if (choice.unconfirmed !== null)
      (link.unconfirmed ??= []).push({
        at: NOW,
        row: row.id,
        side: choice.unconfirmed,
        lost: at(spelled, choice.agreed + 1).canonical,
        kept: at(spelled, choice.agreed).canonical,
        rule: 'winner latest',
      });
  }
}

function linkedFile(name: string, from: Side, state: LinkedFile['state']): LinkedFile {
  const both = state !== 'pending' && state !== 'failed';
  return {
    from,
    fileName: name,
    contentType: 'text/plain',
    size: 3,
    ids: { [from]: `${from}-${name}`, ...(both && { [otherSide(from)]: `${otherSide(from)}-${name}` }) },
    state,
    reason: state === 'failed' ? 'too large' : null,
  };
}

function intentOf(choice: Choices, link: Link, rows: ChosenRow[]): Intent | null {
  const { intent, held } = choice.link;
  if (intent === null) return null;
  const to = otherSide(choice.origin);
  const written = rows.filter(({ row }) => row.write === 'always').slice(0, 3);
  const next = {
    ...emptyAgreement(),
    snapshot: valuesOf(written, ({ choice: row, spelled }) => at(spelled, row.zendesk.spelling).canonical),
    overruled: written.slice(0, 1).map(({ row, choice: each, spelled }) => ({
      at: NOW,
      row: row.id,
      side: to,
      lost: at(spelled, each.pms.spelling).canonical,
      kept: at(spelled, each.zendesk.spelling).canonical,
      rule: 'winner latest',
    })),
  };
  const op = intent === 'done' ? 'update' : intent;
  const write = {
    ...blankWrite(to, op),
    ref: link.sides[to]?.ref ?? null,
    idempotencyKey: `${link._id}@2`,
    rows: written.map(({ row }) => row.id),
    done: intent === 'done',
  };
  return {
    id: write.idempotencyKey,
    writes: [write],
    next,
    then: 'linked',
    seen: {},
    ...(held && { hold: { by: 'run/0/0', until: NOW } }),
  };
}

function valuesOf(rows: ChosenRow[], pick: (chosen: ChosenRow) => Json | undefined): Values {
  const values: Values = {};
  for (const chosen of rows) {
    const picked = pick(chosen);
    if (picked !== undefined) values[chosen.row.id] = picked;
  }
  return values;
}

function candidatesOf(choice: Choices, mapping: Mapping): Candidates {
  const { free, taken, rivals, returning } = choice.found;
  const on = otherSide(choice.origin);
  const record = recordOn(on, choice, mapping);
  const { kind } = record.ref;
  const own = refKey(IDS[choice.entity][choice.origin]);
  return {
    free: Array.from({ length: free }, (_, place) => ({
      ...record,
      ref: { ...record.ref, id: String(place + 20) },
      backRef: returning && place === 0 ? own : null,
    })),
    taken:
      taken === null
        ? []
        : [{ ref: `${on}:${kind}:30`, key: `${choice.entity}/${on}:${kind}:30`, settled: taken }],
    rivals: rivals > 0 ? [`${choice.origin}:${IDS[choice.entity][choice.origin].kind}:8`] : [],
  };
}

function referencesFor(parents: Choices['parents']): References {
  const byRef = new Map<string, ResolvedReference>();
  const byKey = new Map<string, ResolvedReference>();
  if (parents === 'unknown') return { byRef, byKey };
  const add = (key: string, ids: Record<Side, RecordRef>) => {
    const ended = parents === 'ended';
    const known = { key, ids: { zendesk: ids.zendesk.id, pms: ids.pms.id }, ended };
    const resolved = parents === 'one-sided' ? { ...known, ids: { zendesk: ids.zendesk.id } } : known;
    byKey.set(key, resolved);
    for (const each of SIDES) byRef.set(refKey(ids[each]), resolved);
  };
  for (const id of ['1', '2'])
    add(`OrgToCustomer/zendesk:organization:${id}`, {
      zendesk: { side: 'zendesk', kind: 'organization', id },
      pms: { side: 'pms', kind: 'customer', id: `C-${id}` },
    });
  add('TicketToProject/zendesk:ticket:7', IDS.TicketToProject);
  return { byRef, byKey };
}
