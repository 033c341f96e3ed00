import type { Ticket } from 'zendesk-sandbox';
import { controlsOf } from 'testkit';
import { loadMapping } from '../../src/config/loadMapping';
import { newLink } from '../../src/sync/link';
import { cliOf, type Ran } from '../support/cli';
import { manualMapping } from '../support/manualMapping';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/** The operator's commands as processes, against real servers and both sandboxes over HTTP. */

let boxes: Sandboxes;
let stack: Stack;
let cli: (...args: string[]) => Promise<Ran>;
let serial = 0;

beforeAll(async () => {
  const file = manualMapping();
  boxes = await startSandboxes({ mapping: loadMapping(file) });
  stack = await startStack(testServers(), boxes.mapping, boxes.systems);
  cli = cliOf(boxes, stack, { MAPPING_FILE: file });
});
afterAll(async () => {
  await stack.stop();
  await boxes.close();
});

const json = <T>(ran: Ran): T => JSON.parse(ran.out) as T;
const ticketOf = (id: number) => boxes.zendesk.store.tickets.get(id) as Ticket;
const projectOf = (id: number) =>
  [...boxes.pms.store.all('project')].find((each) => each.externalRef === `zendesk:ticket:${id}`);

/** A linked pair. @returns the ticket's id and the project's */
async function pair(subject: string): Promise<{ ticket: number; project: string }> {
  const made = await boxes.zd('POST', '/tickets', {
    ticket: { subject, comment: { body: 'x' }, tags: ['a'], type: 'task' },
  });
  const ticket = (made['ticket'] as { id: number }).id;
  await stack.settle();
  return { ticket, project: projectOf(ticket)?.id ?? 'none' };
}

const DUE = { zendesk: '2026-12-01T00:00:00Z', pms: '2027-01-01T00:00:00Z' };

/** A pair whose title and due date differ, for a person to decide. */
async function inConflict(): Promise<{ ticket: number; project: string }> {
  const subject = `conflict ${(serial += 1)}`;
  const both = await pair(subject);
  await boxes.zd('PUT', `/tickets/${both.ticket}`, {
    ticket: { subject: `${subject} z`, due_at: DUE.zendesk },
  });
  await boxes.pm('PATCH', `/projects/${both.project}`, { title: `${subject} p`, dueDate: DUE.pms });
  await stack.settle();
  return both;
}

