#!/usr/bin/env node
/** Runs after the compiler: makes the command executable, and bundles the workflows for the workers. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../dist');

// The output of a deleted source would be found before its successor (`limits.js`, `limits/index.js`), so delete it.
const compiled = ['src', 'apps', 'test'].map((folder) => path.join(DIST, folder));
for (const folder of compiled.filter((each) => existsSync(each)))
  for (const file of readdirSync(folder, { recursive: true })) {
    const [, stem] = /^(.*?)(?:\.d\.ts|\.js)(?:\.map)?$/.exec(String(file)) ?? [];
    if (stem === undefined) continue;
    const source = path.join(DIST, '..', path.relative(DIST, folder), stem);
    if (!['.ts', '.js', '.cjs'].some((end) => existsSync(`${source}${end}`)))
      rmSync(path.join(folder, String(file)));
  }

// npx makes the command executable only when it sees the package for the first time.
chmodSync(path.join(DIST, 'src/operator/cli/main.js'), 0o755);
const { status } = spawnSync(process.execPath, [path.join(DIST, 'src/workers/bundleWorkflows.js')], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
