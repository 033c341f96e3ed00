#!/usr/bin/env node
/**
 * Downloads a Node from the other end of the tested range and prints its path: the newest LTS version, or the oldest
 * version if this process has the newest. The npm registry's `node-linux-…` packages contain the binary and run no
 * script. The binary is kept next to the embedded servers, outside the work tree. If no second Node is available, the
 * script prints one line and exits with 69.
 */
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ENDS } from './nodeRange.mjs';

const NONE = 69;

const { buildOnce, cacheRoot, runBuild } = createRequire(import.meta.url)(
  '../dist/src/platform/embedded/serverCache.js',
);
const major = (of) => Number(of.split('.')[0]);
const version = major(process.versions.node) < major(ENDS.newest) ? ENDS.newest : ENDS.oldest;
const name = `node-${process.platform}-${process.arch}`;

async function fetchNode(scratch) {
  const wanted = `${name}@${version}`;
  await runBuild('npm', ['pack', '--fetch-retries=1', '--pack-destination', scratch, wanted], {
    cwd: scratch,
    what: `fetching Node ${version}`,
    onProgress: (line) => process.stderr.write(`${line}\n`),
  });
  const packed = path.join(scratch, `${name}-${version}.tgz`);
  execFileSync('tar', ['-xzf', packed, '-C', scratch]);
  renameSync(path.join(scratch, 'package/bin'), path.join(scratch, 'bin'));
  for (const rest of [packed, path.join(scratch, 'package')]) rmSync(rest, { recursive: true });
}

try {
  if (process.platform !== 'linux')
    throw new Error(`the registry's binaries for ${process.platform} are not used`);
  const folder = await buildOnce(cacheRoot(), `node-${version}-${process.arch}`, fetchNode);
  const binary = path.join(folder, 'bin/node');
  const found = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim();
  if (found !== `v${version}`) throw new Error(`${binary} --version printed ${found}`);
  process.stdout.write(`${binary}\n`);
} catch (error) {
  process.stderr.write(`No second Node (${version}) is available: ${error.message}\n`);
  process.exitCode = NONE;
}
