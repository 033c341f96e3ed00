import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  commandLine,
  programAsTyped,
  splitAtCommands,
  withTypedCommands,
} from '../../src/platform/commandLine';

/** Issue 22, the first ten minutes: a printed command works when it is pasted. */

const SRC = path.resolve(__dirname, '../../src');
let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'zps-typed-'));
  file = path.join(dir, 'main.js');
  writeFileSync(file, '#!/usr/bin/env node\n');
  chmodSync(file, 0o755);
});

const inFolder = (...names: string[]) => {
  const folder = path.join(dir, ...names);
  mkdirSync(folder, { recursive: true });
  return folder;
};

describe('how this program is called', () => {
  test('by npx or an npm script: the shown command begins with npx', () => {
    expect(programAsTyped({ env: { npm_command: 'exec', PATH: '' }, file, cwd: dir })).toBe(
      'npx zendesk-pms-sync',
    );
  });

  test('from an installation on PATH (npm i -g): by its name, unless PATH finds another file of that name', () => {
    const bin = inFolder('bin');
    const other = inFolder('other');
    symlinkSync(file, path.join(bin, 'zendesk-pms-sync'));
    writeFileSync(path.join(other, 'zendesk-pms-sync'), '', { mode: 0o755 });
    const PATH = [other, bin].join(path.delimiter);
    expect(programAsTyped({ env: { PATH }, file, cwd: dir })).toBe('zendesk-pms-sync');
    expect(programAsTyped({ env: { PATH: other }, file, cwd: dir })).toBe(`node ${file}`);
  });

  test('in a clone, or in a package that has it installed: with npx, from each folder below', () => {
    const clone = inFolder('clone');
    writeFileSync(path.join(clone, 'package.json'), '{"name":"zendesk-pms-sync"}');
    const project = inFolder('project');
    writeFileSync(path.join(inFolder('project', 'node_modules', '.bin'), 'zendesk-pms-sync'), '');
    for (const cwd of [clone, inFolder('clone', 'my-sync'), inFolder('project', 'a', 'b')])
      expect(programAsTyped({ env: { PATH: '' }, file, cwd })).toBe('npx zendesk-pms-sync');
    // npm searches no further than the next package.
    writeFileSync(path.join(inFolder('clone', 'foreign'), 'package.json'), '{"name":"foreign"}');
    expect(programAsTyped({ env: { PATH: '' }, file, cwd: path.join(clone, 'foreign') })).toBe(
      `node ${file}`,
    );
    expect(project).toBeDefined();
  });

  test('anywhere else: by node and the file, quoted for the shell', () => {
    const odd = path.join(inFolder("it's here"), 'main.js');
    expect(programAsTyped({ env: { PATH: '' }, file: odd, cwd: dir })).toBe(
      `node '${odd.replace("'", "'\\''")}'`,
    );
  });
});

test('a stored or logged text shows commands as the present reader can type them', () => {
  const stored = 'held; "zendesk-pms-sync brake show" says more, "zendesk-pms-sync" alone does not';
  const typed = commandLine('brake show');
  expect(typed).not.toBe('zendesk-pms-sync brake show');
  expect(withTypedCommands(stored)).toBe(`held; "${typed}" says more, "zendesk-pms-sync" alone does not`);
  expect(splitAtCommands(`see "${typed}", or "this"`)).toEqual([
    { part: 'see ', isCommand: false },
    { part: typed, isCommand: true },
    { part: ', or "this"', isCommand: false },
  ]);
});

test('no other text names a command by the bare program: each uses commandLine', () => {
  // Messages of activities are stored or logged, and shown through withTypedCommands; comments are not printed.
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.startsWith('activities') && !name.endsWith('commandLine.ts'),
  );
  const bare = files.flatMap((name) =>
    readFileSync(path.join(SRC, name), 'utf8')
      .split('\n')
      .filter((line) => !/^\s*(\*|\/\*\*|\/\/)/.test(line) && /zendesk-pms-sync [a-z$]/.test(line))
      .map((line) => `${name}: ${line.trim()}`),
  );
  expect(bare).toEqual([
    expect.stringMatching(/^checks\/verify\/reports\/junitReport\.ts: .*testsuites name/),
  ]);
});
