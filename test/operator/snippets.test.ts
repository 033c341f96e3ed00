import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SECRETS, variableOf } from '../../src/config/config';
import { SETTINGS } from '../../src/config/settings';
import { prepareTemporal } from '../../src/platform/embedded/embeddedServers';
import { CliHost, outcomeOf, type Ran } from '../support/cli';
import { manualMapping } from '../support/manualMapping';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { ServiceProcess, serviceEnvironment, until } from '../support/serviceProcess';
import { PAGES, ROOT, shellLines, type Line } from '../support/shellBlocks';

/**
 * Runs every line of every shell block in README and docs against a real service and both sandboxes, or lists the
 * line below with the test that runs it or the reason why no test does. A line that is in neither group fails.
 */

const MAIN = path.join(ROOT, 'dist/src/operator/cli/main.js');
const SERVICE = 'zendesk-pms-sync';

/** Commands that another test runs to their end. */
const RUN_BY: [command: RegExp, test: string][] = [
  [/^init\b/, 'test/operator/newcomer.test.ts'],
  [/^start$/, 'test/operator/newcomer.test.ts'],
  [/^start --only (worker|intake)$/, 'test/intake/cli.test.ts'],
  [/^verify\b/, 'test/integration/verify.test.ts'],
  [/^conform\b/, 'test/integration/conform.test.ts'],
  [/^codec-server$/, 'test/integration/codecServer.test.ts'],
];
/** Scripts of package.json, and the test that runs the same program. */
const SCRIPTS: [script: RegExp, test: string][] = [
  [/^start\b/, 'test/operator/newcomer.test.ts'],
  [/^(run demo)\b/, 'test/operator/newcomer.test.ts'],
  [/^test\b/, 'test/operator/snippets.test.ts'],
  [/^run test:chaos\b/, 'test/chaos/short.test.ts'],
  [/^run test:redmine$/, 'test/redmine/sync.test.ts'],
  [/^run test:roundup$/, 'test/roundup/sync.test.ts'],
  [/^run histories:record$/, 'test/integration/replay.test.ts'],
  [/^run sandbox:(zendesk|pms)\b/, 'test/unit/sandboxSamples.test.ts'],
  [/^run bench:/, 'test/integration/rateBudget.test.ts'],
  [/^(ci|run build)$/, 'test/integration/package.test.ts'],
];
/** Lines that no test runs, because their program is missing here. Named files of this repository must exist. */
const NOT_HERE = [
  [/^(cd|cp|mkdir -p) /, 'a folder of the reader’s'],
  [/^docker /, 'no Docker engine'],
  [/^kubectl /, 'no cluster'],
  [/^(mongodump|mongorestore) /, 'MongoDB’s own tools'],
] as const;
/** Exit code 1 means that the command found problems, which these examples may or may not have. */
const MAY_FIND =
  /^(conflicts|quarantine|status|plan|doctor|undo|mapping diff|links (find|link|unlink|rebuild)|resync|backfill (pause|resume|cancel|status))\b/;

/** Names a record that was not set aside, or a hold that does not exist: bad input. */
const NOT_HERE_NOW = /^(aside retry \S|brake (release|discard) )/;

const lines = shellLines();
const ours = (text: string) => /^npx zendesk-pms-sync |^zendesk-pms-sync /.exec(text)?.[0] ?? null;
const argumentsOf = (text: string) => text.slice(ours(text)?.length ?? 0);
/** The first of each, however its page writes it. */
const unique = (some: Line[]) =>
  [
    ...new Map(some.map((line) => [argumentsOf(line.text), line]).reverse() as [string, Line][]).values(),
  ].reverse();
/** Tested together with pairs and decisions, with their effect. */
const CONFLICT_DOCS = ['docs/conflicts.md', 'docs/cli.md'];
const byConflictDocs = ({ page, text }: Line) =>
  CONFLICT_DOCS.includes(page) && /with-start|resolveConflict/.test(text);

const commands = unique(lines.filter(({ text }) => ours(text) !== null)).filter(
  ({ text }) => !RUN_BY.some(([command]) => command.test(argumentsOf(text))),
);
const temporalLines = unique(
  lines.filter((line) => line.text.startsWith('temporal ') && !byConflictDocs(line)),
);

