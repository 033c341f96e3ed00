import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { prepareTemporal } from '../../src/platform/embedded/embeddedServers';
import { RetryLater } from '../../src/systems/errors';
import type { RecordRef } from '../../src/sync/record';
import { outcomeOf } from '../support/cli';
import { MemorySystem } from '../support/memorySystem';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';
import { testMapping } from '../support/world';

/**
 * The examples for Temporal’s own command line in docs/conflicts.md and docs/cli.md, with their effect;
 * snippets.test.ts runs the other examples.
 */

const ROOT = path.resolve(__dirname, '../..');
const DOCS = ['docs/conflicts.md', 'docs/cli.md'];

/** Every line of the shell blocks that begins with the program. */
function linesOf(program: string, files = DOCS): string[] {
  const blocks = files.flatMap((file) => [
    ...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/```sh\n([\s\S]*?)```/g),
  ]);
  return blocks
    .flatMap(([, block]) => (block ?? '').split('\n'))
    .filter((line) => line.startsWith(`${program} `));
}

async function shell(
  line: string,
  env: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  const child = spawn('bash', ['--noprofile', '--norc', '-c', line], {
    env: { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), ...env },
  });
  const { code, out, err } = await outcomeOf(child);
  return { code, output: out + err };
}

describe('the examples for Temporal’s own command line', () => {
  let stack: Stack;
  let zendesk: MemorySystem;
  let pms: MemorySystem;
  let ticket: RecordRef;
  let key: string;
  let env: Record<string, string>;
  let isPmsUnavailable: boolean;

  beforeAll(async () => {
    env = {
      PATH: `${path.dirname(await prepareTemporal())}:${process.env['PATH'] ?? ''}`,
      TEMPORAL_ADDRESS: testServers().temporalAddress,
    };
  });
  beforeEach(async () => {
    zendesk = new MemorySystem('zendesk', false);
    pms = new MemorySystem('pms', true);
    isPmsUnavailable = false;
    pms.fault = (when, call) => {
      if (isPmsUnavailable && when === 'before' && call === 'update')
        throw new RetryLater('away', { retryAfterMs: 50, unknownOutcome: false });
    };
    const rows = [
      { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'manual' },
      { zendesk: 'note', pms: 'note', type: 'text', direction: 'both', winner: 'latest' },
    ];
    stack = await startStack(testServers(), testMapping(rows), { zendesk, pms });
    ticket = zendesk.add('ticket', { subject: 'first' }).ref;
    key = `TicketToProject/zendesk:ticket:${ticket.id}`;
    await stack.settle();
    zendesk.edit(ticket, { subject: 'from zendesk' });
    pms.edit(project().ref, { title: 'from the pms' });
    await stack.settle();
    expect((await stack.store.get(key))?.conflicts).toHaveLength(1);
  });
  afterEach(async () => stack.stop());

  const project = () => {
    const [only] = pms.all('project');
    if (!only) throw new Error('no project');
    return only;
  };
  const run = async (line: string) => {
    const own = line
      .replaceAll('TicketToProject/zendesk:ticket:123', key)
      .replaceAll('--task-queue zendesk-pms-sync', `--task-queue ${stack.taskQueue}`);
    const { code, output } = await shell(own, env);
    if (code !== 0) throw new Error(`${own}\n${output}`);
    return output;
  };
  const lines = linesOf('temporal');

  test('the page has examples', () => {
    expect(lines.filter((line) => line.includes('resolveConflict'))).toHaveLength(3);
    expect(lines.filter((line) => line.includes('resync'))).toHaveLength(2);
  });

  test.each(lines.filter((line) => line.includes('with-start')))('%s', async (line) => {
    pms.edit(project().ref, { note: 'only a resync sees this' });
    const output = await run(line);
    await stack.client.workflow.getHandle(key).result();
    const subject = line.includes('"choice":"pms"') ? 'from the pms' : 'from zendesk';
    expect(zendesk.records.get(`zendesk:ticket:${ticket.id}`)?.values).toMatchObject({
      subject,
      note: 'only a resync sees this',
    });
    expect(project().values['title']).toBe(line.includes('"choice":"zendesk"') ? subject : 'from the pms');
    if (line.includes('update-with-start'))
      expect(output).toMatch(line.includes('resolveConflict') ? /"?status"?:\s*"?linked/ : /conflict/);
  });

  test.each(lines.filter((line) => line.startsWith('temporal workflow signal ')))('%s', async (line) => {
    // The PMS is unavailable: the pair's workflow keeps trying.
    isPmsUnavailable = true;
    zendesk.edit(ticket, { note: 'new' });
    await stack.context.signalPair(key, { hints: [], force: true, hops: 0 });
    await run(line);
    isPmsUnavailable = false;
    await stack.client.workflow.getHandle(key).result();
    expect(zendesk.records.get(`zendesk:ticket:${ticket.id}`)?.values['subject']).toBe('from the pms');
    expect(project().values).toMatchObject({ title: 'from the pms', note: 'new' });
  });
});
