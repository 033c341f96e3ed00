import { Visitor, TOKEN, startConsoleWorld, type ConsoleWorld } from '../support/console';
import { runShared } from '../support/cli';
import { serviceEnvironment, until } from '../support/serviceProcess';

/** Undo in the console, over HTTP and the whole sync: the plan, its confirmation, and the outcome. */

let world: ConsoleWorld;
let visitor: Visitor;
/** The start of the writes to undo. */
let since: string;
let pairs: { key: string; ticket: number; project: string }[];

beforeAll(async () => {
  world = await startConsoleWorld();
  visitor = new Visitor(await world.serve({ consoleToken: TOKEN }));
  await visitor.logIn();
});
afterAll(async () => world.stop());

/** Three pairs whose priority the PMS changed, and one of them whose priority a person changed again. */
beforeEach(async () => {
  const { boxes, stack } = world;
  pairs = [await world.pair('one'), await world.pair('two'), await world.pair('three')];
  for (const priority of ['low', 'high']) {
    since = new Date().toISOString();
    for (const { project } of pairs) await boxes.pm('PATCH', `/projects/${project}`, { priority });
    await stack.settle();
  }
  expect(priorities()).toEqual(['high', 'high', 'high']);
  const [first] = pairs;
  await boxes.zd('PUT', `/tickets/${first?.ticket}`, { ticket: { priority: 'urgent' } });
  await stack.settle();
});

const priorities = () => pairs.map(({ ticket }) => world.boxes.zendesk.store.tickets.get(ticket)?.priority);
/** Writes caused by the PMS, and not writes to it. */
const asked = () => ({ since, row: 'priority', cause: 'poll:pms', pair: '', entity: '' });
const planUrl = (more: Record<string, string> = {}) =>
  `/console/undo?${new URLSearchParams({ ...asked(), ...more }).toString()}`;
/** The visible text of a page, with each run of spaces as one. */
const textOf = (markup: string) =>
  markup
    .replace(/<[^>]+>/g, ' ')
    .replace(/&quot;/g, '"')
    .replace(/\s+/g, ' ');
const hidden = (markup: string, name: string) =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(markup)?.[1] ?? '';
const undosKept = async () => (await world.stack.store.undos.latest(50)).length;

async function confirmed(more: Record<string, string> = {}) {
  const { text } = await visitor.get(planUrl());
  const until = text.includes('name="until"') ? hidden(text, 'until') : '';
  return { ...asked(), until, formToken: hidden(text, 'formToken'), confirm: 'yes', ...more };
}

test('shows what would be restored, restores it after a confirmation, and names values edited since', async () => {
  const plan = await visitor.get(planUrl());
  expect(plan.status).toBe(200);
  const shown = textOf(plan.text);
  expect(shown).toContain(
    'Values of 3 pairs would be put back, if the records still show what the sync wrote:',
  );
  expect(shown).toMatch(/priority zendesk priority 3 0/);
  const [{ ticket }] = pairs as [(typeof pairs)[number]];
  expect(shown).toMatch(new RegExp(`zendesk:ticket:${ticket} priority high low`));
  expect(priorities()).toEqual(['urgent', 'high', 'high']);

  // The command prints the same, with the same numbers.
  const env = serviceEnvironment(world.boxes, world.stack.taskQueue);
  const printed = await runShared(env, 'undo', '--since', since, '--row', 'priority', '--cause', 'poll:pms');
  expect(printed.out).toContain(
    'Values of 3 pairs would be put back, if the records still show what the sync wrote:',
  );

  const begun = await visitor.post('/console/undo', await confirmed());
  expect(begun.status).toBe(303);
  const at = begun.headers.get('location') ?? '';
  expect(at).toMatch(/^\/console\/undo\?id=\d{14}-[0-9a-f]{4}$/);
  await until(async () => textOf((await visitor.get(at)).text).includes('State done'));
  await world.stack.quiet();
  expect(priorities()).toEqual(['urgent', 'low', 'low']);
  const outcome = await visitor.get(at);
  expect(textOf(outcome.text)).toContain(
    '2 pairs are as they were before. 1 pairs were left as they are, in whole or in part:',
  );
  // The name of a pair may break after each of its parts.
  expect(textOf(outcome.text).replaceAll(' ', '')).toContain(
    `TicketToProject/zendesk:ticket:${ticket}zendeskprioritychangedsince,leftalone`,
  );
  const id = at.split('=')[1] ?? '';
  expect((await visitor.get('/console/undo')).text).toContain(`href="/console/undo?id=${id}"`);
  const resumed = await runShared(env, 'undo', '--resume', id);
  expect(resumed.out).toContain(`Undo ${id}: 2 pairs are as they were before.`);

  // An undo is undone by its cause; its page links to that.
  const again = `/console/undo?cause=${encodeURIComponent(`undo:${id}`)}`;
  expect(outcome.text).toContain(`href="${again}"`);
  expect(textOf((await visitor.get(again)).text)).toContain('Values of 2 pairs would be put back');
});

