/**
 * Runs zenpyCalls.py against a sandbox of its own. Ends with 69 where there is no Python or zenpy cannot be had, and
 * says which. The library is kept in a virtual environment below the user's cache.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';

const ZENPY = 'zenpy==2.0.57';
const NOT_HERE = 69;
const HERE = path.dirname(fileURLToPath(import.meta.url));
const FOLDER = path.join(
  process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'),
  'zendesk-sandbox',
  ZENPY,
);
const PYTHON = path.join(FOLDER, 'bin', 'python');

function attempt(command, ...args) {
  return spawnSync(command, args, { stdio: ['ignore', 'ignore', 'ignore'], timeout: 300_000 }).status === 0;
}

function notHere(line) {
  process.stderr.write(`${line}\n`);
  process.exit(NOT_HERE);
}

if (!existsSync(PYTHON) && !attempt('python3', '-m', 'venv', FOLDER))
  notHere('zenpy: no python3 with venv is here');
if (!attempt(PYTHON, '-c', 'import zenpy') && !attempt(PYTHON, '-m', 'pip', 'install', '--quiet', ZENPY))
  notHere(`zenpy: ${ZENPY} cannot be installed`);

const { startZendeskSandbox, NO_LIMITS } = createRequire(import.meta.url)('../../dist/index.js');
const sandbox = await startZendeskSandbox(NO_LIMITS);
const args = [path.join(HERE, 'zenpyCalls.py'), sandbox.url, sandbox.bearer('ann@sandbox.example')];
const child = spawn(PYTHON, args, { stdio: ['ignore', 'inherit', 'inherit'] });
const [code] = await once(child, 'exit');
await sandbox.close();
process.exit(code ?? 1);
