import { MongoClient } from 'mongodb';
import { generateData } from '../../apps/demo/data';
import { seedBoth } from '../../apps/demo/seed';
import { rebuildLinks, type RebuildReport } from '../../src/activities/rebuildLinks';
import { DOCUMENT_BYTES } from '../../src/links/documentSize';
import { openShelf, withScratch } from '../../src/links/shelf';
import type { Link } from '../../src/sync/link';
import type { SystemPort } from '../../src/systems/port';
import { cliOf, type Ran } from '../support/cli';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { seedAccess } from '../support/seedAccess';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/** A lost link store, restored from back-references alone, over HTTP. */

let boxes: Sandboxes;
let stack: Stack;
let mongo: MongoClient;

beforeAll(async () => {
  mongo = await MongoClient.connect(testServers().mongodbUri);
});
afterAll(async () => mongo.close());
beforeEach(async () => {
  boxes = await startSandboxes();
  stack = await startStack(testServers(), boxes.mapping, boxes.systems);
});
afterEach(async () => {
  await stack.stop();
  await boxes.close();
});

const quiet = async () => {
  await stack.settle();
  await stack.settle();
};
const writes = () =>
  boxes.calls.filter((call) => call.method !== 'GET').map((call) => `${call.side} ${call.path}`);

async function links(): Promise<Map<string, Link>> {
  const all = new Map<string, Link>();
  for await (const link of stack.store.all()) all.set(link._id, link);
  return all;
}

/** The content of a link, without values of this particular store. */
function essence({ status, sides, snapshot, unlinked }: Link): unknown {
  const side = (name: 'zendesk' | 'pms') => {
    const { ref, version, order, state, residue, backRef } = sides[name] ?? {};
    return { ref, version, order, state, residue, backRef };
  };
  return { status, snapshot, unlinked, zendesk: side('zendesk'), pms: side('pms') };
}

/** A new service on an empty link store, with the same two systems. */
async function loseLinks(): Promise<void> {
  await stack.stop();
  stack = await startStack(testServers(), boxes.mapping, boxes.systems);
  boxes.calls.length = 0;
}

async function rebuild(): Promise<{ ran: Ran; report: RebuildReport }> {
  const ran = await cliOf(boxes, stack)('links', 'rebuild', '--json');
  if (ran.out === '') throw new Error(ran.err);
  return { ran, report: JSON.parse(ran.out) as RebuildReport };
}

async function seed(): Promise<void> {
  await seedBoth(await seedAccess(boxes), generateData({ size: 0.1, seed: 4 }));
}

test('after a rebuild the next sync plans nothing, and every link is restored', async () => {
  await seed();
  await quiet();
  const before = await links();
  const linked = [...before].filter(([, link]) => link.status === 'linked');
  expect(linked.length).toBeGreaterThan(60);

  await loseLinks();
  const { ran, report } = await rebuild();
  expect(ran.code).toBe(0);
  const rebuilt = Object.values(report.entities).reduce((sum, counts) => sum + counts.rebuilt, 0);
  expect(rebuilt).toBe(linked.length);
  await quiet();
  expect(writes()).toEqual([]);
  const after = await links();
  for (const [key, link] of linked)
    expect([key, essence(after.get(key) as Link)]).toEqual([key, essence(link)]);
  // No documents of the temporary work are left.
  const names = (await mongo.db(stack.taskQueue).listCollections().toArray()).map(({ name }) => name);
  expect(names.filter((name) => name.startsWith('scratch'))).toEqual([]);

  // A second rebuild changes nothing.
  const again = await rebuild();
  expect(Object.values(again.report.entities).map(({ rebuilt: n }) => n)).toEqual([0, 0, 0]);
  await quiet();
  expect(writes()).toEqual([]);
});

interface Both {
  ticket: number;
  project: string;
}
async function pair(subject: string): Promise<Both> {
  const made = await boxes.zd('POST', '/tickets', { ticket: { subject, comment: { body: 'x' } } });
  const { id } = made['ticket'] as { id: number };
  await quiet();
  const project = [...boxes.pms.store.all('project')].find(
    (each) => each.externalRef === `zendesk:ticket:${id}`,
  );
  return { ticket: id, project: project?.id ?? 'none' };
}
const subjectOf = ({ ticket }: Both) => boxes.zendesk.store.tickets.get(ticket)?.subject;
const titleOf = ({ project }: Both) =>
  [...boxes.pms.store.all('project')].find((each) => each.id === project)?.['title'];

test('where the two sides differ, the declared winner decides, and the history has the other value', async () => {
  const both = await pair('first');
  await stack.stop();
  await boxes.zd('PUT', `/tickets/${both.ticket}`, { ticket: { subject: 'from zendesk', priority: 'high' } });
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await boxes.pm('PATCH', `/projects/${both.project}`, { title: 'from the pms, later' });
  stack = await startStack(testServers(), boxes.mapping, boxes.systems);
  const { report } = await rebuild();
  expect(report.entities.TicketToProject).toMatchObject({ rebuilt: 1, differing: 1 });
  await quiet();
  expect([subjectOf(both), titleOf(both)]).toEqual(['from the pms, later', 'from the pms, later']);
  const link = (await links()).get(`TicketToProject/zendesk:ticket:${both.ticket}`);
  expect(link).toMatchObject({
    status: 'linked',
    history: [{ row: 'title', side: 'zendesk', lost: 'from zendesk', kept: 'from the pms, later' }],
  });
  expect(link?.snapshot).toMatchObject({ priority: 'high' });
});

