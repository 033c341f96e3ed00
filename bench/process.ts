import { readFileSync } from 'node:fs';

/** What Linux says of a process. */

export function residentMb(pid: number | null): number | null {
  if (pid === null) return null;
  try {
    const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kb === undefined ? null : Math.round(Number(kb) / 1024);
  } catch {
    return null;
  }
}

/** Seconds of processor time; Linux counts in hundredths. */
export function cpuSeconds(pid: number | null): number {
  try {
    const fields = readFileSync(`/proc/${pid ?? 0}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}
