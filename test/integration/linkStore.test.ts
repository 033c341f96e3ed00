import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { openLinkStore, type LinkStore } from '../../src/links/linkStore';
import { observationDigest } from '../../src/links/observationStore';
import { StaleLink } from '../../src/links/staleLink';
import { blankWrite, emptyAgreement, newLink, seenVersion, type Link } from '../../src/sync/link';
import type { Reason } from '../../src/sync/reasons';
import type { SyncRecord } from '../../src/sync/record';
import { testServers } from '../support/servers';
import { record } from '../support/world';

describe('link store', () => {
  let client: MongoClient;
  let store: LinkStore;
  let name: string;
  const KEY = 'TicketToProject/zendesk:ticket:1';

  beforeAll(async () => {
    client = await MongoClient.connect(testServers().mongodbUri);
  });
  beforeEach(async () => {
    name = `links-${randomUUID().slice(0, 8)}`;
    store = await openLinkStore(client.db(name));
  });
  afterAll(async () => client.close());

  test('of many claims on one record, one succeeds, and all callers learn the owner', async () => {
    const keys = Array.from({ length: 20 }, (_, i) => `TicketToProject/pms:project:P-${i}`);
    const owners = await Promise.all(keys.map((key) => store.claims.claim('zendesk:ticket:1', key)));
    expect(new Set(owners).size).toBe(1);
    expect(keys).toContain(owners[0]);
    await store.claims.release('zendesk:ticket:1', 'somebody else');
    expect((await store.claims.owners(['zendesk:ticket:1', 'zendesk:ticket:2'])).size).toBe(1);
    await store.claims.release('zendesk:ticket:1', owners[0] ?? '');
    expect(await store.claims.claim('zendesk:ticket:1', KEY)).toBe(KEY);
  });

  test('a save over another writer’s newer revision is refused', async () => {
    const fresh = newLink(KEY, 'TicketToProject', 'v1', '2024-01-01T00:00:00Z');
    const first = await store.save(fresh);
    await expect(store.save(fresh)).rejects.toThrow(StaleLink);
    const second = await store.save({ ...first, status: 'linked' });
    await expect(store.save({ ...first, status: 'conflict' })).rejects.toThrow(StaleLink);
    expect(await store.get(KEY)).toEqual(second);
    expect(await store.countByStatus()).toMatchObject({ TicketToProject: { linked: 1, conflict: 0 } });
  });

  test('bulk inserts and saves report which links existed or had changed', async () => {
    const keys = Array.from({ length: 5 }, (_, i) => `TicketToProject/zendesk:ticket:${i}`);
    const fresh = keys.map((key) => newLink(key, 'TicketToProject', 'v1', '2024-01-01T00:00:00Z'));
    await store.claims.claim('zendesk:ticket:2', 'TicketToProject/pms:project:P-1');
    const owners = await store.claims.claimMany(keys.map((key, i) => ({ ref: `zendesk:ticket:${i}`, key })));
    expect([...owners.values()].filter((owner) => owner.includes('pms'))).toEqual([
      'TicketToProject/pms:project:P-1',
    ]);
    expect(owners.size).toBe(5);
    // A repeated claim changes nothing: the owner keeps the record.
    expect(await store.claims.claimMany([{ ref: 'zendesk:ticket:0', key: keys[0] ?? '' }])).toEqual(
      new Map([['zendesk:ticket:0', keys[0]]]),
    );

    const there = await store.save(fresh[1] ?? newLink(KEY, 'TicketToProject', 'v1', ''));
    const inserted = await store.insertMany(fresh);
    expect(inserted.map(({ _id }) => _id)).toEqual(keys.filter((_, i) => i !== 1));
    const moved = await store.save({ ...there, status: 'conflict' });
    const saved = await store.saveMany([there, ...inserted].map((link) => ({ ...link, status: 'linked' })));
    expect(saved.map(({ _id }) => _id)).toEqual(inserted.map(({ _id }) => _id));
    expect(await store.get(moved._id)).toEqual(moved);
    expect(await store.get(keys[4] ?? '')).toEqual(saved.at(-1));
    expect(await store.saveMany([])).toEqual([]);
  });

  test('an intent with dotted property names is stored unchanged', async () => {
    const write = {
      side: 'zendesk' as const,
      op: 'update' as const,
      ref: 'zendesk:ticket:1',
      version: 'v',
      values: { 'custom_fields.360001': '🎉', $set: 1 },
      backRef: null,
      idempotencyKey: 'k',
      rows: [],
      expects: {},
      lookFirst: false,
      insisted: false,
      done: false,
    };
    const next = {
      snapshot: {},
      residue: { zendesk: {}, pms: {} },
      conflicts: [],
      overruled: [],
      waitsFor: [],
    };
    const link = {
      ...newLink(KEY, 'TicketToProject', 'v1', 'now'),
      intent: { id: 'i', writes: [write], next, then: 'linked' as const, seen: {} },
    };
    await store.save(link);
    expect((await store.get(KEY))?.intent).toEqual(link.intent);
  });

  test('an observation is replaced by newer ones only, and removed only in the version that was processed', async () => {
    const [older, newer] = [
      record('zendesk', { subject: 'old' }, 5),
      record('zendesk', { subject: 'new' }, 6),
    ];
    await store.observations.keep([newer]);
    await store.observations.keep([older, record('pms', { title: 'x' })]);
    const seen = (await store.observations.get(['zendesk:ticket:1', 'pms:project:P-1'])).get(
      'zendesk:ticket:1',
    );
    expect(seen).toEqual(newer);
    // Different content with the same order is kept when the first content is dropped.
    const sameTick = record('zendesk', { subject: 'same second' }, 6);
    await store.observations.keep([sameTick]);
    await store.observations.forget([newer]);
    expect((await store.observations.get(['zendesk:ticket:1'])).get('zendesk:ticket:1')).toEqual(sameTick);
    await store.observations.forget([sameTick]);
    expect((await store.observations.get(['zendesk:ticket:1'])).size).toBe(0);
  });

  test('an observation that a plan processed is dropped by its digest, and a later one is kept', async () => {
    const ref = 'zendesk:ticket:1';
    const kept = async () => (await store.observations.get([ref])).size;
    const planned = record('zendesk', { subject: 'planned' }, 6);
    const digest = observationDigest(planned);
    const sameTick = record('zendesk', { subject: 'same second' }, 6);
    await store.observations.keep([sameTick]);
    await store.observations.forgetTakenIn({ [ref]: digest });
    expect(await kept()).toBe(1);
    await store.observations.forgetTakenIn({ [ref]: observationDigest(sameTick) });
    expect(await kept()).toBe(0);
    // The form that the store returns.
    await store.observations.keep([planned]);
    const [read] = (await store.observations.get([ref])).values();
    expect(read && observationDigest(read)).toBe(digest);
    await store.observations.forgetTakenIn({ [ref]: digest });
    expect(await kept()).toBe(0);
  });

  test('A11: a link that is too large is refused before it is sent, without affecting the others of a bulk', async () => {
    const keys = Array.from({ length: 6 }, (_, n) => `TicketToProject/zendesk:ticket:${900 + n}`);
    const fresh = await Promise.all(
      keys.map((key) => store.save(newLink(key, 'TicketToProject', 'm', '2024-01-01T00:00:00Z'))),
    );
    const [large, ...others] = fresh;
    if (!large) throw new Error('no link');
    const filled = { ...large, snapshot: { text: 'x'.repeat(17 * 1024 * 1024) } };
    const saved = await Promise.allSettled([store.save(filled), ...others.map((link) => store.save(link))]);
    expect(saved.map(({ status }) => status)).toEqual(['rejected', ...others.map(() => 'fulfilled')]);
    expect((saved[0] as PromiseRejectedResult).reason).toMatchObject({ name: 'TooLarge' });
    const [again] = (await store.getMany([large._id])).values();
    expect(again?.rev).toBe(large.rev);
    const latest = [...(await store.getMany(others.map(({ _id }) => _id))).values()];
    expect(await store.saveMany([filled, ...latest])).toHaveLength(others.length);
  });

  test('A4: a freshly read record replaces the stored one, even if its order went backwards', async () => {
    const ref = 'zendesk:ticket:1';
    const kept = async () => (await store.observations.get([ref])).get(ref);
    const before = record('zendesk', { subject: 'before the restore' }, 6);
    const restored = record('zendesk', { subject: 'restored' }, 3);
    await store.observations.keep([before]);
    const digests = await store.observations.digests([ref, 'zendesk:ticket:2']);
    expect(await store.observations.keep([restored])).toEqual([ref]);
    expect(await kept()).toEqual(before);
    expect(await store.observations.keep([restored], digests)).toEqual([]);
    expect(await kept()).toEqual(restored);
    // A change that arrived during the read is newer.
    const meanwhile = record('zendesk', { subject: 'meanwhile' }, 7);
    await store.observations.keep([meanwhile]);
    expect(await store.observations.keep([restored], digests)).toEqual([ref]);
    expect(await kept()).toEqual(meanwhile);
  });

  const seen = (of: SyncRecord) => ({ ...seenVersion(of), residue: {}, backRef: true });

  test('the cache of linked pairs shows this process’s own writes at once', async () => {
    const link = await store.save({
      ...newLink('OrgToCustomer/zendesk:organization:77', 'OrgToCustomer', 'v1', 'now'),
      status: 'linked',
      sides: { zendesk: seen(record('zendesk', {})), pms: seen(record('pms', {})) },
    });
    const joined = async () => (await store.joined([link._id])).get(link._id);
    expect(await joined()).toMatchObject({ status: 'linked', unlinked: false });
    const apart = await store.save({ ...link, unlinked: true, status: 'tombstone' });
    expect(await joined()).toMatchObject({ status: 'tombstone', unlinked: true });
    await store.remove(apart);
    expect(await joined()).toBeUndefined();
  });

  test('A18: of many siblings only the latest are read at once, and none that was created later', async () => {
    const parent = 'pms:project:P-9';
    const note = (n: number) =>
      record('pms', {}, 1, {
        ref: { side: 'pms', kind: 'note', id: `N-${n}` },
        parent,
        createdAt: new Date(1e12 + n * 1000).toISOString(),
      });
    await store.observations.keep(Array.from({ length: 60 }, (_, n) => note(n)));
    const pages = await pagesBelow(parent, note(49).createdAt);
    const [untimed, first] = pages;
    expect(untimed).toEqual([]);
    expect(first?.map(({ ref }) => ref.id)).toEqual(Array.from({ length: 20 }, (_, n) => `N-${49 - n}`));
    expect(pages.flat()).toHaveLength(50);
  });

  test('A18: after the caches expire, no process uses the former state of a pair', async () => {
    const other = await openLinkStore(client.db(name));
    const key = 'TicketToProject/zendesk:ticket:77';
    const link = await store.save({
      ...newLink(key, 'TicketToProject', 'm', '2024-01-01T00:00:00Z'),
      sides: { zendesk: seen(record('zendesk', {})), pms: seen(record('pms', {})) },
    });
    const unlinked = async () => (await other.joined([key])).get(key)?.unlinked;
    expect(await unlinked()).toBe(false);
    await store.save({ ...link, unlinked: true });
    await store.waitUntilCachesExpire();
    expect(await unlinked()).toBe(true);
  });

  test('a saved link is kept for its next write, until its revision or its reason changes', async () => {
    const isKept = ({ rev }: Link) => store.takeSaved(KEY, rev) !== null;
    const first = await store.save(withWrite(newLink(KEY, 'TicketToProject', 'v1', '2024-01-01T00:00:00Z')));
    expect(store.takeSaved(KEY, first.rev)).toEqual(await store.get(KEY));
    expect(isKept(first)).toBe(false);

    const second = await store.save({ ...first, status: 'linked' });
    expect(store.takeSaved(KEY, first.rev)).toBeNull();
    // A revision that another process has changed is refused, and removed from the cache.
    await expect(store.save({ ...first, status: 'conflict' })).rejects.toThrow(StaleLink);
    expect(isKept(second)).toBe(false);

    const third = await store.save({ ...second, status: 'pending' });
    const reason: Reason = {
      code: 'paused',
      text: 'it is paused',
      since: '2024-01-01T00:00:00Z',
      nextAttempt: null,
    };
    await store.noteReason(KEY, reason);
    expect(isKept(third)).toBe(false);
    const fourth = await store.save({ ...third, reason });
    await store.remove(fourth);
    expect(isKept(fourth)).toBe(false);
    const settled = await store.save(newLink(KEY, 'TicketToProject', 'v1', '2024-01-01T00:00:00Z'));
    expect(isKept(settled)).toBe(false);
  });

  function withWrite(link: Link): Link {
    const writes = [blankWrite('pms', 'create')];
    return { ...link, intent: { id: 'i', writes, next: emptyAgreement(), then: 'linked', seen: {} } };
  }

  async function pagesBelow(parent = 'pms:project:P-1', until = '2099-01-01T00:00:00Z') {
    const pages: SyncRecord[][] = [];
    for await (const page of store.observations.below(parent, until)) pages.push(page);
    return pages;
  }

  test('finds pending changes below a parent', async () => {
    const below = (id: string, parent: string) =>
      record('pms', {}, 1, { ref: { side: 'pms', kind: 'note', id }, parent });
    const [one, two] = [below('N-1', 'pms:project:P-1'), below('N-2', 'pms:project:P-1')];
    await store.observations.keep([one, two, below('N-3', 'pms:project:P-2'), record('pms', {})]);
    const under = async () => (await pagesBelow()).flat();
    expect((await under()).map(({ ref }) => ref.id).sort()).toEqual(['N-1', 'N-2']);
    await store.observations.forget([one]);
    expect(await under()).toEqual([two]);
  });

  test('finds waiting pairs, keeps cursors, and remembers when they were read', async () => {
    await store.save({
      ...newLink(KEY, 'TicketToProject', 'v1', 'now'),
      waitsFor: ['zendesk:organization:1', 'zendesk:organization:2'],
    });
    expect(await store.waitingFor(['zendesk:organization:2'])).toEqual([KEY]);
    expect(await store.waitingFor(['zendesk:organization:3'])).toEqual([]);
    const name = 'zendesk:tickets';
    expect(await store.cursors.position(name)).toBeNull();
    expect(await store.cursors.advance(name, null, 'a')).toBe(true);
    expect(await store.cursors.advance(name, null, 'x')).toBe(false);
    expect(await store.cursors.advance(name, 'a', 'b')).toBe(true);
    expect(await store.cursors.advance(name, 'a', 'x')).toBe(false);
    await store.cursors.noteRead(name, new Date(0));
    expect(await store.cursors.position(name)).toMatchObject({
      cursor: 'b',
      readAt: new Date(0).toISOString(),
    });
    // A reader with the old position does not undo the rewind.
    await store.cursors.rewind(name, null);
    expect(await store.cursors.advance(name, 'b', 'c')).toBe(false);
    expect(await store.cursors.positions()).toMatchObject([{ name, cursor: null, readAt: null }]);
    expect(await store.cursors.advance(name, null, 'a')).toBe(true);
    const database = client.db(`links-${randomUUID().slice(0, 8)}`);
    const first = await openLinkStore(database, () => new Date(0));
    expect((await openLinkStore(database)).since).toBe(first.since);
  });

  test('keeps the lag of streams for an hour, with the maximum of each minute', async () => {
    const name = 'zendesk:tickets';
    const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000);
    await store.cursors.advance(name, null, 'a');
    await store.cursors.noteRead(name, at(0));
    await store.cursors.noteRead(name, at(5));
    await store.cursors.noteRead(name, at(35));
    await store.cursors.noteCurrent(name, at(50));
    await store.cursors.noteRead(name, at(110));
    expect(await store.lag.since(at(0))).toEqual([
      { stream: name, minute: at(0), behindMs: 30_000 },
      { stream: name, minute: at(60), behindMs: 60_000 },
    ]);
    expect(await store.cursors.position(name)).toMatchObject({ currentAt: at(110).toISOString() });
    // A stream that was not read for long has that lag, whatever was stored in that slot before.
    await store.cursors.noteRead(name, at(64 * 60));
    expect(await store.lag.since(at(0))).toEqual([
      { stream: name, minute: at(60), behindMs: 60_000 },
      { stream: name, minute: at(64 * 60), behindMs: (64 * 60 - 110) * 1000 },
    ]);
    expect(await store.lag.since(at(61))).toHaveLength(1);
    await store.cursors.rewind(name, null);
    expect(await store.cursors.position(name)).toMatchObject({ readAt: null, currentAt: null });
  });

  test('links are found by filters, page by page', async () => {
    const link = (n: number, over: object = {}) => ({
      ...newLink(`TicketToProject/zendesk:ticket:${n}`, 'TicketToProject', 'v', '2024-01-01T00:00:00Z'),
      ...over,
    });
    const sides = { pms: { ...seenVersion(record('pms', {})), residue: {}, backRef: true } };
    await store.save(link(1));
    await store.save(link(2, { status: 'conflict', sides }));
    await store.save(
      link(3, {
        status: 'quarantined',
        reason: { code: 'too_long', text: '', since: '', nextAttempt: null },
      }),
    );
    await store.save(newLink('OrgToCustomer/pms:customer:C-1', 'OrgToCustomer', 'v', '2024-01-01T00:00:00Z'));
    const found = async (...args: Parameters<typeof store.find>) =>
      (await store.find(...args)).map(({ _id }) => _id);
    const key = (n: number) => link(n)._id;
    const org = 'OrgToCustomer/pms:customer:C-1';
    expect(await found({}, null, 2)).toEqual([org, key(1)]);
    expect(await found({}, key(1), 9)).toEqual([key(2), key(3)]);
    expect(await found({ entity: 'OrgToCustomer' }, null, 9)).toEqual([org]);
    expect(await found({ status: 'conflict' }, null, 9)).toEqual([key(2)]);
    expect(await found({ code: 'too_long' }, null, 9)).toEqual([key(3)]);
    expect(await found({ text: 'project:P-1' }, null, 9)).toEqual([key(2)]);
    expect(await found({ text: 'ticket:' }, key(1), 9)).toEqual([key(2), key(3)]);
    // The filter is text, and not a regular expression.
    expect(await found({ text: '.*' }, null, 9)).toEqual([]);
    expect(await found({ text: 'ticket:3)' }, null, 9)).toEqual([]);
    expect(await found({ text: '/zendesk:' }, null, 9)).toHaveLength(3);
  });

  test('of several savers of one revision one succeeds, and saves of other links are not affected', async () => {
    const at = '2024-01-01T00:00:00Z';
    const fresh = (n: number) => newLink(`TicketToProject/zendesk:ticket:${n}`, 'TicketToProject', 'v1', at);
    const saved = await Promise.all([1, 2, 3, 4].map((n) => store.save(fresh(n))));
    const [contested, ...others] = saved as [Link, ...Link[]];
    const waitingReason = (text: string): Reason => ({ code: 'waiting', text, since: at, nextAttempt: null });
    const results = await Promise.allSettled([
      ...others.map((link) => store.save({ ...link, reason: waitingReason('alone') })),
      ...[1, 2, 3, 4, 5].map((n) => store.save({ ...contested, reason: waitingReason(`writer ${n}`) })),
    ]);
    const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
    expect(won).toHaveLength(4);
    expect(lost.map(({ name }) => name)).toEqual(Array(4).fill('StaleLink'));
    for (const link of won) expect(await store.get(link._id)).toEqual(link);
  });

  test('callers of the same moment each get their own answer', async () => {
    const keys = Array.from({ length: 120 }, (_, n) => `TicketToProject/zendesk:ticket:${n}`);
    for (const key of keys.filter((_, n) => n % 2 === 0))
      await store.save(newLink(key, 'TicketToProject', 'v1', '2024-01-01T00:00:00Z'));
    const found = await Promise.all([...keys.map((key) => store.get(key)), store.getMany(keys)]);
    const many = found.pop() as Map<string, Link>;
    expect(found.map((link) => (link as Link | null)?._id ?? null)).toEqual(
      keys.map((key, n) => (n % 2 === 0 ? key : null)),
    );
    expect([...many.keys()].sort()).toEqual(keys.filter((_, n) => n % 2 === 0).sort());
  });

  test('links of other mappings are found page by page, without ended ones', async () => {
    const link = (n: number, version: string) =>
      newLink(`TicketToProject/zendesk:ticket:${n}`, 'TicketToProject', version, '2024-01-01T00:00:00Z');
    for (const n of [1, 2, 3, 4]) await store.save(link(n, n === 2 ? 'new' : 'old'));
    await store.save({ ...link(5, 'old'), status: 'tombstone' });
    const key = (n: number) => link(n, '')._id;
    expect(await store.keysOfOtherMapping('new', null, 2)).toEqual([key(1), key(3)]);
    expect(await store.keysOfOtherMapping('new', key(3), 2)).toEqual([key(4)]);
    expect(await store.keysOfOtherMapping('new', key(4), 2)).toEqual([]);
  });

  test('mappings are ordered by the time at which they last came into use', async () => {
    let now = 1;
    const dated = await openLinkStore(client.db(`links-${randomUUID().slice(0, 8)}`), () => new Date(now++));
    const { mappings } = dated;
    expect(await mappings.begin('a')).toBeNull();
    await mappings.replace('b');
    expect(await mappings.isNewer('b', 'a')).toBe(true);
    expect(await mappings.begin('a')).toBe('b');
    expect(await mappings.isNewer('a', 'b')).toBe(false);
    await mappings.replace('a');
    expect(await mappings.isNewer('a', 'b')).toBe(true);
    expect(await mappings.isNewer('a', 'a')).toBe(false);
    expect(await mappings.isNewer('unknown', 'a')).toBe(false);
  });

  test('pairs that are not settled are counted by entity and status, including zeros', async () => {
    await store.save({
      ...newLink(KEY, 'TicketToProject', 'v1', '2024-01-01T00:00:00Z'),
      status: 'quarantined',
    });
    await store.observations.keep([record('zendesk', { subject: 'a' })]);
    const counts = await store.countUnsettled();
    expect(counts).toHaveLength(9);
    expect(counts.filter(({ count }) => count > 0)).toEqual([
      { entity: 'TicketToProject', status: 'quarantined', count: 1 },
    ]);
    expect(await store.observations.count()).toBe(1);
  });
});
