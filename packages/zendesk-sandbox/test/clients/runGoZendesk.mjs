/**
 * Builds goZendesk and runs it against a sandbox of its own. Ends with 69 where there is no Go or the library cannot be
 * had, and says which. The program is kept below the user's cache.
 */
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { attempt, notHere, runAgainstSandbox } from './runClient.mjs';

const CACHE = process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache');
const PROGRAM = path.join(CACHE, 'zendesk-sandbox', 'goZendesk');
const cwd = path.join(path.dirname(fileURLToPath(import.meta.url)), 'goZendesk');

if (!attempt('go', ['version'])) notHere('go-zendesk: no Go is here');
if (!attempt('go', ['mod', 'download'], { cwd })) notHere('go-zendesk: the module cannot be downloaded');
const { status } = spawnSync('go', ['build', '-o', PROGRAM, '.'], { cwd, stdio: 'inherit' });
if (status !== 0) process.exit(1);

await runAgainstSandbox(PROGRAM, []);
