import { execFileSync } from 'node:child_process';

/**
 * The table at the end of a test run (test/support/times). Jest loads its reporters untranspiled, so they are not
 * TypeScript.
 */

interface Row {
  name: string;
  tests: number;
  clock: number;
  processor: number;
  starts: number;
}
const { summarize, table } = jest.requireActual<{
  summarize: (files: Row[]) => { folders: (Row & { files: number })[]; slowest: Row[] };
  table: (title: string, rows: Row[]) => string;
}>('../support/times/reporter.cjs');
const processorTime = jest.requireActual<{
  endedChildrenSeconds: () => number | null;
  livingDescendantsSeconds: () => number | null;
  ownSeconds: () => number;
}>('../support/times/processorTime.cjs');

const row = (name: string, clock: number): Row => ({ name, tests: 2, clock, processor: 1.5, starts: 1 });

test('files are added up by folder, and the ten slowest come first', () => {
  const files = [
    ...Array.from({ length: 12 }, (_, n) => row(`test/unit/${n}.test.ts`, n)),
    row('packages/testkit/test/a.test.ts', 100),
  ];
  const { folders, slowest } = summarize(files);
  expect(folders).toEqual([
    { name: 'packages/testkit', files: 1, tests: 2, clock: 100, processor: 1.5, starts: 1 },
    { name: 'test/unit', files: 12, tests: 24, clock: 66, processor: 18, starts: 12 },
  ]);
  expect(slowest.map(({ clock }) => clock)).toEqual([100, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
});

test('columns are aligned', () => {
  const lines = table('folder', [row('test/unit', 1), row('test/a-longer-name', 1234)]).split('\n');
  expect(lines).toHaveLength(3);
  expect(new Set(lines.map(({ length }) => length)).size).toBe(1);
  expect(lines[2]).toMatch(/^ {2}test\/a-longer-name +2 +1234\.0 +1\.5 +1$/);
});

test('the processor time of a child process counts after it has ended', () => {
  const before = processorTime.endedChildrenSeconds();
  execFileSync(process.execPath, ['-e', 'while (process.cpuUsage().user < 200_000);']);
  const after = processorTime.endedChildrenSeconds();
  if (process.platform !== 'linux') {
    expect([before, after]).toEqual([null, null]);
    return;
  }
  // Linux counts hundredths of a second, Node millionths.
  expect((after ?? 0) - (before ?? 0)).toBeGreaterThan(0.18);
  expect(processorTime.livingDescendantsSeconds()).toEqual(expect.any(Number));
  expect(processorTime.ownSeconds()).toBeGreaterThan(0);
});
