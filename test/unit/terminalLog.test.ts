import { pino } from 'pino';
import { commandLine } from '../../src/platform/commandLine';
import { inWords, terminalLog } from '../../src/operator/cli/terminalLog';

const line = (level: number, msg: string, more = {}) =>
  JSON.stringify({ level, time: Date.UTC(2026, 0, 1, 12, 3, 4), pid: 1, hostname: 'h', msg, ...more });

test('O7: each change is one line on a terminal, with the names of its properties', () => {
  const written = {
    side: 'pms',
    op: 'update',
    rows: ['title', 'priority'],
    ref: 'pms:project:P-7',
    key: 'TicketToProject/zendesk:ticket:1',
  };
  expect(inWords(line(20, 'written', written))).toBe(
    '12:03:04  → PMS project P-7 updated: title, priority (zendesk:ticket:1)',
  );
  expect(inWords(line(20, 'written', { ...written, side: 'zendesk', op: 'create' }))).toBe(
    '12:03:04  ← Zendesk project P-7 created (zendesk:ticket:1)',
  );
  expect(
    inWords(line(20, 'written in bulk', { side: 'pms', kind: 'project', op: 'create', count: 100 })),
  ).toBe('12:03:04  → PMS 100 × project created by the backfill');
});

test('O7: a pair that waits for a person is shown with the command for it; other lines stay short', () => {
  expect(
    inWords(line(40, 'left to a person', { key: 'T/z:t:1', status: 'conflict', code: 'ambiguous_match' })),
  ).toBe(`12:03:04  ! z:t:1: conflict (ambiguous_match); see: ${commandLine('links show z:t:1')}`);
  expect(inWords(line(30, 'mapping applied', { mapping: 'abc' }))).toBe(
    '12:03:04  mapping applied mapping=abc',
  );
  expect(inWords(line(50, 'failed', { err: { type: 'Error', message: 'why', stack: 'at x' } }))).toBe(
    '12:03:04  ! failed err=why',
  );
  expect(inWords(line(20, 'a detail'))).toBeNull();
  expect(inWords(line(30, 'running; Ctrl-C stops'))).toBeNull();
  expect(inWords(line(40, 'Activity failed', { sdkComponent: 'worker', taskToken: 'CiQw' }))).toBeNull();
  expect(inWords(line(40, 'Workflow failed', { sdkComponent: 'worker' }))).not.toBeNull();
  expect(inWords('')).toBeNull();
});

test('O7: the log’s stream is split into lines, wherever its chunks end', () => {
  const printed: string[] = [];
  const stream = terminalLog((text) => printed.push(text));
  const whole = `${line(30, 'one')}\n${line(30, 'two')}\n`;
  stream.write(whole.slice(0, 50));
  stream.write(whole.slice(50));
  pino({}, stream).info('three');
  expect(printed.map((each) => each.slice(10))).toEqual(['one', 'two', 'three']);
});

test('issue 22: a property that both sides changed is one line with title, row and the command that decides', async () => {
  const parked = line(40, 'left to a person', {
    ...{ key: 'TicketToProject/zendesk:ticket:1', status: 'conflict', code: 'conflict' },
    ...{ rows: ['title', 'priority'], connection: 'acme' },
  });
  const command = (row: string) =>
    commandLine(`conflicts resolve zendesk:ticket:1 --row ${row} --choose zendesk`, 'acme');
  const printed: string[] = [];
  const asked: unknown[] = [];
  const stream = terminalLog(
    (text) => printed.push(text),
    async (...of) => {
      asked.push(of);
      return 'Printer is on fire';
    },
  );
  stream.write(`${parked}\n`);
  await new Promise(setImmediate);
  expect(asked).toEqual([['TicketToProject/zendesk:ticket:1', 'acme']]);
  expect(printed).toEqual([
    `12:03:04  ! zendesk:ticket:1 "Printer is on fire": both sides changed title, priority; decide: ${command('title')} (or pms)`,
  ]);
  // If the link store does not answer, the line has no title.
  const nameless = terminalLog(
    (text) => printed.push(text),
    () => Promise.reject(new Error('away')),
  );
  nameless.write(`${parked}\n`);
  await new Promise(setImmediate);
  expect(printed[1]).toContain('! zendesk:ticket:1: both sides changed title');
});
