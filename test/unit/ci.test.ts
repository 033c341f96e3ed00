import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

/** The configuration of CI and of dependency updates names files, scripts and packages that exist. */

const ROOT = path.resolve(__dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const manifest = z
  .object({
    scripts: z.record(z.string(), z.string()),
    dependencies: z.record(z.string(), z.string()),
    devDependencies: z.record(z.string(), z.string()),
    engines: z.object({ node: z.string() }),
  })
  .parse(JSON.parse(read('package.json')));

const workflow = z
  .object({
    permissions: z.object({ contents: z.literal('read') }),
    jobs: z.record(
      z.string(),
      z.object({
        'timeout-minutes': z.number(),
        steps: z.array(
          z.object({
            uses: z.string().optional(),
            run: z.string().optional(),
            with: z.record(z.string(), z.unknown()).optional(),
          }),
        ),
      }),
    ),
  })
  .parse(parse(read('.github/workflows/ci.yml')));

const updates = z
  .object({
    updates: z.array(
      z.object({
        'package-ecosystem': z.string(),
        directory: z.string(),
        groups: z.record(z.string(), z.object({ patterns: z.array(z.string()) })).default({}),
        ignore: z.array(z.object({ 'dependency-name': z.string() })).default([]),
      }),
    ),
  })
  .parse(parse(read('.github/dependabot.yml'))).updates;

test('CI runs .ci/run, and the audit in a separate job', () => {
  const commands = (job: string) => workflow.jobs[job]?.steps.flatMap(({ run }) => run ?? []) ?? [];
  expect(commands('test')).toContain('.ci/run');
  expect(() => accessSync(path.join(ROOT, '.ci/run'), constants.X_OK)).not.toThrow();
  expect(commands('audit')).toEqual(['npm audit --omit=dev --audit-level=high']);
});

test('CI uses the newest supported Node', () => {
  const [, below = ''] = /<(\d+)$/.exec(manifest.engines.node) ?? [];
  const versions = Object.values(workflow.jobs).flatMap(({ steps }) =>
    steps
      .filter(({ uses }) => uses?.startsWith('actions/setup-node'))
      .map((step) => step.with?.['node-version']),
  );
  expect(versions).toEqual([Number(below) - 1, Number(below) - 1]);
});

test('.ci/run runs existing scripts, including the licence check and the SBOM', () => {
  const named = [...read('.ci/run').matchAll(/npm run (?:--silent )?([\w:]+)/g)].map(([, name = '']) => name);
  expect(named).toEqual(expect.arrayContaining(['licenses', 'sbom', 'lint', 'typecheck']));
  expect(named.filter((name) => !(name in manifest.scripts))).toEqual([]);
});

test('dependency updates name existing folders and packages', () => {
  const packages = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  const isKnown = (pattern: string) =>
    packages.some((name) =>
      pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
    );
  for (const { directory, groups, ignore, 'package-ecosystem': ecosystem } of updates) {
    expect(existsSync(path.join(ROOT, directory))).toBe(true);
    const named = [
      ...Object.values(groups).flatMap(({ patterns }) => patterns),
      ...ignore.map((each) => each['dependency-name']),
    ];
    expect([ecosystem, named.filter((each) => !isKnown(each))]).toEqual([ecosystem, []]);
  }
});
