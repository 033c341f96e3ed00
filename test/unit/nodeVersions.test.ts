import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';

/** One range of Node versions: `engines`, the script's check, the documents and the image agree. */

const ROOT = path.resolve(__dirname, '../..');
const text = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const { engines } = z
  .object({ engines: z.object({ node: z.string() }) })
  .parse(JSON.parse(text('package.json')));
const [, least = '', below = ''] = /^>=(\d+\.\d+)\.0 <(\d+)$/.exec(engines.node) ?? [];
const newest = Number(below) - 1;

/** The results of scripts/nodeRange.mjs; jest cannot load an ES module itself. */
function ask(expression: string): unknown {
  const module = pathToFileURL(path.join(ROOT, 'scripts/nodeRange.mjs')).href;
  const program = `import * as range from '${module}'; console.log(JSON.stringify(${expression}));`;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }),
  );
}

const judge = (version: string) => ask(`range.judgeNode('${version}')`);

test('the tests run on a tested Node version', () => {
  expect(judge(process.versions.node)).toBeNull();
});

test('CI tests the first and the last version of the range', () => {
  const ends = z.object({ oldest: z.string(), newest: z.string() }).parse(ask('range.ENDS'));
  expect(ends.oldest).toBe(`${least}.0`);
  expect(ends.newest.split('.')[0]).toBe(String(newest));
  expect([judge(ends.oldest), judge(ends.newest)]).toEqual([null, null]);
});

test('an older Node is refused, and a newer one reported', () => {
  const [major, minor] = least.split('.').map(Number);
  for (const version of [`${major}.${(minor ?? 0) - 1}.5`, `${(major ?? 0) - 1}.99.0`])
    expect(judge(version)).toEqual({
      fatal: true,
      line: `Node ${version} is too old: expected ${least} to ${newest}. Install Node ${newest}.`,
    });
  expect(judge(`${newest + 1}.0.0`)).toMatchObject({ fatal: false });
});

test('the image is an exact version of the newest line, in both of its stages', () => {
  const images = [...text('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
  expect(images).toHaveLength(2);
  expect(new Set(images).size).toBe(1);
  expect(images[0]).toMatch(new RegExp(`^node:${newest}\\.\\d+\\.\\d+-\\w+-slim$`));
});

test.each(['README.md', 'docs/operations.md', 'docs/dependencies.md'])('%s states the range', (file) => {
  expect(text(file)).toContain(`Node ${least} to ${newest}`);
  expect(text(file)).not.toMatch(/Node ≥ ?20/);
});
