import { pino } from 'pino';
import { SyncMetrics } from '../../src/activities/metrics';
import { checkMapping, loadMapping } from '../../src/config/loadMapping';
import type { LinkStore } from '../../src/links/linkStore';
import type { BoundProperty, Resting } from '../../src/sync/mapping';
import type { Side } from '../../src/sync/record';
import type { PropertyInfo, SystemPort } from '../../src/systems/port';
import { LiveMapping } from '../../src/workers/liveMapping';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** F1: the mapping in use follows the fields of both systems, without a change of its file or a restart. */

const of = (zendesk: string) => ({
  ...{ zendesk, pms: 'x' },
  properties: [{ zendesk: 'x', pms: 'x', type: 'string', direction: 'both' }],
});
const FILE = {
  version: 1,
  entities: {
    OrgToCustomer: of('organization'),
    TicketToProject: {
      ...of('ticket'),
      properties: [
        { zendesk: 'custom_fields.Severity', pms: 'severity', type: 'string', direction: 'both' },
        { zendesk: 'tags', pms: 'labels', type: 'string[]', direction: 'both', transform: 'tags' },
      ],
    },
    CommentToProject: { mode: 'note', note: of('comment'), project: of('comment') },
  },
};
const plain = (...names: string[]) => names.map((name) => ({ name, aliases: [], writable: true }));
const field = (id: number, title = 'Severity'): PropertyInfo => ({
  name: `custom_fields.${id}`,
  aliases: ['custom_fields.Severity'],
  writable: true,
  custom: { title, type: 'string' },
});

/**
 * A live mapping over a Zendesk whose fields change; only the stored fields are kept.
 *
 * @param changedAt the time when another process noted a change of the fields
 */
async function follow(changedAt: Date | null = null) {
  const fields = { now: [...plain('tags'), field(1)], reads: 0 };
  const names = new Map<string, string>();
  const rests: string[][] = [];
  const kept: string[][] = [];
  const searches = { pairs: 0, fails: 0 };
  const notes = { count: 0 };
  const system = (properties: () => PropertyInfo[]) =>
    ({ properties: () => Promise.resolve(properties()), canFind: () => true }) as unknown as SystemPort;
  const systems: Record<Side, SystemPort> = {
    zendesk: system(() => {
      fields.reads += 1;
      return [...plain('x'), ...fields.now];
    }),
    pms: system(() => plain('x', 'severity', 'labels')),
  };
  const store = {
    troubles: { clear: () => Promise.resolve(), note: () => Promise.resolve() },
    mappings: { begin: () => Promise.resolve(null), keepBindings: () => Promise.resolve() },
    bindings: {
      formerNames: () => Promise.resolve(({ property }: { property: string }) => names.get(property)),
      keep: (bound: BoundProperty[]) => {
        kept.push(bound.flatMap(({ title }) => title ?? []));
        const isOther = bound.some(({ property, name }) => (names.get(property) ?? name) !== name);
        for (const { property, name } of bound) names.set(property, name);
        return Promise.resolve(isOther);
      },
      rest: (all: Resting[]) => {
        const ended = (rests.at(-1) ?? []).filter((each) => all.every(({ what }) => what !== each));
        rests.push(all.map(({ what }) => what));
        return Promise.resolve({ began: [], ended });
      },
      noteChange: () => {
        notes.count += 1;
        return Promise.resolve();
      },
      changedAt: () => Promise.resolve(changedAt),
    },
  } as unknown as LinkStore;
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'zps-live-')), 'mapping.yaml');
  writeFileSync(file, JSON.stringify(FILE));
  const startHygiene = () => {
    if (searches.fails > 0) {
      searches.fails -= 1;
      return Promise.reject(new Error('Temporal is away'));
    }
    searches.pairs += 1;
    return Promise.resolve();
  };
  const around = { systems, store, log: pino({ level: 'silent' }), metrics: new SyncMetrics(), startHygiene };
  const live = await LiveMapping.follow(file, await checkMapping(loadMapping(file), systems, file), around);
  const row = () => live.current.entities.TicketToProject.rows[0];
  return { live, fields, rests, kept, row, searched: searches, notes };
}

beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] }));
afterEach(() => jest.useRealTimers());

