import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { isListening } from '../ports';

/**
 * Runs a server for as long as this process lives. The shell between us reads our end of a pipe: when we die,
 * even by SIGKILL, the pipe closes and the server is stopped. The server has a process group of its own, so that
 * Ctrl-C reaches us first and we stop things in order.
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

export interface ServerProcess {
  pid: number;
  stop(): Promise<void>;
}

/**
 * @param command program and arguments
 * @param logFile where its output goes; the end of it is shown when the server does not come up
 * @throws Error where nothing listens on the port within `timeoutMs`
 */
export async function startServer(
  command: string[],
  port: number,
  logFile: string,
  timeoutMs = 60_000,
): Promise<ServerProcess> {
  const guard = spawn('sh', ['-c', GUARD, 'guard', logFile, ...command], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const exited = once(guard, 'exit');
  const [first] = (await once(guard.stdout, 'data')) as [Buffer];
  const pid = Number(first.toString().trim());
  // Neither the guard nor its pipes keep a process alive that is otherwise done.
  guard.unref();
  for (const stream of [guard.stdin, guard.stdout]) (stream as unknown as { unref(): void }).unref();
  const stop = async (): Promise<void> => {
    guard.ref();
    guard.stdin.end();
    await exited;
  };
  const deadline = Date.now() + timeoutMs;
  while (!(await isListening(port))) {
    if (!isAlive(pid) || Date.now() > deadline) {
      await stop();
      throw new Error(
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

function lastLines(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').slice(-3).join(' | ') || 'it said nothing';
  } catch {
    return 'it said nothing';
  }
}
