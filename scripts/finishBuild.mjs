#!/usr/bin/env node
/** What is left to do once the sources are compiled: a command that can be run, and workflows that workers can take up. */
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../dist');

// npx makes it so only when it sees the package for the first time.
chmodSync(path.join(DIST, 'src/cli/main.js'), 0o755);
const { status } = spawnSync(process.execPath, [path.join(DIST, 'src/workers/bundleWorkflows.js')], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