let boxes: Sandboxes;
let service: ServiceProcess;
let env: Record<string, string>;
let dir: string;
let names: [string, string][];

function shell(text: string): Promise<Ran> {
  const typed = names.reduce((line, [documented, real]) => line.replaceAll(documented, real), text);
  const child = spawn('bash', ['--noprofile', '--norc', '-c', typed], { env, cwd: dir });
  child.stdin.end();
  return outcomeOf(child);
}

const host = new CliHost();
/** Our program, in a process that all lines share; a shell splits the line into arguments. */
async function run(args: string): Promise<Ran> {
  if (/[|&;<>]/.test(args)) throw new Error(`needs a shell, not only its quotes: ${args}`);
  const { out } = await shell(`printf '%s\\0' ${args}`);
  return host.run(env, out.split('\0').slice(0, -1), dir);
}

beforeAll(async () => {
  if (!existsSync(MAIN)) throw new Error('not compiled: run "npm test", which compiles first');
  boxes = await startSandboxes();
  dir = mkdtempSync(path.join(tmpdir(), 'zps-docs-'));
  mkdirSync(path.join(dir, 'secrets'));
  const mapping = readFileSync(manualMapping(), 'utf8');
  for (const file of ['mapping.yaml', 'old.yaml']) writeFileSync(path.join(dir, file), mapping);
  writeFileSync(path.join(dir, 'new.yaml'), mapping.replace('onDelete: flag', 'onDelete: archive'));
  const queue = path.basename(dir);
  env = {
    ...serviceEnvironment(boxes, queue),
    PATH: `${path.dirname(await prepareTemporal())}:${process.env['PATH'] ?? ''}`,
    HOME: tmpdir(),
    MAPPING_FILE: path.join(dir, 'mapping.yaml'),
    // The sandbox sends webhooks to this machine only.
    PUBLIC_URL: 'http://127.0.0.1:9',
    RECONCILE_CRON: 'off',
    // The lines must work without a poll.
    ZENDESK_POLL_SECONDS: '3',
    PMS_POLL_SECONDS: '3',
  };
  service = new ServiceProcess(env);
  const organization = await boxes.zd('POST', '/organizations', { organization: { name: 'Acme' } });
  const ticket = await boxes.zd('POST', '/tickets', { ticket: { subject: 'first', comment: { body: 'x' } } });
  const ids = {
    organization: (organization['organization'] as { id: number }).id,
    ticket: (ticket['ticket'] as { id: number }).id,
  };
  const counterpart = (kind: 'customer' | 'project', of: string) =>
    [...boxes.pms.store.all(kind)].find(({ externalRef }) => externalRef === of)?.id;
  const customer = () => counterpart('customer', `zendesk:organization:${ids.organization}`);
  const project = () => counterpart('project', `zendesk:ticket:${ids.ticket}`);
  await until(() => customer() !== undefined && project() !== undefined);
  names = [
    ['zendesk:ticket:123', `zendesk:ticket:${ids.ticket}`],
    ['zendesk:organization:12', `zendesk:organization:${ids.organization}`],
    ['pms:project:P-7', `pms:project:${project() ?? ''}`],
    ['pms:customer:C-7', `pms:customer:${customer() ?? ''}`],
    [`--task-queue ${SERVICE}`, `--task-queue ${queue}`],
    [`-id ${SERVICE}-`, `-id ${queue}-`],
    ['/run/secrets/sync', path.join(dir, 'secrets')],
    // A row of the mapping of docs/undo.md.
    ['--row customFields_product', '--row priority'],
  ];
  // A property that both sides changed, for a person to decide.
  await run('pause --yes');
  await boxes.zd('PUT', `/tickets/${ids.ticket}`, { ticket: { subject: 'from zendesk' } });
  await boxes.pm('PATCH', `/projects/${project() ?? ''}`, { title: 'from the pms' });
  await run('resume');
  await until(async () => (await run('conflicts list')).out.includes(String(ids.ticket)));
});
afterAll(async () => {
  await host.stop();
  await service.signal('SIGTERM');
  await boxes.close();
});