test('undoes the writes that were shown, and not the later writes of the sync', async () => {
  const form = await confirmed();
  const fourth = await world.pair('four');
  await world.boxes.pm('PATCH', `/projects/${fourth.project}`, { priority: 'high' });
  await world.stack.settle();
  const begun = await visitor.post('/console/undo', form);
  const at = begun.headers.get('location') ?? '';
  await until(async () => textOf((await visitor.get(at)).text).includes('State done'));
  await world.stack.quiet();
  expect(world.boxes.zendesk.store.tickets.get(fourth.ticket)?.priority).toBe('high');
});

test.each([
  ['is not confirmed', { confirm: '' }, 400],
  ['has no end time', { until: '' }, 400],
  ['has no filter', { since: '', row: '', cause: '' }, 400],
  ['has an invalid time', { since: 'yesterday' }, 400],
  ['has an unknown entity', { entity: 'Tickets' }, 400],
  ['finds no writes', { row: 'title' }, 409],
  ['was not made for this session', { formToken: 'x' }, 403],
])('a form that %s starts nothing', async (_, change, status) => {
  const before = await undosKept();
  const answer = await visitor.post('/console/undo', await confirmed(change));
  expect(answer.status).toBe(status);
  expect(await undosKept()).toBe(before);
  await world.stack.quiet();
  expect(priorities()).toEqual(['urgent', 'high', 'high']);
});

test('a form of another site starts nothing', async () => {
  const before = await undosKept();
  const form = await confirmed();
  const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
  expect((await visitor.post('/console/undo', form, foreign)).status).toBe(403);
  expect(await undosKept()).toBe(before);
});

test.each([
  ['/console/undo?since=yesterday', 'since: expected a time, e.g. 2026-05-01T12:00:00Z'],
  ['/console/undo?entity=Tickets&row=priority', 'entity: expected one of OrgToCustomer,'],
  ['/console/undo?id=unheard-of', 'found "unheard-of", which is no undo'],
  ['/console/undo?pair=nonsense', 'nonsense'],
])('the filter %s is refused with a message, so that no wider undo is shown', async (path, words) => {
  const { status, text } = await visitor.get(path);
  expect(status).toBe(400);
  expect(textOf(text)).toContain(words);
});

test('an undo whose workflow is missing continues where it stopped', async () => {
  await world.stack.store.undos.begin({
    id: '20260101000000-beef',
    filter: { since, row: 'priority', cause: 'poll:pms', until: new Date().toISOString() },
    hold: false,
  });
  const at = '/console/undo?id=20260101000000-beef';
  expect(textOf((await visitor.get(at)).text)).toContain('State working : it stopped before it was done');
  const formToken = hidden((await visitor.get(at)).text, 'formToken');
  const begun = await visitor.post('/console/undo/resume', { id: '20260101000000-beef', formToken });
  expect(begun.headers.get('location')).toBe(at);
  await until(async () => textOf((await visitor.get(at)).text).includes('State done'));
  await world.stack.quiet();
  expect(priorities()).toEqual(['urgent', 'low', 'low']);
});
