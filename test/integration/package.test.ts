import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';

/** The npm package as its users get it: packed, unpacked elsewhere, run by its command. */

const ROOT = path.resolve(__dirname, '../..');
const OPTIONAL = ['zendesk-sandbox', 'pms-sandbox'];
let installed: string;
let tarball: string;

beforeAll(() => {
  if (!existsSync(path.join(ROOT, 'dist/src/operator/cli/main.js')))
    throw new Error('not compiled: run "npm test", which compiles first');
  const dir = mkdtempSync(path.join(tmpdir(), 'zps-package-'));
  // "npm test" has compiled already, so the package contains the tested code.
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as { filename: string }[];
  tarball = path.join(dir, packed?.filename ?? '');
  execFileSync('tar', ['-xzf', tarball, '-C', dir]);
  installed = path.join(dir, 'node_modules/zendesk-pms-sync');
  mkdirSync(path.dirname(installed), { recursive: true });
  execFileSync('mv', [path.join(dir, 'package'), installed]);
  // All of its dependencies, and none of its optional packages.
  const modules = path.join(installed, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(path.join(ROOT, 'node_modules')).filter((each) => !OPTIONAL.includes(each)))
    symlinkSync(path.join(ROOT, 'node_modules', name), path.join(modules, name));
});

const run = (...args: string[]) =>
  spawnSync(process.execPath, [path.join(installed, 'dist/src/operator/cli/main.js'), ...args], {
    cwd: installed,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '' },
  });

test('its command works outside of the repository', () => {
  const help = run('--help');
  expect(help).toMatchObject({ status: 0, stderr: '' });
  for (const command of ['init', 'doctor', 'plan', 'start', 'status', 'verify'])
    expect(help.stdout).toMatch(new RegExp(`^ +${command}\\b`, 'm'));
  expect(run('mapping', 'show')).toMatchObject({ status: 0 });
});

test('it contains what runs, and neither tests nor sources nor secrets', () => {
  const has = (file: string) => existsSync(path.join(installed, file));
  for (const file of [
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'mapping.yaml',
    'mapping.schema.json',
    'profiles/contract.yaml',
    'profile.schema.json',
    'docs/operations.md',
    'src/platform/embedded/mongo-java/pom.xml',
  ])
    expect([file, has(file)]).toEqual([file, true]);
  for (const file of [
    'test',
    'packages',
    'apps',
    'dist/test',
    'dist/apps',
    'src/operator/cli',
    '.env',
    'secrets',
    '.ci',
  ])
    expect([file, has(file)]).toEqual([file, false]);
});

test('the command for the sandboxes names the missing package, and how to install it', () => {
  expect(run('verify', '--sandbox')).toMatchObject({
    status: 2,
    stderr: 'the package pms-sandbox is not installed; "npm install zendesk-sandbox pms-sandbox" adds it\n',
  });
});

/** A dependency of Temporal, in every version that Temporal accepts: docs/dependencies.md. */
const INSTALL_SCRIPTS = ['@swc/core', 'protobufjs'];

test('npm prints no warning when installing it', () => {
  const app = mkdtempSync(path.join(tmpdir(), 'zps-consumer-'));
  const allowScripts = Object.fromEntries(INSTALL_SCRIPTS.map((name) => [name, false]));
  writeFileSync(path.join(app, 'package.json'), JSON.stringify({ private: true, allowScripts }));
  // The user has neither our lock file nor our overrides, so npm resolves every dependency again.
  const npm = spawnSync(
    'npm',
    ['install', '--package-lock-only', '--prefer-offline', '--no-audit', '--no-fund', tarball],
    { cwd: app, encoding: 'utf8' },
  );
  expect(npm.stderr.split('\n').filter((line) => /^npm (warn|error)/.test(line))).toEqual([]);
  expect(npm.status).toBe(0);

  const lock = z
    .object({
      packages: z.record(
        z.string(),
        z.object({ deprecated: z.string().optional(), hasInstallScript: z.boolean().optional() }),
      ),
    })
    .parse(JSON.parse(readFileSync(path.join(app, 'package-lock.json'), 'utf8')));
  const packages = Object.entries(lock.packages).map(([where, entry]) => ({
    name: where.split('node_modules/').at(-1) ?? '',
    ...entry,
  }));
  expect(packages.map(({ name }) => name)).toContain('zendesk-pms-sync');
  expect(packages.filter(({ deprecated }) => deprecated !== undefined)).toEqual([]);
  const scripts = packages.filter(({ hasInstallScript }) => hasInstallScript === true);
  expect([...new Set(scripts.map(({ name }) => name))].sort()).toEqual(INSTALL_SCRIPTS);
});
