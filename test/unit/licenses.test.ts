import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** The licences that scripts/licenses.mjs accepts. .ci/run checks the installed packages with it. */

const MODULE = pathToFileURL(path.resolve(__dirname, '../../scripts/licenses.mjs')).href;

/** Evaluates an expression with the script's exports; jest cannot load an ES module itself. */
function ask(expression: string): unknown {
  const program = `import * as it from '${MODULE}'; console.log(JSON.stringify(${expression}));`;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }),
  );
}

test('an SPDX expression is accepted if accepted licences satisfy it', () => {
  const verdicts = ask(`Object.fromEntries([
    'MIT', 'GPL-3.0-only', 'MIT OR GPL-3.0-only', 'MIT AND GPL-3.0-only', '(MIT OR CC0-1.0)', 'UNLICENSED',
    'GPL-3.0-only OR (MIT AND Apache-2.0)', 'MIT OR ISC AND GPL-3.0-only', 'Apache-2.0 WITH LLVM-exception', '',
  ].map((each) => [each, it.isAccepted(each)]))`);
  expect(verdicts).toEqual({
    MIT: true,
    'GPL-3.0-only': false,
    'MIT OR GPL-3.0-only': true,
    'MIT AND GPL-3.0-only': false,
    '(MIT OR CC0-1.0)': true,
    UNLICENSED: false,
    'GPL-3.0-only OR (MIT AND Apache-2.0)': true,
    'MIT OR ISC AND GPL-3.0-only': true,
    'Apache-2.0 WITH LLVM-exception': false,
    '': false,
  });
});

test('the old forms of a licence in package.json are understood', () => {
  expect(
    ask(`[{ license: 'MIT' }, { license: { type: 'ISC' } }, { licenses: [{ type: 'MIT' }, { type: 'GPL-2.0' }] }, {}]
      .map(it.licenceOf)`),
  ).toEqual(['MIT', 'ISC', 'MIT OR GPL-2.0', null]);
});

test('a package without an accepted licence is named, with its licence and the accepted ones', () => {
  const problems = ask(`it.problemsOf([
    { name: 'good', version: '1.0.0', licence: 'MIT' },
    { name: 'bad', version: '2.0.0', licence: 'AGPL-3.0-only' },
    { name: 'silent', version: '3.0.0', licence: null },
    { name: 'caniuse-lite', version: '1.0.0', licence: 'CC-BY-4.0' },
    { name: 'other', version: '1.0.0', licence: 'CC-BY-4.0' },
  ])`) as string[];
  expect(problems.map((line) => line.split(', expected')[0])).toEqual([
    'bad@2.0.0: found licence AGPL-3.0-only',
    'silent@3.0.0: found no licence',
    'other@1.0.0: found licence CC-BY-4.0',
  ]);
});

test('installed packages are found', () => {
  const names = (ask('it.installedPackages()') as { name: string }[]).map(({ name }) => name);
  expect(names.length).toBeGreaterThan(300);
  expect(names).toEqual(expect.arrayContaining(['zod', '@temporalio/worker', 'mongodb']));
});
