import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { CliHost, outcomeOf, type Ran } from '../support/cli';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { until } from '../support/serviceProcess';
import { shellLines } from '../support/shellBlocks';

/**
 * The README's way from nothing to a running sync, in a separate folder: the demo and start as processes; init,
 * doctor, plan, backfill, status, an edit and links show in one shared process. `start` runs its own servers.
 */

const ROOT = path.resolve(__dirname, '../..');
const MAIN = path.join(ROOT, 'dist/src/operator/cli/main.js');

let boxes: Sandboxes;
let dir: string;
let service: ChildProcess | null = null;
let output = '';
/** The typed commands, in the order of the README. */
const typed: string[] = [];
/** The README's commands from `init` to `links show`. */
const readme = shellLines(['README.md'])
  .map(({ text }) => /^npx zendesk-pms-sync (.*)$/.exec(text)?.[1])
  .filter((line) => line !== undefined)
  .slice(0, 7);

beforeAll(async () => {
  if (!existsSync(MAIN)) throw new Error('not compiled: run "npm test", which compiles first');
  boxes = await startSandboxes();
  dir = mkdtempSync(path.join(tmpdir(), 'zps-newcomer-'));
});
afterAll(async () => {
  await host.stop();
  if (service?.exitCode === null) {
    service.kill('SIGTERM');
    await once(service, 'exit');
  }
  await boxes.close();
});

/** Only the variables of a shell; the settings are in the folder. */
const env = () => ({ PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' });

const host = new CliHost();
function cli(args: string[], more: Record<string, string> = {}): Promise<Ran> {
  typed.push(args[0] === 'init' ? 'init' : args.filter((arg) => arg !== '--json').join(' '));
  return host.run({ ...env(), ...more }, args, dir);
}

const addresses = () => [
  ...['--zendesk-url', boxes.zendesk.url],
  ...['--zendesk-client-id', boxes.zendesk.clientId],
  ...['--pms-url', boxes.pms.url],
];

/** The same files in another folder, as hard links: 28,000 files, half a gigabyte. */
function linkFolder(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [file, link] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) linkFolder(file, link);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(file), link);
    else linkSync(file, link);
  }
}

function copyModules(from: string, to: string): void {
  try {
    linkFolder(from, to);
  } catch (error) {
    // Another file system.
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  }
}

