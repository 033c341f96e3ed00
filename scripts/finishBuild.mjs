#!/usr/bin/env node
/** What is left to do once the sources are compiled: a command that can be run, and workflows that workers can take up. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../dist');

// What was compiled from a source that is gone would be found before its successor (`limits.js`, `limits/index.js`).
const compiled = ['src', 'apps', 'test'].map((folder) => path.join(DIST, folder));
for (const folder of compiled.filter((each) => existsSync(each)))
  for (const file of readdirSync(folder, { recursive: true })) {
    const [, stem] = /^(.*?)(?:\.d\.ts|\.js)(?:\.map)?$/.exec(String(file)) ?? [];
    if (stem === undefined) continue;
    const source = path.join(DIST, '..', path.relative(DIST, folder), stem);
    if (!['.ts', '.js', '.cjs'].some((end) => existsSync(`${source}${end}`)))
      rmSync(path.join(folder, String(file)));
  }

// npx makes it so only when it sees the package for the first time.
chmodSync(path.join(DIST, 'src/operator/cli/main.js'), 0o755);
const { status } = spawnSync(process.execPath, [path.join(DIST, 'src/workers/bundleWorkflows.js')], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
