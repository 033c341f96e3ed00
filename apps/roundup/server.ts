import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startServer } from '../../src/platform/embedded/process';
import { projectRoot } from '../../src/platform/embedded/serverCache';
import { freePort } from '../../src/platform/ports';
import { ensureRoundup } from './install';

/** A Roundup tracker that contains only the records of tracker/initial_data.py. */
export interface Roundup {
  url: string;
  /** The login of the sync, with the rights of docs/roundup.md. */
  user: string;
  password: string;
  /** Headers that Roundup requires for writes. */
  headers: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const ORIGIN = 'https://zendesk-pms-sync.example';
const TRACKER_FILES = ['schema.py', 'initial_data.py', 'serve.py'];
const START_MS = 60_000;

/** @throws NoRoundupError if Roundup is neither here nor can be installed */
export async function startRoundup(say: (line: string) => void): Promise<Roundup> {
  const { python } = await ensureRoundup(say);
  const folder = mkdtempSync(path.join(tmpdir(), 'zps-roundup-'));
  const home = path.join(folder, 'tracker');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const password = randomBytes(12).toString('hex');
  const admin = (...args: string[]) =>
    run(python, ['-m', 'roundup.scripts.roundup_admin', '-i', home, ...args]);
  admin('install', 'minimal', 'sqlite');
  for (const file of TRACKER_FILES)
    copyFileSync(path.join(projectRoot(), 'apps', 'roundup', 'tracker', file), path.join(home, file));
  configure(path.join(home, 'config.ini'), url);
  admin('initialise', password);
  const server = await startServer(
    [python, path.join(home, 'serve.py'), home, String(port)],
    port,
    path.join(folder, 'server.log'),
    START_MS,
  );
  return {
    url,
    user: 'sync',
    password,
    headers: { 'x-requested-with': 'rest', origin: ORIGIN },
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The tracker of docs/roundup.md, with password hashes that are cheap to check, because every call checks one. */
function configure(file: string, url: string): void {
  const settings: Record<string, string> = {
    web: `${url}/`,
    domain: 'roundup.example',
    host: 'localhost',
    allowed_api_origins: ORIGIN,
    password_pbkdf2_default_rounds: '1000',
  };
  let text = readFileSync(file, 'utf8');
  for (const [name, value] of Object.entries(settings))
    text = text.replace(new RegExp(`^#?${name} =.*$`, 'm'), `${name} = ${value}`);
  writeFileSync(file, text);
}

function run(program: string, args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`Roundup cannot be set up: ${stderr || stdout}`);
}
