import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { HintStore, type ChangeHint } from '../../src/links/hintStore';
import { newLink, type Link } from '../../src/sync/link';
import { isKnownChange } from '../../src/sync/planner';
import type { RecordRef } from '../../src/sync/record';
import type { ReadResult } from '../../src/systems/port';
import { NeedsHuman } from '../../src/systems/errors';
import { hintsCame, readHints } from '../../src/workflows/readHints';
import { MemorySystem } from '../support/memorySystem';
import { testServers } from '../support/servers';
import { startStack } from '../support/stack';
import { testMapping } from '../support/world';

/** Hints between receiver and pairs: how they are stored, which need a read, and how they are read. */

describe('the hint store', () => {
  let mongo: MongoClient;
  let hints: HintStore;
  const hint = (ref: string, order: number | null, actor: string | null = null): ChangeHint => ({
    ref,
    order,
    actor,
  });

  beforeAll(async () => {
    mongo = await MongoClient.connect(testServers().mongodbUri);
  });
  beforeEach(() => {
    hints = new HintStore(mongo.db(`hints-${randomUUID().slice(0, 8)}`));
  });
  afterAll(() => mongo.close());

  test('has one hint per record, with the latest order and everybody who changed it', async () => {
    await hints.keep([hint('zendesk:ticket:1', 5, 'ann'), hint('zendesk:ticket:1', 9, 'bob')]);
    await hints.keep([hint('zendesk:ticket:1', 7), hint('pms:project:P-1', null)]);
    expect(await hints.take('zendesk', 10)).toEqual([
      { ref: 'zendesk:ticket:1', order: 9, actors: ['ann', 'bob', ''], stamp: expect.any(String) as unknown },
    ]);
    expect(await hints.take('pms', 10)).toMatchObject([{ order: Number.POSITIVE_INFINITY }]);
    await hints.keep([hint('pms:project:P-1', 3)]);
    expect(await hints.take('pms', 10)).toMatchObject([{ order: Number.POSITIVE_INFINITY }]);
  });

  test('keeps a hint that was renewed after it was taken', async () => {
    await hints.keep([hint('pms:note:N-1', 1), hint('pms:note:N-2', 1)]);
    const taken = await hints.take('pms', 10);
    await hints.keep([hint('pms:note:N-2', 2)]);
    await hints.drop('pms', taken);
    expect(await hints.take('pms', 10)).toMatchObject([{ ref: 'pms:note:N-2', order: 2 }]);
    expect(await hints.count('zendesk')).toBe(0);
  });

  test('loses nothing when receivers write the same record at once', async () => {
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => hints.keep([hint('zendesk:ticket:1', n, `actor ${n % 4}`)])),
    );
    const [kept, ...more] = await hints.take('zendesk', 10);
    expect(more).toEqual([]);
    expect(kept).toMatchObject({ order: 39 });
    expect(kept?.actors.sort()).toEqual(['actor 0', 'actor 1', 'actor 2', 'actor 3']);
  });
});

describe('which hints need a read', () => {
  const mapping = testMapping([{ zendesk: 'subject', pms: 'title', type: 'string', direction: 'both' }]);
  const ref = 'zendesk:ticket:1';
  const linked = (over: Partial<Link> = {}): Link => ({
    ...newLink(`TicketToProject/${ref}`, 'TicketToProject', mapping.version, ''),
    status: 'linked',
    sides: {
      zendesk: { ref, version: 'v', order: 10, state: 'live', updatedAt: '', residue: {}, backRef: false },
    },
    ...over,
  });
  const known = (order: number, exact: boolean, link = linked()) =>
    isKnownChange(mapping, link, { ref, order, exact });

  test.each<[string, boolean, boolean]>([
    ['A4: an older order needs a read, because only the content shows a change', known(9, true), false],
    ['the create of a record', known(-1, false), true],
    ['our own write, at the stored order', known(10, true), true],
    ['another person’s write with the same order', known(10, false), false],
    ['a newer change', known(11, true), false],
    ['a record that must be read', known(Number.POSITIVE_INFINITY, true), false],
    ['a record whose pair is writing', known(10, true, linked({ intent: {} as Link['intent'] })), false],
    ['a record whose pair is waiting', known(10, true, linked({ waitsFor: ['x'] })), false],
    ['a record whose pair is in conflict', known(10, true, linked({ status: 'conflict' })), false],
    ['a record whose pair ended', known(10, true, linked({ status: 'tombstone' })), false],
    [
      'a record from before a change of the mapping',
      known(10, true, linked({ mappingVersion: 'old' })),
      false,
    ],
    [
      'a record that its link does not name',
      isKnownChange(mapping, linked(), { ref: 'zendesk:ticket:2', order: 10, exact: true }),
      false,
    ],
  ])('%s', (_, result, expected) => {
    expect(result).toBe(expected);
  });
});

