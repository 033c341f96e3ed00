import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { checkMapping, loadMapping } from '../../src/config/loadMapping';
import type { UndoOutcome, UndoPlan } from '../../src/operator/undo';
import type { Mapping } from '../../src/sync/mapping';
import { remap, undo } from '../../src/workflows';
import { cliOf, type Ran } from '../support/cli';
import { MemorySystem, lostAnswer } from '../support/memorySystem';
import { MAPPING_FILE, startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';
import { testMapping } from '../support/world';

/** A mistake of a mapping is undone on all pairs at once, over both sandboxes. docs/undo.md has the figures of a larger run. */

const PAIRS = 60;
const EDITED = 5;
const ROW = 'customFields_product';

describe('a row that is pointed at a wrong, filled field', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'zps-undo-'));
  let boxes: Sandboxes;
  let stack: Stack;
  /** Ids of both fields of Zendesk. */
  let right: number;
  let wrong: number;
  let tickets: number[];
  let mistake: Mapping;
  let cli: (...args: string[]) => Promise<Ran>;

  /** The shipped mapping with the row, in a file of its own. */
  function fileWith(name: string, field: number): string {
    const mapping = parse(readFileSync(MAPPING_FILE, 'utf8')) as {
      entities: { TicketToProject: { properties: object[] } };
    };
    const zendesk = `custom_fields.${field}`;
    const row = { zendesk, pms: 'customFields.product', type: 'string', direction: 'both', winner: 'pms' };
    mapping.entities.TicketToProject.properties.push(row);
    const file = path.join(folder, `${name}-${field}.yaml`);
    writeFileSync(file, stringify(mapping));
    return file;
  }
  const live = (file: string) => checkMapping(loadMapping(file), boxes.systems, file);

  async function use(file: string): Promise<Mapping> {
    const mapping = await live(file);
    Object.assign(stack.context, { mapping });
    await stack.store.mappings.replace(mapping.version);
    cli = cliOf(boxes, stack, { MAPPING_FILE: file });
    return mapping;
  }
  async function remapAll(): Promise<void> {
    const { version } = stack.context.mapping;
    await stack.client.workflow.execute(remap, {
      workflowId: `${stack.taskQueue}-remap-${version}-${Math.random()}`,
      taskQueue: stack.taskQueue,
      args: [version],
    });
    await stack.quiet();
  }
  const field = async (title: string) =>
    (
      (await boxes.zd('POST', '/ticket_fields', { ticket_field: { type: 'text', title } }))[
        'ticket_field'
      ] as { id: number }
    ).id;
  const shown = (ticket: number, id: number) =>
    boxes.zendesk.store.tickets.get(ticket)?.custom_fields.find((each) => each.id === id)?.value ?? null;
  const projectOf = (ticket: number) =>
    [...boxes.pms.store.all('project')].find(({ externalRef }) => externalRef === `zendesk:ticket:${ticket}`);
  const product = (ticket: number) =>
    (projectOf(ticket)?.['customFields'] as Record<string, unknown> | undefined)?.['product'] ?? null;
  /** All that both systems hold, but for the fields that this is about, and the times of the writes. */
  const without = (record: object, names: string[]) =>
    Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));
  const others = () =>
    tickets.map((id) => {
      const ticket = boxes.zendesk.store.tickets.get(id);
      return {
        ticket: without(ticket ?? {}, ['custom_fields', 'fields', 'updated_at', 'generated_timestamp']),
        fields: ticket?.custom_fields.filter((each) => each.id !== wrong),
        project: without(projectOf(id) ?? {}, ['customFields', 'revision', 'updatedAt']),
      };
    });
  const writes = () => boxes.calls.filter(({ method }) => method !== 'GET').length;

  beforeEach(async () => {
    boxes = await startSandboxes();
    right = await field('Right');
    wrong = await field('Wrong');
    const first = await live(fileWith('right', right));
    stack = await startStack(testServers(), first, boxes.systems);
    await stack.store.mappings.begin(first.version);
    tickets = [];
    for (let n = 0; n < PAIRS; n += 1) {
      const custom_fields = [
        { id: right, value: `true ${n}` },
        { id: wrong, value: `own ${n}` },
      ];
      const made = await boxes.zd('POST', '/tickets', {
        ticket: { subject: `t${n}`, comment: { body: 'b' }, custom_fields },
      });
      tickets.push((made['ticket'] as { id: number }).id);
    }
    await stack.settle();
    await stack.settle();
    expect(tickets.map(product)).toEqual(tickets.map((_, n) => `true ${n}`));
    mistake = await use(fileWith('wrong', wrong));
    await remapAll();
    expect(tickets.map((id) => shown(id, wrong))).toEqual(tickets.map((_, n) => `true ${n}`));
    for (const id of tickets.slice(0, EDITED))
      await boxes.zd('PUT', `/tickets/${id}`, {
        ticket: { custom_fields: [{ id: wrong, value: `edited ${id}` }] },
      });
    await stack.settle();
  });
  afterEach(async () => {
    await stack.stop();
    await boxes.close();
  });

  /** What was edited stays and is named; all else is as it was before the mistake. */
  function expectUndone(outcome: UndoOutcome, before: unknown): void {
    const edited = tickets.slice(0, EDITED);
    expect(outcome).toMatchObject({ state: 'done', restored: PAIRS - EDITED });
    expect(outcome.left.map(({ key }) => key).sort()).toEqual(
      edited.map((id) => `TicketToProject/zendesk:ticket:${id}`).sort(),
    );
    expect(outcome.left.flatMap(({ rows }) => rows)).toEqual(
      edited.map(() => ({
        property: `custom_fields.${wrong}`,
        side: 'zendesk',
        why: 'changed since, left alone',
      })),
    );
    const isEdited = (id: number) => edited.includes(id);
    expect(tickets.map((id) => shown(id, wrong))).toEqual(
      tickets.map((id, n) => (isEdited(id) ? `edited ${id}` : `own ${n}`)),
    );
    expect(tickets.map((id) => shown(id, right))).toEqual(tickets.map((_, n) => `true ${n}`));
    expect(tickets.map(product)).toEqual(
      tickets.map((id, n) => (isEdited(id) ? `edited ${id}` : `true ${n}`)),
    );
    expect(others()).toEqual(before);
  }

  const cause = () => ['--cause', `mapping:${mistake.version}`, '--row', ROW];

  test('is undone once the mapping is mended: what was edited since is named, and nothing else is touched', async () => {
    const early = await cli('undo', ...cause(), '--yes');
    expect([early.code, early.err]).toEqual([
      1,
      expect.stringContaining(`still binds TicketToProject "${ROW}"`),
    ]);
    await use(fileWith('right', right));
    const plan = JSON.parse((await cli('undo', ...cause(), '--json')).out) as UndoPlan;
    expect(plan).toMatchObject({
      pairs: PAIRS,
      standing: [],
      values: [{ row: ROW, side: 'zendesk', property: `custom_fields.${wrong}`, pairs: PAIRS }],
    });
    const before = others();
    const sent = writes();
    const ran = await cli('undo', ...cause(), '--yes', '--json');
    expect([ran.code, ran.err]).toEqual([1, '']);
    const outcome = JSON.parse(ran.out) as UndoOutcome;
    expectUndone(outcome, before);
    expect(writes() - sent).toBe(PAIRS - EDITED);
    expect(await stack.store.holds.all()).toEqual([]);

    // The mended mapping finds all as it was, and writes nothing.
    await stack.settle();
    await remapAll();
    expect(writes() - sent).toBe(PAIRS - EDITED);
    expectUndone(outcome, before);
    const conflicts = JSON.parse((await cli('conflicts', 'list', '--json')).out) as { key: string }[];
    expect(conflicts).toHaveLength(EDITED);
    const shownAgain = JSON.parse((await cli('undo', '--resume', outcome.id, '--json')).out) as UndoOutcome;
    expect(shownAgain).toEqual(outcome);
    // It is in the journal, under its own name.
    expect(await stack.store.journal.page({ cause: `undo:${outcome.id}` }, null, 999)).toHaveLength(
      PAIRS - EDITED,
    );
  }, 300_000);

  test('is undone with a hold before the mapping is mended, and both orders come to the same', async () => {
    const before = others();
    const sent = writes();
    const ran = await cli('undo', ...cause(), '--hold', '--yes', '--json');
    const outcome = JSON.parse(ran.out) as UndoOutcome;
    expect(await stack.store.holds.all()).toMatchObject([
      { by: 'undo', row: ROW, bound: expect.any(String) as string },
    ]);
    // The old mapping does not write it again, whatever it is asked.
    await stack.settle();
    const [first] = tickets.slice(EDITED);
    await stack.hint(
      'TicketToProject',
      { side: 'zendesk', kind: 'ticket', id: String(first) },
      { force: true },
    );
    expect(writes() - sent).toBe(PAIRS - EDITED);

    await use(fileWith('right', right));
    await remapAll();
    const unedited = tickets.slice(EDITED);
    expect(unedited.map((id) => shown(id, wrong))).toEqual(unedited.map((_, n) => `own ${n + EDITED}`));
    expect(unedited.map(product)).toEqual(unedited.map((_, n) => `true ${n + EDITED}`));
    expect(tickets.map((id) => shown(id, right)).slice(EDITED)).toEqual(
      unedited.map((_, n) => `true ${n + EDITED}`),
    );
    expect(outcome).toMatchObject({ restored: PAIRS - EDITED });
    expect(outcome.left).toHaveLength(EDITED);
    expect(others().slice(EDITED)).toEqual(before.slice(EDITED));
    expect(writes() - sent).toBeLessThanOrEqual(PAIRS);

    // What the undo left in the list is taken off it, and its row goes on.
    const [hold] = await stack.store.holds.all();
    expect((await cli('brake', 'release', hold?.id ?? '', '--yes')).code).toBe(0);
    expect(await stack.store.holds.all()).toEqual([]);
    expect(writes() - sent).toBeLessThanOrEqual(PAIRS);
  }, 300_000);
});