describe('links', () => {
  test('show prints state, cause, next attempt, both values in conflict, and the history', async () => {
    const { ticket, project } = await inConflict();
    const ran = await cli('links', 'show', `pms:project:${project}`);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(new RegExp(`^TicketToProject/zendesk:ticket:${ticket} +conflict \\d+$`, 'm'));
    expect(ran.out).toMatch(/state +conflict since \d{4}-/);
    expect(ran.out).toMatch(/cause +both sides changed title, dueDate \(conflict\)/);
    expect(ran.out).toMatch(/next attempt +when a person decides$/m);
    expect(ran.out).toContain(
      `\nTo decide, one of:\n  npx zendesk-pms-sync conflicts resolve zendesk:ticket:${ticket} --row title --choose zendesk\n`,
    );
    expect(ran.out).toMatch(/^title +conflict \d+ z +conflict \d+ p/m);
    expect(ran.out).toMatch(/^dueDate +2026-12-01T00:00:00Z +2027-01-01T00:00:00Z/m);
    // No colours, because the output is not a terminal.
    expect(ran.out).not.toContain('\u001b');

    await cli('conflicts', 'resolve', `zendesk:ticket:${ticket}`, '--row', 'title', '--choose', 'pms');
    const shown = json<Record<string, unknown>>(
      await cli('links', 'show', `zendesk:ticket:${ticket}`, '--json'),
    );
    expect(shown).toMatchObject({
      key: `TicketToProject/zendesk:ticket:${ticket}`,
      status: 'conflict',
      reason: { code: 'conflict', text: 'both sides changed dueDate' },
      conflicts: [{ row: 'dueDate', ...DUE }],
      history: [{ row: 'title', side: 'zendesk', rule: 'a person chose pms' }],
      work: [],
    });
  });

  test('show names the records that a waiting pair waits for', async () => {
    const made = await boxes.zd('POST', '/tickets', {
      ticket: {
        subject: 'waits',
        comment: { body: 'x' },
        requester: { email: 'w@waits.example', name: 'W' },
      },
    });
    const id = (made['ticket'] as { id: number }).id;
    const parent = 'zendesk:organization:370326104793';
    await stack.store.save({
      ...newLink(`TicketToProject/zendesk:ticket:${id}`, 'TicketToProject', 'v', '2026-01-01T00:00:00.000Z'),
      waitsFor: [parent],
      reason: {
        code: 'waiting',
        text: `waits for ${parent}`,
        since: '2026-01-01T00:00:00.000Z',
        nextAttempt: null,
      },
    });
    const ran = await cli('links', 'show', `zendesk:ticket:${id}`);
    expect(ran.out).toMatch(/state +pending/);
    expect(ran.out).toMatch(/next attempt +when zendesk:organization:370326104793 is linked/);
  });

  test('show of an unknown record fails with a reason', async () => {
    const ran = await cli('links', 'show', 'zendesk:ticket:987654321');
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(ran.err).toBe(
      'TicketToProject/zendesk:ticket:987654321: no link; the record was not seen yet, or is out of scope\n',
    );
  });

  test('find lists pairs by text, entity, status and code', async () => {
    const { ticket, project } = await inConflict();
    const found = json<{ links: { key: string }[]; more: boolean }>(
      await cli('links', 'find', project, '--json', '--entity', 'tickettoproject'),
    );
    expect(found.links.map((link) => link.key)).toContain(`TicketToProject/zendesk:ticket:${ticket}`);
    const table = await cli('links', 'find', '--status', 'conflict', '--code', 'conflict', '--limit', '1');
    expect(table.code).toBe(0);
    expect(table.out.split('\n')[0]).toMatch(/^record +title +state +counterpart +reason$/);
    expect(await cli('links', 'find', 'no-such-id')).toMatchObject({ code: 1, out: 'no pair found\n' });
  });

  test('unlink leaves both records unsynced until link joins them again', async () => {
    const { ticket, project } = await pair('apart');
    const apart = await cli('links', 'unlink', `zendesk:ticket:${ticket}`, '--yes');
    expect(apart).toMatchObject({
      code: 0,
      out: expect.stringContaining('tombstone (a person unlinked it)') as unknown,
    });
    await boxes.zd('PUT', `/tickets/${ticket}`, {
      ticket: { subject: 'apart z', comment: { body: 'not for the PMS' } },
    });
    await boxes.pm('PATCH', `/projects/${project}`, { priority: 'low' });
    await stack.settle();
    await stack.settle();
    expect(projectOf(ticket)).toMatchObject({ title: 'apart', priority: 'low' });
    expect(ticketOf(ticket).priority).toBeNull();
    expect([...boxes.pms.store.all('note')].filter((note) => note['projectId'] === project)).toEqual([]);
    const shown = await cli('links', 'show', `zendesk:ticket:${ticket}`);
    expect(shown.out).toMatch(
      /next attempt +only by: npx zendesk-pms-sync links link zendesk:ticket:\d+ pms:project:\S+/,
    );

    const joined = await cli('links', 'link', `pms:project:${project}`, `zendesk:ticket:${ticket}`);
    expect(joined).toMatchObject({ code: 0, out: expect.stringContaining('linked') as unknown });
    await stack.settle();
    await stack.settle();
    expect(projectOf(ticket)?.['title']).toBe('apart z');
    expect(ticketOf(ticket).priority).toBe('low');
    // The comment that arrived meanwhile waited for its ticket.
    expect([...boxes.pms.store.all('note')].filter((note) => note['projectId'] === project)).toMatchObject([
      { body: 'not for the PMS' },
    ]);
  });

  test('link refuses records that cannot form a pair', async () => {
    const { ticket, project } = await pair('taken');
    const other = await pair('taken, too');
    expect(
      await cli('links', 'link', `zendesk:ticket:${ticket}`, `pms:project:${other.project}`),
    ).toMatchObject({
      code: 1,
      err: expect.stringContaining(`is linked to pms:project:${project}; unlink it first`) as unknown,
    });
    expect(await cli('links', 'link', `zendesk:ticket:${ticket}`, 'zendesk:ticket:1')).toMatchObject({
      code: 2,
      err: expect.stringContaining('are of the same side; expected one record of each side') as unknown,
    });
    expect(await cli('links', 'link', `zendesk:ticket:${ticket}`, 'pms:customer:C-1')).toMatchObject({
      code: 2,
      err: 'a ticket and a customer do not correspond; see: mapping\n',
    });
  });
});

