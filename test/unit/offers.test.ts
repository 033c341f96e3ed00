import { decideBy, nextAttempt } from '../../src/operator/explain';
import { pairTitle } from '../../src/operator/naming';
import { offersOf } from '../../src/operator/offers';
import { commandLine } from '../../src/platform/commandLine';
import { newLink, type Link } from '../../src/sync/link';
import type { BoundProperty } from '../../src/sync/mapping';
import type { RefKey, SyncRecord } from '../../src/sync/record';
import { loadMapping } from '../../src/config/loadMapping';
import { MAPPING_FILE } from '../support/sandboxes';
import { NOW } from '../support/world';

/**
 * Issue 22: the options that are offered for a conflict can be carried out. The records are those of the sandboxes:
 * one Contoso on one side, two on the other.
 */

const mapping = loadMapping(MAPPING_FILE);
const ORG = 'zendesk:organization:14';
const [C2, C3] = ['pms:customer:C-2', 'pms:customer:C-3'];
const keyOf = (ref: RefKey) => `OrgToCustomer/${ref}`;

function side(ref: RefKey): NonNullable<Link['sides']['pms']> {
  return { ref, version: '1', order: 1, state: 'live', updatedAt: NOW, residue: {}, backRef: false };
}
const conflict = (ref: RefKey, candidates: RefKey[]): Link => ({
  ...newLink(keyOf(ref), 'OrgToCustomer', 'v1', NOW),
  status: 'conflict',
  candidates,
});
const linked = (key: string, zendesk: RefKey | null, pms: RefKey | null, over: Partial<Link> = {}): Link => ({
  ...newLink(key, 'OrgToCustomer', 'v1', NOW),
  status: 'linked',
  sides: { ...(zendesk !== null && { zendesk: side(zendesk) }), ...(pms !== null && { pms: side(pms) }) },
  snapshot: { name: 'Contoso Clinic' },
  ...over,
});
const seen = (ref: RefKey, name: string): [RefKey, SyncRecord] => [
  ref,
  { ref: {}, values: { name } } as unknown as SyncRecord,
];

/** The content of the link store. */
function store({
  links = [],
  owners = {},
  records = [],
  unique = true,
}: {
  links?: Link[];
  owners?: Record<RefKey, string>;
  records?: [RefKey, SyncRecord][];
  unique?: boolean;
}): Parameters<typeof offersOf>[0] {
  const name = { side: 'zendesk', kind: 'organization', property: 'name', name: 'name' } as const;
  const bound: BoundProperty[] = [{ ...name, ...(unique && { unique: true as const }) }];
  const byKey = new Map(links.map((link) => [link._id, link]));
  const pick = <T>(from: ReadonlyMap<string, T>, keys: Iterable<string>) =>
    new Map([...keys].flatMap((key) => (from.has(key) ? [[key, from.get(key) as T] as const] : [])));
  return {
    bindings: { bound: async () => bound },
    claims: { owners: async (refs: Iterable<RefKey>) => pick(new Map(Object.entries(owners)), refs) },
    getMany: async (keys: Iterable<string>) => pick(byKey, keys),
    observations: { get: async (refs: Iterable<RefKey>) => pick(new Map(records), refs) },
  } as unknown as Parameters<typeof offersOf>[0];
}

const records = [seen(ORG, 'Contoso Clinic'), seen(C2, 'Contoso Clinic'), seen(C3, 'contoso clinic ')];

test('before any decision, a candidate is free, and a second organization of its name is not offered', async () => {
  expect(await offersOf(store({ records }), mapping, conflict(C2, [ORG]))).toEqual({
    free: [ORG],
    taken: [],
    create: false,
  });
  // In the other direction it is offered, because a PMS may have two customers with one name.
  expect(await offersOf(store({ records }), mapping, conflict(ORG, [C2, C3]))).toEqual({
    free: [C2, C3],
    taken: [],
    create: true,
  });
});

test('for a third record with the same name, the candidate that the first decision took is not offered', async () => {
  const owner = linked(keyOf(C2), ORG, C2);
  const link = conflict(C3, [ORG]);
  const offers = await offersOf(
    store({ links: [owner], owners: { [ORG]: owner._id }, records: [seen(C3, 'Contoso Clinic')] }),
    mapping,
    link,
  );
  expect(offers).toEqual({ free: [], taken: [{ ref: ORG, by: C2 }], create: false });
  expect(decideBy(link, offers)).toEqual({
    commands: [commandLine('conflicts resolve pms:customer:C-3 --unlink')],
    notes: [
      'zendesk:organization:14 is linked to pms:customer:C-2 now.',
      'A new counterpart is not possible under the same name; if the record is renamed, it gets one automatically.',
    ],
  });
  expect(nextAttempt(link)).toBe('when a person decides');
});

test('a renamed record is offered a new counterpart; a side that allows duplicate names always offers one', async () => {
  const owner = linked(keyOf(C2), ORG, C2);
  const state = { links: [owner], owners: { [ORG]: owner._id } };
  const renamed = { ...state, records: [seen(C3, 'Contoso North')] };
  expect(await offersOf(store(renamed), mapping, conflict(C3, [ORG]))).toMatchObject({ create: true });
  const lenient = store({ ...state, records: [seen(C3, 'Contoso Clinic')], unique: false });
  expect(await offersOf(lenient, mapping, conflict(C3, [ORG]))).toMatchObject({ create: true });
});

test('a candidate that a person keeps unlinked is taken; a candidate whose own pair waits is free', async () => {
  const alone = linked(keyOf(ORG), ORG, null, { status: 'tombstone', unlinked: true });
  const waits = conflict(ORG, [C2, C3]);
  const of = (owner: Link) => store({ links: [owner], owners: { [ORG]: owner._id }, records });
  expect(await offersOf(of(alone), mapping, conflict(C2, [ORG]))).toMatchObject({
    free: [],
    taken: [{ ref: ORG, by: null }],
  });
  expect(await offersOf(of(waits), mapping, conflict(C2, [ORG]))).toMatchObject({ free: [ORG], taken: [] });
});

test('the title of a pair that is not stored yet is the title of its record, as last seen', async () => {
  const state = store({ records }) as Parameters<typeof pairTitle>[0];
  const titled: [RefKey, SyncRecord] = [
    C2,
    {
      ref: { side: 'pms', kind: 'customer', id: 'C-2' },
      values: { name: 'Contoso Clinic' },
    } as unknown as SyncRecord,
  ];
  const known = store({ records: [titled] }) as Parameters<typeof pairTitle>[0];
  expect(await pairTitle(known, mapping, keyOf(C2))).toBe('Contoso Clinic');
  expect(await pairTitle(state, mapping, keyOf('pms:customer:C-9'))).toBe('');
  // For a stored pair, both sides agreed on it.
  const stored = store({ links: [linked(keyOf(C2), ORG, C2)] }) as Parameters<typeof pairTitle>[0];
  expect(await pairTitle(stored, mapping, keyOf(C2))).toBe('Contoso Clinic');
});