describe('our own commands', () => {
  test.each(commands.map(({ page, text }) => [page, text]))('%s: %s', async (_page, text) => {
    const { code, out, err } = await run(argumentsOf(text));
    const output = `${text}\n${out}${err}`;
    // A line of a stack trace; `links show` has a line `at work`.
    expect(output).not.toMatch(/^\s+at (?!work )/m);
    const found = MAY_FIND.test(argumentsOf(text)) && code === 1 ? 1 : 0;
    expect([output, code]).toEqual([output, NOT_HERE_NOW.test(argumentsOf(text)) ? 2 : found]);
    expect(out + err).not.toBe('');
    if (/^pause/.test(argumentsOf(text))) await run('resume');
  });

  test.each(RUN_BY)('%s is run by %s, and has the documented options', async (command, file) => {
    expect(existsSync(path.join(ROOT, file))).toBe(true);
    const typed = lines.map(({ text }) => argumentsOf(text)).filter((args) => command.test(args));
    expect(typed).not.toEqual([]);
    const { out } = await run(`${(typed[0] ?? 'start').split(' ')[0] ?? ''} --help`);
    for (const args of new Set(typed)) {
      for (const [option] of args.matchAll(/--[a-z-]+/g)) expect(out).toContain(option);
    }
  });

  test('npx finds the commands in a clone', async () => {
    // npx remembers the place of a clone's command in the home folder; a clone of another version may have had this
    // path.
    const npx = `HOME='${dir}' npx zendesk-pms-sync --help`;
    const { code, out, err } = await shell(`cd '${ROOT}' && ${npx}`);
    expect(out || err).toMatch(/^Usage: zendesk-pms-sync /);
    expect(code).toBe(0);
  });
});

describe('Temporal’s own command line', () => {
  test.each(temporalLines.map(({ page, text }) => [page, text]))('%s: %s', async (_page, text) => {
    const { code, out, err } = await shell(text);
    expect([`${text}\n${out}${err}`, code]).toEqual([`${text}\n${out}${err}`, 0]);
  });
});

describe('other snippets', () => {
  const scripts = (
    JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  ).scripts;
  const known = new Set(
    [SETTINGS.service, SETTINGS.codecServer]
      .flatMap(({ shape }) => Object.keys(shape))
      .flatMap((name) =>
        SECRETS.has(name) ? [variableOf(name), `${variableOf(name)}_FILE`] : [variableOf(name)],
      ),
  );
  const others = lines.filter(({ text }) => ours(text) === null && !text.startsWith('temporal '));

  test('variables in the examples are settings', () => {
    for (const { page, text } of others)
      for (const [, name = ''] of text.matchAll(/(?:^|^export |\s)([A-Z][A-Z_]+)=/g))
        expect([page, text, known.has(name) || name.startsWith('OTEL_')]).toEqual([page, text, true]);
  });

  test.each(unique(others).map(({ page, text }) => [page, text]))('%s: %s', (_page, text) => {
    const bare = text.replace(/^([A-Z_]+=\S+ )+/, '');
    if (bare.startsWith('export ')) return;
    if (bare.startsWith('deploy/restore-drill.sh ')) {
      expect(existsSync(path.join(ROOT, 'test/integration/restoreDrill.test.ts'))).toBe(true);
      return;
    }
    const script = /^npm (.*)$/.exec(bare)?.[1];
    if (script !== undefined) {
      const name = script.replace(/^run /, '').split(' ')[0] ?? '';
      if (name !== 'ci') expect(Object.keys(scripts)).toContain(name);
      const [, file] = SCRIPTS.find(([pattern]) => pattern.test(script)) ?? [];
      expect([text, file !== undefined && existsSync(path.join(ROOT, file))]).toEqual([text, true]);
      return;
    }
    expect(NOT_HERE.map(([pattern]) => pattern).filter((pattern) => pattern.test(bare))).toHaveLength(1);
    for (const [file] of bare.matchAll(/\b(deploy\/\S+|docker-compose\.yml|Dockerfile)/g))
      expect([
        text,
        existsSync(path.join(ROOT, file.replace('secrets.yaml', 'secrets.example.yaml'))),
      ]).toEqual([text, true]);
  });

  test('every page with code blocks has a tested snippet', () => {
    expect(PAGES.length).toBeGreaterThan(15);
    expect(commands.length).toBeGreaterThan(30);
    expect(temporalLines.length).toBeGreaterThan(4);
  });
});
