/**
 * Runs zenpyCalls.py against a sandbox of its own. Ends with 69 where there is no Python or zenpy cannot be had, and
 * says which. The library is kept in a virtual environment below the user's cache.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { attempt, notHere, runAgainstSandbox } from './runClient.mjs';

const ZENPY = 'zenpy==2.0.57';
const HERE = path.dirname(fileURLToPath(import.meta.url));
const FOLDER = path.join(
  process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'),
  'zendesk-sandbox',
  ZENPY,
);
const PYTHON = path.join(FOLDER, 'bin', 'python');

if (!existsSync(PYTHON) && !attempt('python3', ['-m', 'venv', FOLDER]))
  notHere('zenpy: no python3 with venv is here');
if (!attempt(PYTHON, ['-c', 'import zenpy']) && !attempt(PYTHON, ['-m', 'pip', 'install', '--quiet', ZENPY]))
  notHere(`zenpy: ${ZENPY} cannot be installed`);

await runAgainstSandbox(PYTHON, [path.join(HERE, 'zenpyCalls.py')]);