test('a removed option releases its tag: link hygiene finds the pairs that have it', async () => {
  const { live, fields, searched, notes } = await follow();
  const tags = () => live.current.entities.TicketToProject.rows.find(({ id }) => id === 'labels');
  const options = (...reserved: string[]) => {
    const others = fields.now.filter(({ name }) => name !== 'tags');
    fields.now = [...others, { name: 'tags', aliases: [], writable: true, reserved }];
  };
  options('Reports', 'nordics');
  await jest.advanceTimersByTimeAsync(130_000);
  expect(tags()?.reserved).toEqual(['nordics', 'reports']);
  expect([searched.pairs, notes.count]).toEqual([0, 0]);
  options('nordics', 'another');
  await jest.advanceTimersByTimeAsync(130_000);
  expect(tags()?.reserved).toEqual(['another', 'nordics']);
  expect([searched.pairs, notes.count]).toEqual([1, 1]);
  await live.stop();
});

test('a row rests within minutes after its field is deactivated, and continues after it returns', async () => {
  const { live, fields, rests, row, searched } = await follow();
  expect(row()).toMatchObject({ zendesk: 'custom_fields.1' });
  fields.now = plain('tags');
  await jest.advanceTimersByTimeAsync(130_000);
  expect(row()).toMatchObject({ zendesk: 'custom_fields.1', restsOn: 'zendesk' });
  expect(rests.at(-1)).toEqual(['row "custom_fields.Severity ↔ severity"']);
  expect(searched.pairs).toBe(0);
  fields.now = [...plain('tags'), field(1)];
  // The first attempt fails; the pairs are notified at the next look.
  searched.fails = 1;
  await jest.advanceTimersByTimeAsync(130_000);
  expect(row()?.restsOn).toBeUndefined();
  expect(rests.at(-1)).toEqual([]);
  expect(searched).toEqual({ pairs: 1, fails: 0 });
  await jest.advanceTimersByTimeAsync(300_000);
  expect(searched.pairs).toBe(1);
  await live.stop();
});

test('a process that starts soon after a change searches the pairs that its predecessor planned by the old fields', async () => {
  const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);
  for (const [minutes, searches] of [
    [1, 1],
    [60, 0],
  ] as const) {
    const { live, searched } = await follow(ago(minutes));
    await jest.advanceTimersByTimeAsync(10_000);
    expect(searched.pairs).toBe(searches);
    await live.stop();
  }
});

test('A1: a field that is created again with its title is bound again', async () => {
  const { live, fields, row, searched } = await follow();
  fields.now = [...plain('tags'), field(2)];
  await jest.advanceTimersByTimeAsync(130_000);
  expect(row()?.zendesk).toBe('custom_fields.2');
  expect(searched.pairs).toBe(1);
  await live.stop();
});

test('O5: a renamed field is kept with its new title, and no pair is searched', async () => {
  const { live, fields, kept, row, searched } = await follow();
  expect(kept).toEqual([['Severity']]);
  fields.now = [...plain('tags'), field(1, 'Urgency')];
  await jest.advanceTimersByTimeAsync(130_000);
  expect(kept).toEqual([['Severity'], ['Urgency']]);
  expect(row()).toMatchObject({ zendesk: 'custom_fields.1' });
  expect(searched.pairs).toBe(0);
  await jest.advanceTimersByTimeAsync(300_000);
  expect(kept).toHaveLength(2);
  await live.stop();
});

test('a pair that would lose a value waits for a read of the fields that began after it asked', async () => {
  const { live, fields } = await follow();
  const key = 'TicketToProject/zendesk:ticket:1';
  expect(live.wereReadSinceAskedBy(key)).toBe(false);
  expect(live.wereReadSinceAskedBy(key)).toBe(false);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(live.wereReadSinceAskedBy(key)).toBe(true);
  // The next loss needs a new read.
  expect(live.wereReadSinceAskedBy(key)).toBe(false);
  await live.stop();
  expect(fields.reads).toBeLessThan(20);
});

test('many pairs that ask cost no more calls than one pair', async () => {
  const { live, fields } = await follow();
  const before = fields.reads;
  for (let second = 0; second < 60; second += 1) {
    for (let n = 0; n < 20; n += 1)
      live.wereReadSinceAskedBy(`TicketToProject/zendesk:ticket:${second * 20 + n}`);
    await jest.advanceTimersByTimeAsync(1_000);
  }
  // One list for each of three kinds, every five seconds at most.
  expect(fields.reads - before).toBeLessThanOrEqual(3 * 12);
  await live.stop();
});
