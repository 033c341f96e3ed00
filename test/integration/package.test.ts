import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The npm package as somebody gets it: packed, unpacked elsewhere, run by its command. */

const ROOT = path.resolve(__dirname, '../..');
let installed: string;

beforeAll(() => {
  if (!existsSync(path.join(ROOT, 'dist/src/cli/main.js')))
    throw new Error('not compiled: run "npm test", which compiles first');
  const dir = mkdtempSync(path.join(tmpdir(), 'zps-package-'));
  // "npm test" has compiled already; what is packed is what is tested.
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as { filename: string }[];
  execFileSync('tar', ['-xzf', path.join(dir, packed?.filename ?? ''), '-C', dir]);
  installed = path.join(dir, 'node_modules/zendesk-pms-sync');
  mkdirSync(path.dirname(installed), { recursive: true });
  execFileSync('mv', [path.join(dir, 'package'), installed]);
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(installed, 'node_modules'));
});

const run = (...args: string[]) =>
  spawnSync(process.execPath, [path.join(installed, 'dist/src/cli/main.js'), ...args], {
    cwd: installed,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '' },
  });

test('its command works where nothing of the repository is', () => {
  const help = run('--help');
  expect(help).toMatchObject({ status: 0, stderr: '' });
  for (const command of ['init', 'doctor', 'plan', 'start', 'status', 'verify'])
    expect(help.stdout).toMatch(new RegExp(`^ +${command}\\b`, 'm'));
  expect(run('mapping', 'show')).toMatchObject({ status: 0 });
});

test('it holds what runs, and neither tests nor sources nor secrets', () => {
  const has = (file: string) => existsSync(path.join(installed, file));
  for (const file of [
    'README.md',
    'LICENSE',
    'mapping.yaml',
    'mapping.schema.json',
    'profiles/contract.yaml',
    'profile.schema.json',
    'docs/operations.md',
    'src/embedded/mongo-java/pom.xml',
    'dist/sandbox/zendesk/server.js',
  ])
    expect([file, has(file)]).toEqual([file, true]);
  for (const file of ['test', 'dist/test', 'dist/demo', 'src/cli', '.env', 'secrets', '.ci'])
    expect([file, has(file)]).toEqual([file, false]);
});