describe('an undo', () => {
  const rows = (zendesk: string) => [
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
    { zendesk, pms: 'cost', type: 'string', direction: 'both', winner: 'pms' },
  ];
  let stack: Stack;
  let zendesk: MemorySystem;
  let pms: MemorySystem;
  let key: string;

  beforeEach(async () => {
    zendesk = new MemorySystem('zendesk', false);
    pms = new MemorySystem('pms', true);
    stack = await startStack(testServers(), testMapping(rows('right')), { zendesk, pms });
    const ticket = zendesk.add('ticket', { subject: 's', right: 'true value', wrong: 'its own' });
    key = `TicketToProject/zendesk:ticket:${ticket.ref.id}`;
    await stack.settle();
    Object.assign(stack.context, { mapping: testMapping(rows('wrong')) });
    await stack.hint('TicketToProject', ticket.ref, { force: true });
    Object.assign(stack.context, { mapping: testMapping(rows('right')) });
  });
  afterEach(async () => stack.stop());

  const values = () => zendesk.all('ticket')[0]?.values;
  async function run(id: string, hold = false): Promise<void> {
    await stack.store.undos.begin({
      id,
      filter: { cause: 'mapping', until: new Date().toISOString() },
      hold,
    });
    await stack.client.workflow.execute(undo, {
      workflowId: `${stack.taskQueue}-undo-${id}`,
      taskQueue: stack.taskQueue,
      args: [id],
    });
    await stack.quiet();
  }

  test('goes on where an answer was lost, and says that it was put back', async () => {
    expect(values()).toMatchObject({ wrong: 'true value' });
    let faults = 1;
    zendesk.fault = (at, call) => {
      if (at === 'after' && call === 'update' && faults-- > 0) throw lostAnswer();
    };
    await run('one');
    expect(values()).toMatchObject({ right: 'true value', wrong: 'its own' });
    expect(await stack.store.undos.item('one', key)).toMatchObject({
      state: 'done',
      rows: [{ property: 'wrong', fate: 'restored' }],
    });
    expect(await stack.store.get(key)).toMatchObject({ status: 'linked', snapshot: { cost: 'true value' } });
  });

  test('that is told again after it died half-way puts nothing back twice', async () => {
    const { undos } = stack.store;
    const note = undos.note.bind(undos);
    let deaths = 1;
    jest.spyOn(undos, 'note').mockImplementation(async (...given) => {
      if (given[2].state === 'done' && deaths-- > 0) throw lostAnswer();
      return note(...given);
    });
    await run('two');
    expect(zendesk.calls.filter((call) => call === 'update')).toHaveLength(2);
    expect(await undos.item('two', key)).toMatchObject({ state: 'done', rows: [{ fate: 'restored' }] });
  });

  test('meets an edit between its look and its write, and leaves it', async () => {
    const [ticket] = zendesk.all('ticket');
    let edits = 1;
    zendesk.fault = (at, call) => {
      if (at === 'before' && call === 'update' && ticket && edits-- > 0)
        zendesk.edit(ticket.ref, { wrong: 'by a person' });
    };
    await run('three');
    expect(values()).toMatchObject({ right: 'true value', wrong: 'by a person' });
    expect(await stack.store.undos.item('three', key)).toMatchObject({ rows: [{ fate: 'edited' }] });
  });

  test('of which a pair is paused leaves that pair, and says why', async () => {
    await stack.store.control.pause('TicketToProject', new Date());
    await run('four');
    expect(await stack.store.undos.item('four', key)).toMatchObject({
      state: 'done',
      why: expect.stringContaining('paused') as string,
    });
    expect(await stack.store.holds.all()).toEqual([]);
  });

  test('is refused by the worker, too, while the mapping is as it was', async () => {
    Object.assign(stack.context, { mapping: testMapping(rows('wrong')) });
    await expect(run('five')).rejects.toThrow('Workflow execution failed');
    expect(values()).toMatchObject({ wrong: 'true value' });
  });
});
