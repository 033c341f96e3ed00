#!/usr/bin/env node
/**
 * Runs `npm run demo`, `npm test`, `npm start` and the sandboxes: installs missing or outdated packages, compiles
 * changed sources, and then starts the program. It needs only Node itself.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { judgeNode } from './nodeRange.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const STAMP = path.join(ROOT, 'node_modules', '.zps-installed');
const BUILD_INFO = path.join(ROOT, 'dist', '.tsbuildinfo');
const PACKAGES = ['zendesk-sandbox', 'pms-sandbox', 'testkit'];
const SOURCES = [
  'src',
  ...PACKAGES.map((name) => `packages/${name}/src`),
  'apps',
  'test/chaos',
  'test/support/plannerStates',
];

/** Tests that need neither Temporal nor MongoDB, and start no service. */
const NO_SERVERS = ['test/unit', 'test/property', 'test/docs', 'packages/'];

const TASKS = {
  demo: ['dist/apps/demo/main.js'],
  start: ['dist/src/operator/cli/main.js', 'start'],
  'sandbox:zendesk': ['packages/zendesk-sandbox/dist/main.js'],
  'sandbox:pms': ['packages/pms-sandbox/dist/main.js'],
  bench: ['--max-old-space-size=8192', 'dist/apps/bench/main.js'],
  'bench:rate': ['dist/apps/bench/rate.js'],
  'bench:connections': ['dist/apps/bench/connections/main.js'],
  // Both sandboxes keep the whole account in memory.
  'bench:backfill': ['--max-old-space-size=8192', 'dist/apps/bench/backfill.js'],
  test: ['node_modules/jest/bin/jest.js'],
  'test:fast': ['node_modules/jest/bin/jest.js', ...NO_SERVERS],
  'test:chaos': ['dist/test/chaos/main.js'],
  'test:redmine': ['node_modules/jest/bin/jest.js', '--config', 'jest.redmine.config.cjs', '--runInBand'],
  'test:roundup': ['node_modules/jest/bin/jest.js', '--config', 'jest.roundup.config.cjs', '--runInBand'],
  'histories:record': ['node_modules/jest/bin/jest.js', '--config', 'jest.histories.config.cjs'],
};

/** Programs that install the real system of these tests. They exit with 69 if it is not available. */
const REAL_SYSTEMS = {
  'test:redmine': 'dist/apps/redmine/prepare.js',
  'test:roundup': 'dist/apps/roundup/prepare.js',
};

function say(line) {
  process.stderr.write(`${line}\n`);
}

function fail(line) {
  say(line);
  process.exit(1);
}

function checkNode() {
  const verdict = judgeNode(process.versions.node);
  if (verdict?.fatal) fail(verdict.line);
  if (verdict) say(verdict.line);
}

function digest(...files) {
  const hash = createHash('sha256').update(process.versions.node.split('.')[0]);
  for (const file of files)
    if (existsSync(path.join(ROOT, file))) hash.update(readFileSync(path.join(ROOT, file)));
  return hash.digest('hex');
}

function run(what, command, args) {
  const started = Date.now();
  const { status, error } = spawnSync(command, args, {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (error || status !== 0) return false;
  say(`${what}: done in ${Math.round((Date.now() - started) / 1000)} s`);
  return true;
}

function install() {
  const wanted = digest(
    'package.json',
    'package-lock.json',
    ...PACKAGES.map((name) => `packages/${name}/package.json`),
  );
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  if (!existsSync(STAMP) && isInstalledByHand()) return writeFileSync(STAMP, wanted);
  say('Installing dependencies …');
  const quiet = ['--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const done =
    (existsSync(path.join(ROOT, 'package-lock.json')) && run('Installing', 'npm', ['ci', ...quiet])) ||
    run('Installing', 'npm', ['install', ...quiet]);
  if (!done) fail('The dependencies could not be installed; see npm’s message above.');
  writeFileSync(STAMP, wanted);
}

/** Whether a person ran "npm ci" after the last change of the dependencies, including the development packages. */
function isInstalledByHand() {
  const modules = path.join(ROOT, 'node_modules');
  const [installed, typescript] = ['.package-lock.json', 'typescript'].map((name) =>
    path.join(modules, name),
  );
  if (!existsSync(installed) || !existsSync(typescript)) return false;
  return ['package.json', 'package-lock.json'].every(
    (file) => statSync(path.join(ROOT, file)).mtimeMs <= statSync(installed).mtimeMs,
  );
}

/** The time of the newest change in a folder, in milliseconds. */
function newest(folder) {
  let time = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    time = Math.max(time, entry.isDirectory() ? newest(file) : statSync(file).mtimeMs);
  }
  return time;
}

function compile() {
  const changed = Math.max(
    ...SOURCES.map((folder) => newest(path.join(ROOT, folder))),
    ...['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map(
      (file) => statSync(path.join(ROOT, file)).mtimeMs,
    ),
  );
  if (existsSync(BUILD_INFO) && statSync(BUILD_INFO).mtimeMs > changed) return;
  say('Compiling …');
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!run('Compiling', process.execPath, [tsc, '-b', 'tsconfig.build.json']))
    fail('The sources do not compile; see above.');
  if (!run('Bundling the workflows', process.execPath, ['scripts/finishBuild.mjs']))
    fail('The workflows cannot be bundled; see above.');
}

/** A mutex for installing and compiling, because two sandboxes may be started at the same time in a fresh clone. */
function withMutex(work) {
  const lock = path.join(
    tmpdir(),
    `zps-build-${createHash('sha256').update(ROOT).digest('hex').slice(0, 16)}`,
  );
  for (let waits = false; !acquire(lock); waits = true) {
    if (!waits) say('Waiting for another command that installs or compiles here …');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  }
  const release = () => rmSync(lock, { force: true });
  process.once('exit', release);
  work();
  release();
  process.off('exit', release);
}

/** Whether this process has the lock now. The lock of a process that has ended is removed. */
function acquire(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
  } catch (error) {
    if (error.code === 'ESRCH') rmSync(lock, { force: true });
  }
  return false;
}

function prepare(program) {
  return spawnSync(process.execPath, [program], { cwd: ROOT, stdio: ['ignore', 2, 2] }).status;
}

function start(args) {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  // Ctrl-C in a terminal reaches the child directly; a signal to this process does not.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}

const [task = '', ...args] = process.argv.slice(2);
const command = TASKS[task];
checkNode();
if (!command) fail(`Unknown task "${task}": expected one of ${Object.keys(TASKS).join(', ')}.`);
withMutex(() => {
  install();
  compile();
});
const named = args.map((arg) => arg.replace(/^\.\//, ''));
const withoutServers =
  args.length > 0 && named.every((arg) => NO_SERVERS.some((part) => arg.startsWith(part)));
if (task === 'test:fast' || (task === 'test' && withoutServers)) process.env.ZPS_UNIT_ONLY = '1';
else if (['test', ...Object.keys(REAL_SYSTEMS), 'histories:record'].includes(task)) {
  if (task in REAL_SYSTEMS) {
    const status = prepare(REAL_SYSTEMS[task]);
    if (status !== 0) process.exit(status ?? 1);
  }
  if (prepare('dist/src/platform/embedded/prepare.js') !== 0)
    fail('The tests need a Temporal server and a MongoDB; see above.');
}
start([...command, ...args]);
