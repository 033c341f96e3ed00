import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MAPPING_FILE, startSandboxes, type Sandboxes } from '../support/sandboxes';
import { serviceEnvironment } from '../support/serviceProcess';
import {
  CONNECTION_ERRORS,
  MAPPING_ERRORS,
  PROFILE_ERRORS,
  SETTING_ERRORS,
  TYPING_ERRORS,
  type UserError,
} from '../support/userErrors';

/**
 * Every mistake in docs/errors.md is made, by the compiled command line as a process, and what it says is what stands
 * there. `UPDATE_DOCS=1 npm test -- test/operator/errors.test.ts` writes the table anew.
 */

const ROOT = path.resolve(__dirname, '../..');
const MAIN = path.join(ROOT, 'dist/src/cli/main.js');
const DOCS = path.join(ROOT, 'docs/errors.md');
const PROFILE = path.join(ROOT, 'profiles/contract.yaml');
const GROUPS: [title: string, errors: UserError[]][] = [
  ['Settings', SETTING_ERRORS],
  ['The mapping', MAPPING_ERRORS],
  ['A profile, or an adapter of one’s own', PROFILE_ERRORS],
  ['What is typed', TYPING_ERRORS],
  ['Connections', CONNECTION_ERRORS],
];
/** Processes at a time. */
const LANES = 3;

let boxes: Sandboxes;
let env: Record<string, string>;
const said = new Map<UserError, { code: number | null; err: string; dir: string }>();

beforeAll(async () => {
  if (!existsSync(MAIN)) throw new Error('not compiled: run "npm test", which compiles first');
  boxes = await startSandboxes();
  const name = path.basename(mkdtempSync(path.join(tmpdir(), 'zps-cli-')));
  env = { ...serviceEnvironment(boxes, name), MAPPING_FILE: 'mapping.yaml', LOG_LEVEL: 'error' };
  const waiting = GROUPS.flatMap(([, errors]) => errors);
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) said.set(next, await make(next));
    }),
  );
}, 600_000);
afterAll(async () => boxes.close());

async function make({
  args,
  env: changes,
  file,
}: UserError): Promise<{ code: number | null; err: string; dir: string }> {
  const dir = mkdtempSync(path.join(tmpdir(), 'zps-errors-'));
  writeFileSync(path.join(dir, 'mapping.yaml'), readFileSync(MAPPING_FILE, 'utf8'));
  if (file) {
    const shipped = readFileSync(file.name === 'profile.yaml' ? PROFILE : MAPPING_FILE, 'utf8');
    if ('change' in file) expect(shipped.replace(...file.change)).not.toBe(shipped);
    writeFileSync(path.join(dir, file.name), 'text' in file ? file.text : shipped.replace(...file.change));
  }
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: dir,
    env: { ...env, ...changes },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, err: err.trim(), dir };
}

/** The message without what differs from run to run. */
function told(error: UserError): string {
  const { err, dir } = said.get(error) ?? { err: 'was not tried', dir: '' };
  return err
    .replaceAll(`${dir}/`, '')
    .replaceAll(dir, '.')
    .replaceAll(boxes.zendesk.url, 'https://acme.zendesk.com')
    .replaceAll(boxes.pms.url, 'https://pms.example.com');
}

function table(errors: UserError[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', '<br>');
  return [
    '| what was done | what it says | exit | what to do |',
    '| --- | --- | --- | --- |',
    ...errors.map(
      (error) =>
        `| ${cell(error.did)} | \`${cell(told(error)).replaceAll('`', 'ˋ')}\` | ${error.code} | ${cell(error.cure)} |`,
    ),
  ].join('\n');
}

function page(): string {
  const count = GROUPS.reduce((sum, [, errors]) => sum + errors.length, 0);
  return (
    [
      '<!-- prettier-ignore-start -->',
      '# What can be wrong, and what to do',
      `${count} mistakes that people make, each of them made by a test (test/operator/errors.test.ts), which also writes this page. Exit code 2: something here is to be mended; 1: a problem was found.`,
      'What a pair can be parked for is listed in [cli.md](cli.md#what-needs-a-person-conflicts-quarantine).',
      ...GROUPS.flatMap(([title, errors]) => [`## ${title}`, table(errors)]),
      '<!-- prettier-ignore-end -->',
      '',
    ]
      .join('\n\n')
      .trimEnd() + '\n'
  );
}

test.each(GROUPS.flatMap(([title, errors]) => errors.map((error) => [title, error.did, error] as const)))(
  '%s: %s',
  (_title, _did, error) => {
    const message = told(error);
    expect(said.get(error)?.code).toBe(error.code);
    expect(message).not.toBe('');
    // No stack, no secret, and no more lines than faults.
    expect(message).not.toMatch(/^\s+at /m);
    expect(message).not.toMatch(/wrong-credential|c2VjcmV0/);
    expect(message).not.toContain(boxes.zendesk.clientSecret);
    expect(message).not.toContain(boxes.pms.token);
    expect(message.split('\n').length).toBeLessThanOrEqual(2);
  },
);

test('docs/errors.md says what is said', () => {
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(DOCS, page());
  expect(page()).toBe(readFileSync(DOCS, 'utf8'));
});
