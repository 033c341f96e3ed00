import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { isListening } from '../ports';

/**
 * Runs a server as the child of a shell (the guard) that stops it when this process ends. The guard reads from a pipe of
 * this process, which closes even after a SIGKILL. The server has its own process group, so that Ctrl-C reaches only this
 * process, which then stops its servers in order.
 */
const GUARD = `
log=$1; shift
"$@" </dev/null >>"$log" 2>&1 &
pid=$!
echo $pid
cat >/dev/null
kill $pid 2>/dev/null
( sleep 10; kill -9 $pid 2>/dev/null ) &
wait $pid
kill $! 2>/dev/null
exit 0`;

const POLL_MS = 100;
/** The longest wait for an earlier server, which its guard kills after ten seconds. */
const EARLIER_ENDS_WITHIN_MS = 20_000;

/** An available server does not start. The message has the end of its log. */
export class ServerFailed extends Error {
  override readonly name = 'ServerFailed';
}

export interface ServerProcess {
  pid: number;
  stop(): Promise<void>;
}

/**
 * Starts a server. An earlier server on the same files may still be stopping, so its process id is stored beside the log,
 * and its end is awaited.
 * @param command program and arguments
 * @param logFile receives the server's output; an error shows the end of it
 * @throws ServerFailed if no process listens on the port within `timeoutMs`
 */
export async function startServer(
  command: string[],
  port: number,
  logFile: string,
  timeoutMs = 60_000,
): Promise<ServerProcess> {
  const pidFile = `${logFile}.pid`;
  await untilEarlierEnded(pidFile, command[0] ?? 'the server');
  const guard = spawn('sh', ['-c', GUARD, 'guard', logFile, ...command], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const exited = once(guard, 'exit');
  const [first] = (await once(guard.stdout, 'data')) as [Buffer];
  const pid = Number(first.toString().trim());
  writeFileSync(pidFile, JSON.stringify({ pid, begun: begunAt(pid) }));
  // The guard and its pipes must not keep the process alive.
  guard.unref();
  for (const stream of [guard.stdin, guard.stdout]) (stream as unknown as { unref(): void }).unref();
  const stop = async (): Promise<void> => {
    guard.ref();
    guard.stdin.end();
    await exited;
    rmSync(pidFile, { force: true });
  };
  const deadline = Date.now() + timeoutMs;
  while (!(await isListening(port))) {
    if (!isAlive(pid) || Date.now() > deadline) {
      await stop();
      throw new ServerFailed(
        `${command[0]} does not listen on port ${port}: ${lastLines(logFile)} (log: ${logFile})`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return { pid, stop };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilEarlierEnded(pidFile: string, program: string): Promise<void> {
  const deadline = Date.now() + EARLIER_ENDS_WITHIN_MS;
  for (let pid = runningPid(pidFile); pid !== null; pid = runningPid(pidFile)) {
    if (Date.now() > deadline)
      throw new ServerFailed(
        `${program}: an earlier one (process ${pid}) still uses ${path.dirname(pidFile)}; end it with "kill ${pid}"`,
      );
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The process id in a file, if this process still runs and the id was not reused. */
function runningPid(pidFile: string): number | null {
  try {
    const { pid, begun } = pidSchema.parse(JSON.parse(readFileSync(pidFile, 'utf8')));
    return isAlive(pid) && begunAt(pid) === begun ? pid : null;
  } catch {
    return null;
  }
}

const pidSchema = z.object({ pid: z.number(), begun: z.string() });

/**
 * The start time of a process, which distinguishes it from a later process with the same id; `ended` for a zombie. Without
 * /proc, all processes with the same id count as the same process.
 */
function begunAt(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name, in parentheses, may contain blanks. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

function lastLines(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').slice(-3).join(' | ') || 'its log is empty';
  } catch {
    return 'its log is empty';
  }
}
