/**
 * Says at the beginning of a test run what it does, and at its end which parts took how long. `ZPS_TEST_TIMES=FILE`
 * writes the same figures as JSON: seconds, one row a file.
 */
const { writeFileSync } = require('node:fs');
const path = require('node:path');
const { endedChildrenSeconds, livingDescendantsSeconds, ownSeconds } = require('./processorTime.cjs');

const SLOWEST = 10;
const EXPLANATION = `  clock s       a file's time on the clock; files run side by side, so that a folder's sum exceeds the run's
  processor s   of the test process, and of processes that it started and that ended with the file; the
                servers that all files share are in the last line only
  starts        processes that the test process itself started`;

const folderOf = (file) => file.split('/').slice(0, 2).join('/');
const sum = (rows, of) => rows.reduce((total, row) => total + of(row), 0);

/** @returns one row: of a file, or of several together */
function total(name, rows) {
  return {
    name,
    files: sum(rows, (row) => row.files ?? 1),
    tests: sum(rows, (row) => row.tests),
    clock: sum(rows, (row) => row.clock),
    processor: sum(rows, (row) => row.processor),
    starts: sum(rows, (row) => row.starts),
  };
}

/** @returns rows by folder, and the slowest files, the slowest first */
function summarize(files) {
  const folders = [...new Set(files.map(({ name }) => folderOf(name)))].sort();
  return {
    folders: folders.map((folder) =>
      total(
        folder,
        files.filter(({ name }) => folderOf(name) === folder),
      ),
    ),
    slowest: [...files].sort((a, b) => b.clock - a.clock).slice(0, SLOWEST),
  };
}

function table(title, rows) {
  const width = Math.max(title.length, ...rows.map(({ name }) => name.length));
  const line = (name, ...cells) =>
    `  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(13)).join('')}`;
  return [
    line(title, 'tests', 'clock s', 'processor s', 'starts'),
    ...rows.map(({ name, tests, clock, processor, starts }) =>
      line(name, String(tests), clock.toFixed(1), processor.toFixed(1), String(starts)),
    ),
  ].join('\n');
}

/** Of a jest result. Where a file failed before it ran, nothing is known of what it used. */
function rowOf(rootDir, { testFilePath, numPassingTests, numFailingTests, perfStats, used }) {
  return {
    name: path.relative(rootDir, testFilePath).split(path.sep).join('/'),
    tests: numPassingTests + numFailingTests,
    clock: (perfStats.end - perfStats.start) / 1000,
    processor: (used?.own ?? 0) + (used?.children ?? 0),
    starts: used?.starts ?? 0,
  };
}

class TimesReporter {
  constructor(globalConfig) {
    this.rootDir = globalConfig.rootDir;
    this.workers = globalConfig.maxWorkers;
    this.files = [];
    this.names = [];
    this.started = Date.now();
  }

  onRunStart({ numTotalTestSuites: count }, { estimatedTime }) {
    const servers = process.env.ZPS_TEST_TEMPORAL
      ? 'one Temporal server and one MongoDB run for all of them'
      : 'no server is started';
    const lines = [
      `${count} test ${count === 1 ? 'file' : 'files'}, up to ${this.workers} at a time; ${servers}.`,
      ...(estimatedTime > 60 ? [`The last runs took about ${Math.round(estimatedTime / 60)} min.`] : []),
      ...(count > 100 ? ['`npm run test:fast` runs those that need no server, within a minute.'] : []),
    ];
    process.stderr.write(`${lines.join('\n')}\n`);
  }

  onTestFileResult(_test, result) {
    this.files.push(rowOf(this.rootDir, result));
  }

  /** While the shared servers still run; the workers have ended, and are among the children that did. */
  onRunComplete() {
    if (this.files.length === 0) return;
    const ended = endedChildrenSeconds();
    const living = livingDescendantsSeconds();
    const clock = (Date.now() - this.started) / 1000;
    const processor = ended === null || living === null ? null : ownSeconds() + ended + living;
    const { folders, slowest } = summarize(this.files);
    const whole =
      processor === null
        ? 'processor time of children is known on Linux only'
        : `${processor.toFixed(0)} s of processor time, of which ${living.toFixed(0)} s in the servers that all files share`;
    const parts = [
      table('folder', [...folders, total('together', folders)]),
      table('slowest files', slowest),
      EXPLANATION,
    ];
    const last = `  The run took ${clock.toFixed(0)} s on the clock and ${whole}.`;
    process.stderr.write(`\n${[...(this.files.length > 1 ? parts : []), last].join('\n\n')}\n`);
    const file = process.env.ZPS_TEST_TIMES;
    if (file) {
      const run = { clock, processor, servers: living, workers: this.workers };
      writeFileSync(file, `${JSON.stringify({ run, folders, files: this.files }, null, 2)}\n`);
    }
  }
}

module.exports = TimesReporter;
module.exports.summarize = summarize;
module.exports.table = table;