test('an edit that became a follow-up comment is not written again, and stays', async () => {
  const both = await pair('described');
  await boxes.pm('PATCH', `/projects/${both.project}`, { description: 'told differently' });
  await quiet();
  const comments = () => boxes.zendesk.store.comments.get(both.ticket)?.length;
  expect(comments()).toBe(2);
  await loseLinks();
  await rebuild();
  await quiet();
  expect(writes()).toEqual([]);
  expect(comments()).toBe(2);
});

test('an edit whose follow-up was not sent when the links were lost becomes one follow-up', async () => {
  const both = await pair('described');
  await boxes.pm('PATCH', `/projects/${both.project}`, { description: 'told differently' });
  await quiet();
  await loseLinks();
  await boxes.pm('PATCH', `/projects/${both.project}`, { description: 'told at last' });
  await rebuild();
  await quiet();
  const followUps = () =>
    boxes.zendesk.store.comments.get(both.ticket)?.map(({ body }) => body.split('\n').at(-1));
  expect(followUps()?.slice(1)).toEqual(['told differently', 'told at last']);
  await loseLinks();
  await rebuild();
  await quiet();
  expect(followUps()).toHaveLength(3);
  expect(writes()).toEqual([]);
});

test('content redacted in Zendesk while the links were lost is redacted in the PMS, without a follow-up', async () => {
  const both = await pair('described');
  await loseLinks();
  const first = boxes.zendesk.store.comments.get(both.ticket)?.[0];
  const [word = ''] = (first?.body ?? '').split(' ');
  const html = first?.html_body.replace(word, `<redact>${word}</redact>`);
  await boxes.zd('PUT', `/comment_redactions/${first?.id}`, { ticket_id: both.ticket, html_body: html });
  await rebuild();
  await quiet();
  expect(boxes.zendesk.store.comments.get(both.ticket)?.[0]?.body).toContain('▇');
  expect(boxes.pms.store.get('project', both.project)).toMatchObject({
    description: boxes.zendesk.store.comments.get(both.ticket)?.[0]?.body,
  });
  expect(boxes.zendesk.store.comments.get(both.ticket)).toHaveLength(1);
});

test('matched pairs with a back-reference on one side only are found', async () => {
  await boxes.zd('POST', '/organizations', { organization: { name: 'Acme' } });
  await boxes.pm('POST', '/customers', { name: 'ACME' });
  await quiet();
  const before = [...(await links()).values()].map(essence);
  expect(before).toHaveLength(1);
  await loseLinks();
  await rebuild();
  await quiet();
  expect(writes()).toEqual([]);
  expect([...(await links()).values()].map(essence)).toEqual(before);
});

test('records that ended stay ended, and a back-reference to a deleted record is ignored', async () => {
  const ended = await pair('ended');
  await boxes.zd('DELETE', `/tickets/${ended.ticket}`);
  await quiet();
  await boxes.pm('POST', '/projects', { title: 'orphan', externalRef: 'zendesk:ticket:999999' });
  await loseLinks();
  const { report } = await rebuild();
  expect(report.entities.TicketToProject).toMatchObject({ rebuilt: 1, ended: 1, orphaned: 1 });
  await quiet();
  expect(writes()).toEqual([]);
  expect((await links()).get(`TicketToProject/zendesk:ticket:${ended.ticket}`)?.status).toBe('tombstone');
});

test('contradicting back-references are not guessed at, and cause no duplicates', async () => {
  const { ticket, project } = await pair('one');
  // A person copied a ticket together with its reference to the project.
  const copied = await boxes.zd('POST', '/tickets', {
    ticket: { subject: 'copy', comment: { body: 'x' }, external_id: `pms:project:${project}` },
  });
  const copy = (copied['ticket'] as { id: number }).id;
  await loseLinks();
  const { ran, report } = await rebuild();
  expect(ran.code).toBe(1);
  expect(report.entities.TicketToProject).toMatchObject({ rebuilt: 0, ambiguous: 2 });
  const revisions = () => [...boxes.pms.store.all('project')].map(({ id, revision }) => [id, revision]);
  const before = revisions();
  await quiet();
  // One create was tried, and the PMS refused it, because it has a project with that reference.
  expect(writes()).toEqual(['pms /api/v1/projects']);
  expect(revisions()).toEqual(before);
  const after = await links();
  expect(after.get(`TicketToProject/zendesk:ticket:${ticket}`)).toMatchObject({
    status: 'linked',
    sides: { pms: { ref: `pms:project:${project}` } },
  });
  expect(after.get(`TicketToProject/zendesk:ticket:${copy}`)).toMatchObject({
    status: 'conflict',
    reason: { code: 'stray' },
  });
});

