/**
 * Processor time and process starts, for the table that a test run ends with. A process knows its own processor time
 * on every system; that of its children is in Linux' /proc alone (proc_pid_stat(5)), and is null elsewhere.
 */
const childProcess = require('node:child_process');
const diagnostics = require('node:diagnostics_channel');
const { readFileSync, readdirSync } = require('node:fs');

/** /proc counts in hundredths of a second on every architecture (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** @returns one process of /proc, times in seconds; null where it has ended */
function readProcess(pid) {
  let line;
  try {
    line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The command's name, in brackets, can hold blanks and brackets itself.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const seconds = (...at) => at.reduce((sum, field) => sum + Number(fields[field]), 0) / TICKS_PER_SECOND;
  return { pid: Number(pid), parent: Number(fields[1]), own: seconds(11, 12), ended: seconds(13, 14) };
}

/** @returns seconds that this process has computed, on all its threads */
function ownSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** @returns seconds of the children, and of theirs, that have ended and were waited for */
function endedChildrenSeconds() {
  return readProcess('self')?.ended ?? null;
}

/** @returns seconds of everything that descends from this process and is still there, with what ended below it */
function livingDescendantsSeconds() {
  let pids;
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return null;
  }
  const children = new Map();
  for (const entry of pids.map(readProcess))
    if (entry) children.set(entry.parent, [...(children.get(entry.parent) ?? []), entry]);
  const below = (pid) =>
    (children.get(pid) ?? []).reduce((sum, child) => sum + child.own + child.ended + below(child.pid), 0);
  return below(process.pid);
}

let starts = 0;
let counting = false;

/** Counts each process that this one starts from now on, whichever way. */
function countStarts() {
  if (counting) return;
  counting = true;
  diagnostics.subscribe('child_process', () => {
    starts += 1;
  });
  // The channel does not tell of those that are waited for.
  for (const name of ['spawnSync', 'execSync', 'execFileSync']) {
    const start = childProcess[name];
    childProcess[name] = (...args) => {
      starts += 1;
      return start(...args);
    };
  }
}

/** @returns what this process has used up to now */
function used() {
  return { own: ownSeconds(), ended: endedChildrenSeconds(), starts };
}

module.exports = { countStarts, livingDescendantsSeconds, ownSeconds, endedChildrenSeconds, used };