test('after a clone and one command, two systems agree', async () => {
  const clone = path.join(dir, 'clone');
  // The compiled files are copied with their times, because each run of the tests in a fresh clone compiles them
  // already.
  const left = new Set(['node_modules', '.git', 'coverage'].map((name) => path.join(ROOT, name)));
  cpSync(ROOT, clone, { recursive: true, preserveTimestamps: true, filter: (file) => !left.has(file) });
  // The state after "npm ci". If the demo finds it out of date, it removes and reinstalls it.
  copyModules(path.join(ROOT, 'node_modules'), path.join(clone, 'node_modules'));
  const scratch = path.join(dir, 'scratch');
  mkdirSync(scratch);
  const demo = spawn('npm', ['run', 'demo', '--', '--size', '0.1'], {
    cwd: clone,
    env: { ...env(), TMPDIR: scratch },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { code, out, err } = await outcomeOf(demo);
  const shown = out + err;
  expect(shown).toMatch(/Both systems agree\./);
  expect(code).toBe(0);
  // The demo and its servers leave no files behind.
  expect(readdirSync(scratch).filter((name) => name.startsWith('zps-'))).toEqual([]);
}, 600_000);

test('two systems agree, starting from nothing', async () => {
  const ticket = await boxes.zd('POST', '/tickets', {
    ticket: {
      subject: 'The first one',
      comment: { body: 'Hello' },
      custom_fields: [{ id: 360100000002, value: 's2' }],
    },
  });
  const id = (ticket['ticket'] as { id: number }).id;

  const made = await cli(['init', '--yes', ...addresses()], {
    ZENDESK_OAUTH_CLIENT_SECRET: boxes.zendesk.clientSecret,
    PMS_TOKEN: boxes.pms.token,
  });
  expect(made).toMatchObject({ code: 0, err: '' });
  expect(made.out).toMatch(/^25 custom fields found, 20 of them mapped/m);
  expect(statSync(path.join(dir, 'secrets/pms-token')).mode & 0o077).toBe(0);
  expect(statSync(path.join(dir, 'secrets/zendesk-oauth-client-secret')).mode & 0o077).toBe(0);
  for (const file of ['zendesk-pms-sync.yaml', 'mapping.yaml'])
    for (const secret of [boxes.pms.token, boxes.zendesk.clientSecret])
      expect(readFileSync(path.join(dir, file), 'utf8')).not.toContain(secret);
  // A second init does not overwrite files.
  expect(await cli(['init', '--yes', ...addresses()])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/zendesk-pms-sync\.yaml is there already/) as string,
  });

  const before = await cli(['doctor', '--json']);
  const findings = JSON.parse(before.out) as { what: string; state: string }[];
  expect(findings.filter(({ state }) => state === 'failed' || state === 'warning')).toEqual([]);
  expect(before.code).toBe(0);
  expect(findings).toContainEqual(expect.objectContaining({ what: 'Temporal', state: 'off' }));
  expect((await cli(['mapping', 'check'])).code).toBe(0);

  const planned = await cli(['plan', '--summary']);
  expect(planned).toMatchObject({ code: 0 });
  expect(planned.out).toMatch(/^TicketToProject +1 /m);

  typed.push('start');
  service = spawn(process.execPath, [MAIN, 'start'], {
    cwd: dir,
    env: env(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  service.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  service.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until(() => /running; Ctrl-C stops/.test(output) || service?.exitCode !== null);
  expect(service.exitCode).toBeNull();
  expect(output).toMatch(/"ui":"http:/);

  const filled = await cli(['backfill', '--wait']);
  expect(filled).toMatchObject({ code: 0 });
  expect((await cli(['backfill', 'status', '--json'])).code).toBe(0);

  const project = () =>
    [...boxes.pms.store.all('project')].find((each) => each.externalRef === `zendesk:ticket:${id}`);
  await until(() => project() !== undefined);
  // A custom field that init found on both sides is in the mapping.
  expect(project()?.['customFields']).toMatchObject({ severity: 's2' });

  let status = { pairs: { TicketToProject: { linked: 0 } }, workers: 0, worries: ['?'] };
  await until(async () => {
    status = JSON.parse((await cli(['status', '--json'])).out) as typeof status;
    return status.pairs.TicketToProject.linked === 1;
  });
  expect(status).toMatchObject({ workers: 1, worries: [] });
  // The export omits the last minute, so the first polls do not reach its end.
  let table = await cli(['status']);
  await until(async () => {
    table = await cli(['status']);
    return /^zendesk:tickets +\d+ s ago/m.test(table.out);
  });
  expect(table.out).toMatch(/^TicketToProject +0 +1 /m);
  expect(table.out).toMatch(/all is well/);
  const during = await cli(['doctor']);
  expect(during).toMatchObject({ code: 0 });
  expect(during.out).toMatch(/✓ Workers: 1 on task queue/);
  expect(during.out).toMatch(/✓ Clock: MongoDB/);

  await boxes.pm('PATCH', `/projects/${project()?.id ?? ''}`, { title: 'Renamed in the PMS' });
  await until(() => boxes.zendesk.store.tickets.get(id)?.subject === 'Renamed in the PMS');
  const shown = await cli(['links', 'show', `zendesk:ticket:${id}`]);
  typed.push('links show zendesk:ticket:123');
  expect(shown.code).toBe(0);
  expect(shown.out).toMatch(/state +linked/);
  expect([...new Set(typed)].filter((line) => readme.includes(line))).toEqual(readme);

  service.kill('SIGTERM');
  const [code] = (await once(service, 'exit')) as [number | null];
  expect(code).toBe(0);
  expect(parse(readFileSync(path.join(dir, 'zendesk-pms-sync.yaml'), 'utf8'))).toMatchObject({
    pmsTokenFile: 'secrets/pms-token',
  });
});