describe('A9: a record that cannot be parsed', () => {
  const keyOf = ({ ticket }: Both) => `TicketToProject/zendesk:ticket:${ticket}`;
  const ticketOf = ({ ticket }: Both) => boxes.zendesk.store.tickets.get(ticket) as object;
  const projectOf = ({ project }: Both) =>
    [...boxes.pms.store.all('project')].find(({ id }) => id === project) as object;
  /** A create may be tried, and the PMS refuses it, because it has a project with that reference. */
  function expectNothingDoubled(pairs: readonly Both[]): void {
    expect([...boxes.pms.store.all('project')].map(({ id }) => id).sort()).toEqual(
      pairs.map(({ project }) => project).sort(),
    );
    expect(boxes.zendesk.store.tickets.size).toBe(pairs.length);
  }
  const cli = (...args: string[]) => cliOf(boxes, stack)(...args);

  test.each([
    ['a ticket', ticketOf, 'subject'],
    ['a project', projectOf, 'updatedAt'],
  ])(
    '%s that is malformed is set aside with its reason, and all others are rebuilt',
    async (_, of, field) => {
      const pairs = [await pair('one'), await pair('two'), await pair('three')];
      const [, odd] = pairs as [Both, Both, Both];
      const before = await links();
      await loseLinks();
      const record = of(odd) as Record<string, unknown>;
      const { [field]: right } = record;
      Object.assign(record, { [field]: { odd: true } });

      const { ran, report } = await rebuild();
      expect(ran.code).toBe(1);
      expect(report).toMatchObject({ aside: 1, entities: { TicketToProject: { rebuilt: 2, orphaned: 0 } } });
      const listed = JSON.parse((await cli('aside', 'list', '--json')).out) as {
        what: string;
        reason: string;
      }[];
      const ref = of === ticketOf ? `zendesk:ticket:${odd.ticket}` : `pms:project:${odd.project}`;
      expect(listed).toMatchObject([{ what: ref, reason: expect.stringContaining(field) as string }]);
      await quiet();
      expectNothingDoubled(pairs);
      const after = await links();
      for (const each of pairs.filter((it) => it !== odd))
        expect(essence(after.get(keyOf(each)) as Link)).toEqual(essence(before.get(keyOf(each)) as Link));
      expect(after.get(keyOf(odd))).toMatchObject({
        status: 'quarantined',
        reason: { code: 'unexpected_response', text: expect.stringContaining(field) as string },
      });

      // After the fix, the pair is restored, and nothing is created a second time.
      Object.assign(record, { [field]: right });
      expect((await cli('aside', 'retry')).code).toBe(0);
      await quiet();
      expect((await cli('quarantine', 'retry', '--all')).code).toBe(0);
      await quiet();
      expect(essence((await links()).get(keyOf(odd)) as Link)).toEqual(
        essence(before.get(keyOf(odd)) as Link),
      );
      expectNothingDoubled(pairs);
      expect((await cli('aside', 'list')).code).toBe(0);
    },
  );

  test('because it is too large, or because of a bug of ours, is set aside, too', async () => {
    const pairs = [await pair('one'), await pair('two'), await pair('three'), await pair('four')];
    const [, large, faulty] = pairs as [Both, Both, Both, Both];
    await loseLinks();
    const { store, context } = stack;
    const save = store.save.bind(store);
    jest.spyOn(store, 'save').mockImplementation(async (link) => {
      if (link._id === keyOf(faulty)) throw new TypeError('what no test foresaw');
      return save(link);
    });
    const { zendesk } = boxes.systems;
    const swollen = Object.create(zendesk) as SystemPort;
    swollen.changes = async (stream, cursor) => {
      const page = await zendesk.changes(stream, cursor);
      const records = page.records.map((record) =>
        record.ref.id === String(large.ticket)
          ? { ...record, values: { ...record.values, subject: 'x'.repeat(DOCUMENT_BYTES) } }
          : record,
      );
      return { ...page, records };
    };
    const systems = { ...boxes.systems, zendesk: swollen };
    const report = await withScratch(stack.db, async (prefix) =>
      rebuildLinks({ ...context, systems }, await openShelf(stack.db, prefix, new Map()), () => undefined),
    );
    expect(report).toMatchObject({ aside: 2, entities: { TicketToProject: { rebuilt: 2 } } });
    const listed = await store.aside.list(null, 10);
    expect(listed.map(({ what, reason }) => [what, reason]).sort()).toEqual(
      [
        [`zendesk:ticket:${large.ticket}`, expect.stringContaining(`expected ${DOCUMENT_BYTES} at most`)],
        [`zendesk:ticket:${faulty.ticket}`, expect.stringMatching(/^bug: /)],
      ].sort(),
    );
    jest.restoreAllMocks();
    await quiet();
    expectNothingDoubled(pairs);
    expect([...(await links()).values()].map(({ status }) => status)).toEqual(pairs.map(() => 'linked'));
  });
});
