import { startPmsSandbox, type PmsSandbox } from 'pms-sandbox';
import { controlsOf, exchange } from 'testkit';
import { Afterwards } from '../chaos/afterwards';
import type { LinkDocument } from '../chaos/linkDocument';

/** Restoring a backup of the PMS sandbox, and its treatment in the chaos test. */

let pms: PmsSandbox;
beforeEach(async () => {
  pms = await startPmsSandbox();
});
afterEach(() => pms.close());

const ask = async (method: string, at: string, body?: unknown, key?: string) => {
  const headers = { authorization: `Bearer ${pms.token}`, ...(key && { 'idempotency-key': key }) };
  const { status, text } = await exchange(`${pms.url}/api/v1${at}`, { method, body, headers });
  return { status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
};
const make = async (title: string, key?: string) => {
  const { body } = await ask('POST', '/projects', { title, externalRef: title }, key);
  return String(body['id']);
};

test('a restore brings back records, feed and files; later keys are unknown; no id is given twice', async () => {
  const [kept, removed] = [await make('kept'), await make('removed')];
  const { body: file } = await ask('POST', `/projects/${kept}/attachments?fileName=a.txt`, 'text');
  const backup = pms.backup();
  await ask('PATCH', `/projects/${kept}`, { title: 'edited', tags: ['late'] });
  await ask('DELETE', `/projects/${removed}`);
  await ask('DELETE', `/attachments/${String(file['id'])}`);
  const late = await make('late', 'key');

  const restored = pms.restore(backup);
  expect(restored.map(({ id, before, after }) => [id, before?.['title'], after?.['title']])).toEqual([
    [kept, 'edited', 'kept'],
    [late, 'late', undefined],
    [removed, undefined, 'removed'],
  ]);
  expect((await ask('GET', `/projects/${kept}`)).body).toMatchObject({
    title: 'kept',
    revision: 2,
    tags: [],
  });
  expect((await ask('GET', `/projects/${removed}`)).status).toBe(200);
  expect((await ask('GET', `/projects/${late}`)).status).toBe(404);
  expect((await ask('GET', '/projects?title=edited')).body['items']).toEqual([]);
  expect((await ask('GET', `/attachments/${String(file['id'])}`)).status).toBe(200);
  expect((await ask('GET', '/changes?cursor=4')).status).toBe(400);

  const again = await make('late', 'key');
  expect([kept, removed, late]).not.toContain(again);
  const { items } = (await ask('GET', '/projects')).body as { items: { id: string }[] };
  expect(items.map(({ id }) => id)).toEqual([kept, removed, again]);
  // A backup can be restored more than once.
  pms.restore(backup);
  expect((await ask('GET', `/projects/${again}`)).status).toBe(404);
});

test('an answer with the fault "blank" has empty lists and the usual next cursor', async () => {
  await make('one');
  await make('two');
  await controlsOf(pms).setFaults({ route: '^GET /api/v1/', kind: 'blank' });
  const { body } = await ask('GET', '/projects?limit=1');
  expect(body).toEqual({ items: [], nextCursor: expect.stringMatching(/^\d+$/) as string });
  expect((await ask('GET', '/changes')).body).toMatchObject({ items: [], nextCursor: '2' });
  await controlsOf(pms).clearFaults();
  expect((await ask('GET', '/projects?limit=1')).body['items']).toHaveLength(1);
});

test('a restored backup counts as an edit of each value that it replaced, and of no other', async () => {
  const edited = await make('edited');
  const removed = await make('removed');
  const backup = pms.backup();
  await ask('PATCH', `/projects/${edited}`, { title: 'later', tags: ['a'], customFields: { product: 'x' } });
  await make('vanishes');
  await ask('PATCH', `/projects/${removed}`, { title: 'removed later' });
  const last = pms.store.find('project', removed);
  await ask('DELETE', `/projects/${removed}`);

  const afterwards = new Afterwards();
  afterwards.pmsRestored(pms.restore(backup), (ref) => (ref.endsWith(removed) ? (last ?? null) : null));
  expect(
    afterwards.putBack.map(({ ref, property, value, replaced }) => [ref, property, value, replaced]),
  ).toEqual([
    [`pms:project:${edited}`, 'title', 'edited', 'later'],
    [`pms:project:${edited}`, 'tags', '', 'a'],
    [`pms:project:${edited}`, 'order', '', 'x'],
    [`pms:project:${removed}`, 'title', 'removed', 'removed later'],
  ]);
  expect(afterwards.vanished.size).toBe(1);
});

test('the check adds the history of a lost link once', () => {
  const entry = (lost: string) => ({ row: 'title', side: 'pms' as const, lost });
  const link = (history: LinkDocument['history'], ref: string) =>
    ({
      _id: `TicketToProject/${ref}`,
      sides: { zendesk: { ref } },
      history,
      intent: null,
    }) as unknown as LinkDocument;
  const afterwards = new Afterwards();
  afterwards.linksLost([link([entry('a'), entry('b')], 'zendesk:ticket:1')]);
  const found = afterwards.withLostHistory(link([entry('b'), entry('c')], 'zendesk:ticket:1'));
  expect(found.history.map(({ lost }) => lost)).toEqual(['a', 'b', 'c']);
  expect(afterwards.withLostHistory(link([], 'zendesk:ticket:2')).history).toEqual([]);
  expect(['zendesk:ticket:1', 'zendesk:ticket:2'].map((ref) => afterwards.isForgotten(ref))).toEqual([
    true,
    false,
  ]);
});
