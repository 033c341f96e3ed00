import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { checkMapping, loadMapping } from '../../src/config/loadMapping';
import type { HistoryPage } from '../../src/operator/history';
import type { UndoOutcome, UndoPlan } from '../../src/operator/undo';
import { BRAKE_DEFAULTS } from '../../src/sync/brake';
import type { Mapping } from '../../src/sync/mapping';
import { cliOf, type Ran } from '../support/cli';
import { MAPPING_FILE, startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/**
 * The story of docs/undo.md, over both sandboxes, by the commands that an operator types: a row names a wrong, filled
 * field; the brake holds it; the operator releases it by mistake; people edit; the mistake is undone.
 * `UNDO_PAIRS=500` uses as many pairs, and prints the calls and seconds of each step.
 */

const PAIRS = Number(process.env['UNDO_PAIRS'] ?? 30);
/** 20 of 500. */
const EDITED = Math.ceil(PAIRS / 25);
const ROW = 'customFields_product';
const TIMEOUT_OF_CALLS_MS = 30_000;
/** A limit for tests that hang; no time is measured by it. */
const TIMEOUT_MS = Math.max(300_000, PAIRS * 6_000);

describe(`a row of ${PAIRS} pairs whose mapping names a wrong, filled field, and that the brake released`, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'zps-undo-'));
  let boxes: Sandboxes;
  let stack: Stack;
  /** Ids of both fields of Zendesk. */
  let right: number;
  let wrong: number;
  let tickets: number[];
  let mistake: Mapping;
  /** The cause of the writes by the release. */
  let release: string;
  let cli: (...args: string[]) => Promise<Ran>;

  /** The shipped mapping with the row, in a separate file. */
  function fileWith(field: number): string {
    const mapping = parse(readFileSync(MAPPING_FILE, 'utf8')) as {
      entities: { TicketToProject: { properties: object[] } };
    };
    const zendesk = `custom_fields.${field}`;
    const row = { zendesk, pms: 'customFields.product', type: 'string', direction: 'both', winner: 'pms' };
    mapping.entities.TicketToProject.properties.push(row);
    const file = path.join(folder, `${field}.yaml`);
    writeFileSync(file, stringify(mapping));
    return file;
  }
  const live = (file: string) => checkMapping(loadMapping(file), boxes.systems, file);

  /** What a worker does after a change of the mapping file. */
  async function use(file: string): Promise<Mapping> {
    const mapping = await live(file);
    Object.assign(stack.context, { mapping });
    await stack.store.mappings.replace(mapping.version);
    cli = cliOf(boxes, stack, { MAPPING_FILE: file });
    return mapping;
  }
  async function newField(title: string): Promise<number> {
    const { ticket_field } = await boxes.zd('POST', '/ticket_fields', {
      ticket_field: { type: 'text', title },
    });
    return (ticket_field as { id: number }).id;
  }
  async function newTicket(n: number): Promise<number> {
    const custom_fields = [
      { id: right, value: `true ${n}` },
      { id: wrong, value: `own ${n}` },
    ];
    const { ticket } = await boxes.zd('POST', '/tickets', {
      ticket: { subject: `t${n}`, comment: { body: 'b' }, custom_fields },
    });
    return (ticket as { id: number }).id;
  }
  const keyOf = (ticket: number) => `TicketToProject/zendesk:ticket:${ticket}`;
  const shown = (ticket: number, id: number) =>
    boxes.zendesk.store.tickets.get(ticket)?.custom_fields.find((each) => each.id === id)?.value ?? null;
  const all = (id: number) => tickets.map((ticket) => shown(ticket, id));
  const projectsByTicket = () =>
    new Map([...boxes.pms.store.all('project')].map((project) => [String(project.externalRef), project]));
  function products(): unknown[] {
    const projects = projectsByTicket();
    return tickets.map(
      (id) =>
        (projects.get(`zendesk:ticket:${id}`)?.['customFields'] as Record<string, unknown>)['product'] ??
        null,
    );
  }
  const without = (record: object, names: string[]) =>
    Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));
  /** The records of both systems, without the fields of this test and the times of writes. */
  function others(): unknown[] {
    const projects = projectsByTicket();
    return tickets.map((id) => {
      const ticket = boxes.zendesk.store.tickets.get(id);
      return {
        ticket: without(ticket ?? {}, ['custom_fields', 'fields', 'updated_at', 'generated_timestamp']),
        fields: ticket?.custom_fields.filter((each) => each.id !== wrong),
        project: without(projects.get(`zendesk:ticket:${id}`) ?? {}, [
          'customFields',
          'revision',
          'updatedAt',
        ]),
      };
    });
  }
  /** The number of writes since a call. A lost answer on a busy machine is requested once more. */
  function written(from: number): number {
    const writes = boxes.calls.slice(from).filter(({ method }) => method !== 'GET');
    const taken = writes.filter(({ status }) => status !== null && status < 300).map((call) => call.path);
    expect(taken.filter((path, n) => taken.indexOf(path) !== n)).toEqual([]);
    return new Set(writes.map((call) => call.path)).size;
  }
  const isEdited = (ticket: number) => tickets.indexOf(ticket) < EDITED;
  const editedKeys = () => tickets.filter(isEdited).map(keyOf).sort();

  /** A step of the operator. Prints its calls and seconds if the number of pairs was asked for. */
  async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
    const [began, from] = [Date.now(), boxes.calls.length];
    const result = await work();
    await stack.quiet();
    if (process.env['UNDO_PAIRS'] === undefined) return result;
    const counts: Record<string, number> = {};
    for (const { side, method, path: at, status } of boxes.calls.slice(from)) {
      const kind = `${side} ${method} ${at.replace(/\d+/g, 'N')}${status === null ? ' (no answer)' : ''}`;
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    const seconds = Math.round((Date.now() - began) / 1_000);
    process.stderr.write(`${name}: ${seconds} s, ${JSON.stringify(counts)}\n`);
    return result;
  }

  beforeEach(async () => {
    // The service's own time limit: on a busy machine, a late answer is not lost.
    boxes = await startSandboxes({ timeoutMs: TIMEOUT_OF_CALLS_MS });
    right = await newField('Right');
    wrong = await newField('Wrong');
    const first = await live(fileWith(right));
    stack = await startStack(testServers(), first, boxes.systems, { brake: BRAKE_DEFAULTS });
    await stack.store.mappings.begin(first.version);
    tickets = [];
    for (let n = 0; n < PAIRS; n += 1) tickets.push(await newTicket(n));
    await stack.settle();
    await stack.settle();
    expect(products()).toEqual(tickets.map((_, n) => `true ${n}`));
    mistake = await use(fileWith(wrong));
    await heldByTheBrake();
    await releasedByMistake();
    await editedByPeople();
  }, TIMEOUT_MS);
  afterEach(async () => {
    await stack.stop();
    await boxes.close();
  });

  /** `remap` counts before it writes, so the row is not written. */
  async function heldByTheBrake(): Promise<void> {
    const from = boxes.calls.length;
    const remapped = await step('remap', () => cli('remap'));
    expect([remapped.code, remapped.err]).toEqual([0, '']);
    expect(remapped.out).toContain(
      `The brake holds replacing of TicketToProject ${ROW} in Zendesk: mapping changed (${PAIRS} of ${PAIRS} pairs,`,
    );
    expect(remapped.out).toContain(`; ${PAIRS} pairs wait`);
    expect(all(wrong)).toEqual(tickets.map((_, n) => `own ${n}`));
    expect(products()).toEqual(tickets.map((_, n) => `true ${n}`));
    expect(written(from)).toBe(0);
  }

  /** The preview shows the consequences, and the operator releases the hold nevertheless. */
  async function releasedByMistake(): Promise<void> {
    const from = boxes.calls.length;
    const seen = await cli('brake', 'show');
    expect(seen.code).toBe(1);
    const [hold = ''] = /^TicketToProject\/replaced\/\S+/.exec(seen.out) ?? [];
    const preview = await cli('brake', 'release', hold);
    expect([preview.code, preview.err]).toEqual([0, '']);
    expect(preview.out).toContain(`${hold}: ${PAIRS} pairs would continue: the held changes are written\n`);
    expect(preview.out).toContain('nothing was changed; add --yes');
    expect(written(from)).toBe(0);

    const released = await step('brake release', () => cli('brake', 'release', hold, '--yes'));
    expect(released).toEqual({
      code: 0,
      err: '',
      out:
        `${hold}: ${PAIRS} pairs signalled, 0 left as they are\n` +
        `To undo what was written (correct the mapping file first): npx zendesk-pms-sync undo --cause brake:${hold} --row ${ROW}\n`,
    });
    release = `brake:${hold}`;
    expect(all(wrong)).toEqual(tickets.map((_, n) => `true ${n}`));
    expect(products()).toEqual(tickets.map((_, n) => `true ${n}`));
    expect(written(from)).toBe(PAIRS);
    const after = await cli('brake', 'show');
    expect([after.code, after.out]).toEqual([0, expect.stringMatching(/^nothing is held\n/)]);
  }

  /** People edit the overwritten value of some pairs, and another value of one pair. */
  async function editedByPeople(): Promise<void> {
    for (const id of tickets.filter(isEdited))
      await boxes.zd('PUT', `/tickets/${id}`, {
        ticket: { custom_fields: [{ id: wrong, value: `edited ${id}` }] },
      });
    await boxes.zd('PUT', `/tickets/${tickets.at(-1)}`, { ticket: { subject: 'edited, too' } });
    await stack.settle();
  }

  /** The commands by which an operator finds the writes. */
  async function cause(): Promise<string[]> {
    const ran = await cli(
      'history',
      '--cause',
      'mapping',
      '--row',
      ROW,
      '--limit',
      String(2 * PAIRS),
      '--json',
    );
    const { entries } = JSON.parse(ran.out) as HistoryPage;
    expect(entries).toHaveLength(PAIRS);
    const causes = new Set(
      entries.flatMap((entry) => entry.causes).filter((each) => each.startsWith('mapping:')),
    );
    expect([...causes]).toEqual([`mapping:${mistake.version}`]);
    return ['--cause', [...causes].join(), '--row', ROW];
  }

  async function undoneBy(...args: string[]): Promise<UndoOutcome> {
    const ran = await step('undo', () => cli('undo', ...args, '--yes', '--json'));
    expect([ran.code, ran.err]).toEqual([1, '']);
    const outcome = JSON.parse(ran.out) as UndoOutcome;
    expect(outcome).toMatchObject({ state: 'done', restored: PAIRS - EDITED });
    expect(outcome.left.map(({ key }) => key).sort()).toEqual(editedKeys());
    expect(outcome.left.flatMap(({ rows }) => rows)).toEqual(
      editedKeys().map(() => ({
        property: `custom_fields.${wrong}`,
        side: 'zendesk',
        why: 'changed since, left alone',
      })),
    );
    // The undo itself is in the journal, with its name as cause.
    const entries = await stack.store.journal.page({ cause: `undo:${outcome.id}` }, null, 2 * PAIRS);
    expect(entries).toHaveLength(PAIRS - EDITED);
    return outcome;
  }

  /** Edited values stay, for a person to decide; everything else is as before the mistake. */
  async function expectAsBefore(before: unknown): Promise<void> {
    expect(all(wrong)).toEqual(tickets.map((id, n) => (isEdited(id) ? `edited ${id}` : `own ${n}`)));
    expect(all(right)).toEqual(tickets.map((_, n) => `true ${n}`));
    expect(products()).toEqual(tickets.map((id, n) => (isEdited(id) ? `edited ${id}` : `true ${n}`)));
    expect(others()).toEqual(before);
    const conflicts = JSON.parse((await cli('conflicts', 'list', '--json')).out) as { key: string }[];
    expect(conflicts.map(({ key }) => key).sort()).toEqual(editedKeys());
  }

  async function decided(): Promise<void> {
    const [ticket] = tickets;
    const ran = await cli(
      'conflicts',
      'resolve',
      `zendesk:ticket:${ticket}`,
      '--row',
      ROW,
      '--choose',
      'zendesk',
    );
    expect([ran.code, ran.err]).toEqual([0, '']);
    await stack.quiet();
    expect([products()[0], shown(ticket ?? 0, right), shown(ticket ?? 0, wrong)]).toEqual([
      'true 0',
      'true 0',
      `edited ${ticket}`,
    ]);
  }

  test(
    'is undone after the mapping is corrected: later edits are named, and nothing else changes',
    async () => {
      const selected = await cause();
      const early = await cli('undo', ...selected, '--yes');
      expect([early.code, early.err]).toEqual([
        1,
        expect.stringContaining(`still binds TicketToProject "${ROW}"`),
      ]);

      await use(fileWith(right));
      const plan = JSON.parse((await cli('undo', ...selected, '--json')).out) as UndoPlan;
      expect(plan).toMatchObject({
        pairs: PAIRS,
        standing: [],
        values: [{ row: ROW, side: 'zendesk', property: `custom_fields.${wrong}`, pairs: PAIRS }],
      });
      const before = others();
      const from = boxes.calls.length;
      const outcome = await undoneBy(...selected);
      expect(written(from)).toBe(PAIRS - EDITED);
      await expectAsBefore(before);

      // With the corrected mapping, all values are already right, so nothing is written. The released hold is over.
      await stack.settle();
      expect(await step('remap, mended', () => cli('remap'))).toMatchObject({ code: 0, err: '' });
      expect(await stack.store.holds.all()).toEqual([]);
      expect(written(from)).toBe(PAIRS - EDITED);
      await expectAsBefore(before);
      expect(JSON.parse((await cli('undo', '--resume', outcome.id, '--json')).out)).toEqual(outcome);
      await decided();
    },
    TIMEOUT_MS,
  );

  test(
    'is undone with a hold before the mapping is corrected, with the same result',
    async () => {
      const before = others();
      const from = boxes.calls.length;
      // The command that the release printed.
      await undoneBy('--cause', release, '--row', ROW, '--hold');
      expect((await stack.store.holds.all()).filter(({ by }) => by === 'undo')).toMatchObject([
        { row: ROW, bound: expect.any(String) as string },
      ]);
      expect(written(from)).toBe(PAIRS - EDITED);
      // The old mapping does not write it again, with any command.
      await stack.settle();
      const id = String(tickets.at(-1));
      await stack.hint('TicketToProject', { side: 'zendesk', kind: 'ticket', id }, { force: true });
      expect(written(from)).toBe(PAIRS - EDITED);

      await use(fileWith(right));
      expect(await step('remap, mended', () => cli('remap'))).toMatchObject({ code: 0, err: '' });
      expect(written(from)).toBe(PAIRS - EDITED);
      await expectAsBefore(before);

      // The pairs that the undo left are resolved, and the row syncs again.
      const [hold, ...more] = await stack.store.holds.all();
      expect(more).toEqual([]);
      expect(await cli('brake', 'release', hold?.id ?? '', '--yes')).toMatchObject({ code: 0 });
      await stack.quiet();
      expect(await stack.store.holds.all()).toEqual([]);
      expect(written(from)).toBe(PAIRS - EDITED);
      await expectAsBefore(before);
      await decided();
    },
    TIMEOUT_MS,
  );
});
