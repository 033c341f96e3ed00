import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildOnce, cacheRoot, projectRoot, runBuild } from '../../src/platform/embedded/serverCache';
import { freePort } from '../../src/platform/ports';
import { startServer } from '../../src/platform/embedded/process';
import { PACKAGED, ensureRedmine } from './install';

/** A Redmine instance that contains only the records of `setup.rb`. */
export interface Redmine {
  url: string;
  /** The API key of an administrator. */
  apiKey: string;
  version: string;
  /** The log file of Rails. */
  logFile: string;
  stop(): Promise<void>;
}

const INSTANCE = 'instances/default';
const KEY_FILE = 'api-key.txt';
/** Belongs to the package's own instance, or links to it. */
const NOT_COPIED = ['Gemfile.lock', 'instances', 'config/database.yml'];
const SETUP_MS = 60_000;
const START_MS = 90_000;
const DATABASE = `production:
  adapter: sqlite3
  database: db/production.sqlite3
  timeout: 5000
`;
/** SQLite allows one writer, so requests run one after the other. */
const ONE_AT_A_TIME = 'config.allow_concurrency = false\n';

/**
 * Installs, sets up and starts Redmine. The first time takes more than a minute; later starts copy the prepared
 * instance.
 * @throws NoRedmineError if Redmine is neither here nor can be installed
 */
export async function startRedmine(say: (line: string) => void): Promise<Redmine> {
  const version = ensureRedmine(say);
  const template = await prepared(version, say);
  const folder = mkdtempSync(path.join(tmpdir(), 'zps-redmine-'));
  cpSync(template, folder, { recursive: true, verbatimSymlinks: true });
  const port = await freePort();
  const logFile = path.join(folder, 'server.log');
  const server = await startServer(
    ['env', '-C', folder, ...assignments(folder), 'bundle', 'exec', 'rails', 'server']
      .concat(['-u', 'webrick', '-b', '127.0.0.1', '-p', String(port)])
      .concat(['-P', path.join(folder, 'server.pid')]),
    port,
    logFile,
    START_MS,
  );
  return {
    url: `http://127.0.0.1:${port}`,
    apiKey: readFileSync(path.join(folder, KEY_FILE), 'utf8').trim(),
    version,
    logFile: path.join(folder, INSTANCE, 'log', 'production.log'),
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A copy of the package with a database, made once for each version of both. The package itself is not changed. */
async function prepared(version: string, say: (line: string) => void): Promise<string> {
  const setup = path.join(projectRoot(), 'apps', 'redmine', 'setup.rb');
  const digest = createHash('sha256').update(readFileSync(setup)).update(DATABASE).update(ONE_AT_A_TIME);
  const name = `redmine-${version}-${digest.digest('hex').slice(0, 12)}`;
  return buildOnce(cacheRoot(), name, async (scratch) => {
    say(`Setting up Redmine ${version} (once) …`);
    cpSync(PACKAGED, scratch, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (from) => !NOT_COPIED.includes(path.relative(PACKAGED, from)),
    });
    for (const part of ['config', 'tmp', 'log', 'files'])
      mkdirSync(path.join(scratch, INSTANCE, part), { recursive: true });
    writeFileSync(path.join(scratch, INSTANCE, 'config', 'database.yml'), DATABASE);
    writeFileSync(path.join(scratch, 'config', 'additional_environment.rb'), ONE_AT_A_TIME);
    // The package's Gemfile looks for database adapters in the package's own folder.
    const gems = path.join(scratch, 'Gemfile');
    const list = readFileSync(gems, 'utf8').replaceAll(`'${PACKAGED}/`, "__dir__ + '/");
    writeFileSync(gems, list);
    appendFileSync(path.join(scratch, 'Gemfile.local'), "gem 'webrick'\n");
    const rails = (what: string, ...args: string[]) =>
      runBuild('bundle', ['exec', ...args], {
        cwd: scratch,
        env: environment(scratch),
        what,
        onProgress: say,
      });
    await rails('Redmine’s tables', 'rake', 'generate_secret_token', 'db:migrate');
    await rails('Redmine’s default data', 'rake', 'redmine:load_default_data');
    const key = await lastLine(scratch, ['exec', 'rails', 'runner', setup]);
    writeFileSync(path.join(scratch, KEY_FILE), key, { mode: 0o600 });
    // It contains the path of the folder in which it was made.
    unlinkSync(path.join(scratch, 'Gemfile.lock'));
  });
}

function environment(folder: string): Record<string, string> {
  return {
    RAILS_ENV: 'production',
    X_DEBIAN_SITEID: 'default',
    REDMINE_LANG: 'en',
    BUNDLE_GEMFILE: path.join(folder, 'Gemfile'),
  };
}

function assignments(folder: string): string[] {
  return Object.entries(environment(folder)).map(([name, value]) => `${name}=${value}`);
}

/** Runs `bundle` and returns the last line of its output. @throws Error with the end of the output */
async function lastLine(cwd: string, args: string[]): Promise<string> {
  const child = spawn('bundle', args, {
    cwd,
    env: { ...process.env, ...environment(cwd) },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: SETUP_MS,
  });
  let output = '';
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2_000)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`Redmine cannot be set up: ${complaint.trim()}`);
  return output.trim().split('\n').at(-1) ?? '';
}
