import { readFileSync } from 'node:fs';

/** Memory and processor time of processes, as Linux reports them. */

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

/** Processor time of processes that may end and restart with another id. */
export class Clock {
  private readonly began = new Map<string, { pid: number | null; seconds: number }>();

  constructor(private readonly processes: Record<string, () => number | null>) {
    for (const [name, pidOf] of Object.entries(processes))
      this.began.set(name, { pid: pidOf(), seconds: cpuSeconds(pidOf()) });
  }

  /** Only for processes that have run since the start. */
  seconds(): Record<string, number> {
    const passed: Record<string, number> = {};
    for (const [name, pidOf] of Object.entries(this.processes)) {
      const { pid, seconds } = this.began.get(name) ?? { pid: null, seconds: 0 };
      if (pid !== null && pid === pidOf()) passed[name] = cpuSeconds(pid) - seconds;
    }
    return passed;
  }
}