describe('conflicts', () => {
  test('list shows them, and resolve decides them by side or by a merged value', async () => {
    const { ticket, project } = await inConflict();
    const key = `TicketToProject/zendesk:ticket:${ticket}`;
    const listed = await cli('conflicts', 'list');
    expect(listed.code).toBe(1);
    expect(listed.out).toMatch(
      new RegExp(`^zendesk:ticket:${ticket} +conflict \\d+ +title +conflict \\d+ z +conflict \\d+ p`, 'm'),
    );
    const before = json<{ key: string; conflicts: unknown[] }[]>(
      await cli('conflicts', 'list', '--json', '--entity', 'TicketToProject'),
    );
    expect(before.find((conflict) => conflict.key === key)?.conflicts).toHaveLength(2);

    const merged = await cli('conflicts', 'resolve', key, '--row', 'title', '--value', '  merged   title ');
    expect(merged).toMatchObject({ code: 0, err: '' });
    expect(projectOf(ticket)?.['title']).toBe('merged title');
    expect(ticketOf(ticket).subject).toBe('merged title');
    const due = await cli(
      'conflicts',
      'resolve',
      `pms:project:${project}`,
      '--row',
      'dueDate',
      '--value',
      '2026-12-24T00:00:00Z',
      '--json',
    );
    expect(json(due)).toMatchObject({ key, status: 'linked', reason: null });
    expect(ticketOf(ticket).due_at).toBe('2026-12-24T00:00:00Z');
  });

  test('whole pairs: a person chooses between several customers of one name', async () => {
    const [first, second] = [
      await boxes.pm('POST', '/customers', { name: 'Twin' }),
      await boxes.pm('POST', '/customers', { name: 'Twin', notes: 'the right one' }),
    ];
    const made = await boxes.zd('POST', '/organizations', { organization: { name: 'Twin' } });
    const id = (made['organization'] as { id: number }).id;
    await stack.settle();
    const key = `OrgToCustomer/zendesk:organization:${id}`;
    const listed = json<{ key: string; code: string; candidates: string[] }[]>(
      await cli('conflicts', 'list', '--json', '--entity', 'OrgToCustomer'),
    );
    const candidates = [first, second].map((each) => `pms:customer:${String(each['id'])}`);
    expect(listed).toContainEqual(expect.objectContaining({ key, code: 'ambiguous_match', candidates }));
    const chosen = `pms:customer:${String(second['id'])}`;
    const answer = await cli('conflicts', 'resolve', key, '--link', chosen);
    expect(answer).toMatchObject({ code: 0, err: '' });
    expect(boxes.zendesk.store.organizations.get(id)?.notes).toBe('the right one');
  });

  test.each<[string, string[], RegExp]>([
    ['nothing', [], /^found nothing, expected one of --choose, --value, /],
    [
      'two choices',
      ['--row', 'title', '--choose', 'pms', '--create'],
      /^found --choose and --create, expected one/,
    ],
    ['no row', ['--choose', 'pms'], /^--choose needs --row/],
    ['a row for the whole pair', ['--row', 'title', '--create'], /^--row: found with --create/],
    [
      'an unknown side',
      ['--row', 'title', '--choose', 'mine'],
      /^--choose: found "mine", expected zendesk or pms$/,
    ],
    [
      'a missing file',
      ['--row', 'title', '--value-file', '/nowhere'],
      /^--value-file: \/nowhere cannot be read \(ENOENT\): it is not there; check the path$/,
    ],
    [
      'no record',
      ['--link', 'P-1'],
      /^"P-1" names no record: expected one of zendesk:organization:ID, pms:customer:ID/,
    ],
    ['an unknown option', ['--winner', 'pms'], /unknown option '--winner'/],
  ])('resolve with %s is bad input', async (_, args, expected) => {
    const { code, err, out } = await cli('conflicts', 'resolve', 'zendesk:ticket:1', ...args);
    expect(err.trim()).toMatch(expected);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  test('a value that does not fit its property is bad input, and changes nothing', async () => {
    const { ticket } = await inConflict();
    const ran = await cli(
      'conflicts',
      'resolve',
      `zendesk:ticket:${ticket}`,
      '--row',
      'dueDate',
      '--value',
      '{"a": 1}',
    );
    expect(ran).toMatchObject({
      code: 2,
      err: '--value: pms property "dueDate": found {"a":1}, expected datetime\n',
    });
    expect(ticketOf(ticket).due_at).toBe(DUE.zendesk);
  });
});

describe('quarantine', () => {
  test('list shows the reason; retry sends the pending writes once the cause is fixed', async () => {
    const { ticket, project } = await pair('strict');
    const refusal = {
      route: `^PUT /api/v2/tickets/${ticket}`,
      kind: 'status',
      status: 422,
      probability: 1,
    } as const;
    await controlsOf(boxes.zendesk).setFaults(refusal);
    await boxes.pm('PATCH', `/projects/${project}`, { status: 'waiting' });
    await stack.settle();
    const key = `TicketToProject/zendesk:ticket:${ticket}`;
    const listed = await cli('quarantine', 'list');
    expect(listed.code).toBe(1);
    expect(listed.out).toMatch(
      new RegExp(
        `^zendesk:ticket:${ticket} +strict +invalid_field +\\d{4}-.* Zendesk PUT /api/v2/tickets/${ticket}`,
        'm',
      ),
    );

    const still = await cli('quarantine', 'retry', key);
    expect(still.code).toBe(1);
    expect(still.out).toMatch(new RegExp(`^zendesk:ticket:${ticket} +quarantined`, 'm'));
    await controlsOf(boxes.zendesk).clearFaults();
    const fixed = await cli(
      'quarantine',
      'retry',
      '--code',
      'invalid_field',
      '--entity',
      'TicketToProject',
      '--json',
    );
    expect(json(fixed)).toMatchObject([{ key, status: 'linked', reason: null }]);
    expect(fixed.code).toBe(0);
    expect(ticketOf(ticket).status).toBe('pending');
    expect(await cli('quarantine', 'list')).toMatchObject({ code: 0, out: 'nothing is quarantined\n' });
  });

  test.each<[string, string[], RegExp]>([
    ['nothing', [], /^found nothing to retry; expected pairs, --entity, --code or --all$/],
    ['pairs and a filter', ['zendesk:ticket:1', '--all'], /^found pairs together with --all/],
    [
      'an unknown entity',
      ['--entity', 'Tickets'],
      /^--entity: found "Tickets", expected one of OrgToCustomer, /,
    ],
  ])('retry of %s is bad input', async (_, args, expected) => {
    const { code, err } = await cli('quarantine', 'retry', ...args);
    expect(err.trim()).toMatch(expected);
    expect(code).toBe(2);
  });
});

describe('resync', () => {
  test('brings a pair into agreement without a change event, by either record or by its key', async () => {
    const { ticket, project } = await pair('quiet');
    await boxes.pm('PATCH', `/projects/${project}`, { status: 'on_hold' });
    const ran = await cli('resync', `pms:project:${project}`, '--json');
    expect(json(ran)).toMatchObject([
      { key: `TicketToProject/zendesk:ticket:${ticket}`, status: 'linked', pms: project },
    ]);
    expect(ticketOf(ticket).status).toBe('hold');
  });

  test('of a pair that is not in order exits with 1 and the reason', async () => {
    const { ticket } = await inConflict();
    const ran = await cli('resync', `TicketToProject/zendesk:ticket:${ticket}`, 'zendesk:ticket:987654321');
    expect(ran.code).toBe(1);
    expect(ran.out).toMatch(/conflict .*both sides changed title, dueDate/);
    expect(ran.out).toMatch(/zendesk:ticket:987654321 does not exist/);
  });

  test.each<[string[], RegExp]>([
    [['ticket-5'], /^"ticket-5" names no record: expected one of zendesk:organization:ID/],
    [
      ['Ticket/5'],
      /^"Ticket\/5" is not a canonical key: expected e\.g\. TicketToProject\/zendesk:ticket:123$/,
    ],
    [['zendesk:ticket:5', '--wait', 'long'], /^--wait: found "long", expected a whole number above 0$/],
    [[], /missing required argument 'pair'/],
  ])('%j is bad input', async (args, expected) => {
    const { code, err } = await cli('resync', ...args);
    expect(err.trim()).toMatch(expected);
    expect(code).toBe(2);
  });

  test('without a worker it reports that no worker answered', async () => {
    const alone = cliOf(boxes, stack, { TASK_QUEUE: `${stack.taskQueue}-nobody` });
    const ran = await alone('resync', 'zendesk:ticket:5550001', '--wait', '1');
    expect(ran.code).toBe(1);
    expect(ran.out).toMatch(/failed .*no answer within 1 s: no worker runs/);
    await stack.client.workflow.getHandle('TicketToProject/zendesk:ticket:5550001').terminate();
  });
});

test('content cannot control the terminal', async () => {
  const subject = 'evil \u001b[2J\u009b31m \u202e text';
  const { ticket, project } = await pair('plain');
  await boxes.zd('PUT', `/tickets/${ticket}`, { ticket: { subject } });
  await boxes.pm('PATCH', `/projects/${project}`, { title: 'other' });
  await stack.settle();
  for (const args of [
    ['links', 'show', `zendesk:ticket:${ticket}`],
    ['links', 'show', `zendesk:ticket:${ticket}`, '--json'],
    ['conflicts', 'list'],
  ]) {
    const { out } = await cli(...args);
    expect(out).toContain('evil');
    for (const control of ['\u001b', '\u009b', '\u202e']) expect(out).not.toContain(control);
  }
});

test.each([
  [['--help']],
  [['links', 'show', '--help']],
  [['links', 'find', '--help']],
  [['links', 'link', '--help']],
  [['links', 'unlink', '--help']],
  [['conflicts', 'list', '--help']],
  [['conflicts', 'resolve', '--help']],
  [['quarantine', 'list', '--help']],
  [['quarantine', 'retry', '--help']],
  [['resync', '--help']],
])('%j prints its help', async (args) => {
  const ran = await cli(...args);
  expect(ran).toMatchObject({ code: 0, err: '' });
  expect(ran.out).toMatch(/^Usage: zendesk-pms-sync/);
  if (args.length > 1) expect(ran.out).toMatch(/Example:\n {2}npx zendesk-pms-sync /);
});