describe('reading hints', () => {
  /** A system that returns one of its records in an unknown form. */
  class Odd extends MemorySystem {
    odd = '';
    override async read(refs: RecordRef[]): Promise<ReadResult[]> {
      const results = await super.read(refs);
      if (refs.some(({ id }) => id === this.odd))
        throw new NeedsHuman('unexpected_response', 'tickets.0.subject');
      return results;
    }
  }

  test('a record that cannot be understood does not block others, and the pairs of deleted records are notified', async () => {
    const zendesk = new Odd('zendesk', false);
    const pms = new MemorySystem('pms', true);
    const mapping = testMapping([{ zendesk: 'subject', pms: 'title', type: 'string', direction: 'both' }]);
    const stack = await startStack(testServers(), mapping, { zendesk, pms });
    try {
      const tickets = Array.from({ length: 10 }, (_, n) => zendesk.add('ticket', { subject: `ticket ${n}` }));
      const [odd, , third] = tickets;
      if (!odd || !third) throw new Error('no tickets');
      zendesk.odd = odd.ref.id;
      await stack.store.hints.keep([
        ...tickets.map(({ ref }) => ({ ref: `zendesk:ticket:${ref.id}`, order: null, actor: null })),
        { ref: 'zendesk:ticket:999', order: null, actor: null },
        { ref: 'zendesk:brand:1', order: null, actor: null },
      ]);
      const read = () =>
        stack.client.workflow.execute(readHints, {
          workflowId: `${stack.taskQueue}-hints-${randomUUID()}`,
          taskQueue: stack.taskQueue,
          args: ['zendesk'],
        });
      // A deleted record without a pair is ignored; a kind outside of the mapping is not read.
      expect(await read()).toEqual({ hints: 12, read: 11, hinted: 9 });
      expect(await stack.store.hints.count('zendesk')).toBe(0);
      while (pms.all('project').length < 9) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(pms.all('project')).toHaveLength(9);

      // Now it has a pair, which learns of its end.
      const key = `TicketToProject/zendesk:ticket:${third.ref.id}`;
      await stack.client.workflow.getHandle(key).result();
      zendesk.records.delete(`zendesk:ticket:${third.ref.id}`);
      await stack.store.hints.keep([
        { ref: `zendesk:ticket:${third.ref.id}`, order: null, actor: null, ends: true },
      ]);
      expect(await read()).toEqual({ hints: 1, read: 1, hinted: 1 });
      await stack.client.workflow.getHandle(key).result();
      expect((await stack.store.get(key))?.status).toBe('tombstone');
      expect(await read()).toEqual({ hints: 0, read: 0, hinted: 0 });
    } finally {
      await stack.stop();
    }
  });

  test('a signal during a read is not lost', async () => {
    const zendesk = new MemorySystem('zendesk', false);
    const pms = new MemorySystem('pms', true);
    const mapping = testMapping([{ zendesk: 'subject', pms: 'title', type: 'string', direction: 'both' }]);
    const stack = await startStack(testServers(), mapping, { zendesk, pms });
    try {
      const workflowId = `${stack.taskQueue}-hints`;
      const signal = () =>
        stack.client.workflow.signalWithStart(readHints, {
          workflowId,
          taskQueue: stack.taskQueue,
          args: ['zendesk'],
          signal: hintsCame,
        });
      for (let n = 0; n < 30; n += 1) {
        const { ref } = zendesk.add('ticket', { subject: `ticket ${n}` });
        await stack.store.hints.keep([{ ref: `zendesk:ticket:${ref.id}`, order: null, actor: null }]);
        await signal();
      }
      while (pms.all('project').length < 30) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(new Set(pms.all('project').map(({ values }) => values['title'])).size).toBe(30);
      await stack.client.workflow.getHandle(workflowId).result();
      expect(await stack.store.hints.count('zendesk')).toBe(0);
    } finally {
      await stack.stop();
    }
  });
});
