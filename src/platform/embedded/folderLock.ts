import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';

/**
 * Lets one process at a time use a data folder: two Temporal servers would corrupt the same database file. The lock is a
 * Unix socket in the folder. So the kernel releases the lock when the holder dies, also by SIGKILL, and a second process
 * can ask the holder for its process id and command.
 */

const occupantSchema = z.object({
  pid: z.number(),
  /** The command, e.g. `start`. */
  what: z.string(),
  since: z.string(),
  /** The holder's addresses by name, e.g. `Temporal Web UI`. */
  places: z.record(z.string(), z.string()),
});

export type Occupant = z.output<typeof occupantSchema>;

/** Another process uses the folder. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse';
  constructor(
    readonly dir: string,
    /** Null if the holder did not identify itself. */
    readonly occupant: Occupant | null,
  ) {
    super(inUse(dir, occupant));
  }
}

export interface FolderLock {
  /** Sets the addresses that a second process receives, in addition to the process id. */
  tell(places: Record<string, string>): void;
  release(): Promise<void>;
}

/** Longer paths do not fit into the address of a Unix socket (108 bytes on Linux, 104 on macOS). */
const PATH_LIMIT_BYTES = 100;
const ANSWER_WITHIN_MS = 2_000;
/** Removing a dead holder's socket takes milliseconds, so an older takeover file belongs to a process that died. */
const TAKEOVER_STALE_MS = 10_000;
const POLL_MS = 50;
const CANNOT_HOLD_SOCKETS = new Set(['EOPNOTSUPP', 'ENOTSUP', 'EPERM', 'EINVAL', 'ENAMETOOLONG']);

/**
 * @param what the command that uses the folder, e.g. `start`
 * @throws FolderInUse; the system's error if the folder cannot be written
 */
export async function lockFolder(dir: string, what: string): Promise<FolderLock> {
  mkdirSync(dir, { recursive: true });
  const occupant: Occupant = { pid: process.pid, what, since: new Date().toISOString(), places: {} };
  const server = await bind(dir, occupant);
  // The lock alone must not keep the process alive.
  server.unref();
  return {
    tell: (places) => void Object.assign(occupant.places, places),
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

/** The process that uses a folder; null if there is none. */
export async function occupantOf(dir: string): Promise<Occupant | null> {
  for (const at of socketsOf(dir)) {
    const answer = await ask(at);
    if (answer !== 'nobody') return answer;
  }
  return null;
}

async function bind(dir: string, occupant: Occupant): Promise<Server> {
  const [first, ...others] = socketsOf(dir);
  for (const at of [first, ...others]) {
    if (at === undefined) break;
    try {
      return await bindAt(at, dir, occupant);
    } catch (error) {
      // The file system supports no sockets: use the folder for temporary files.
      if (!CANNOT_HOLD_SOCKETS.has(String((error as NodeJS.ErrnoException).code))) throw error;
    }
  }
  throw new Error(`${dir} cannot be locked: neither it nor ${tmpdir()} takes a socket`);
}

async function bindAt(at: string, dir: string, occupant: Occupant): Promise<Server> {
  for (;;) {
    try {
      return await listen(at, occupant);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
    const answer = await ask(at);
    if (answer !== 'nobody') throw new FolderInUse(dir, answer);
    await removeDead(at);
  }
}

/** Removes the socket of a dead holder. A takeover file ensures that only one process at a time does so. */
async function removeDead(at: string): Promise<void> {
  const takeover = `${at}.takeover`;
  try {
    writeFileSync(takeover, String(process.pid), { flag: 'wx' });
  } catch {
    if (ageOf(takeover) > TAKEOVER_STALE_MS) rmSync(takeover, { force: true });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    return;
  }
  try {
    if ((await ask(at)) === 'nobody') rmSync(at, { force: true });
  } finally {
    rmSync(takeover, { force: true });
  }
}

function ageOf(file: string): number {
  try {
    return Date.now() - statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}

function socketsOf(dir: string): string[] {
  const absolute = realpath(dir);
  const inside = path.join(absolute, 'service.sock');
  const short = [inside, path.relative(process.cwd(), inside)].find(
    (each) => Buffer.byteLength(each) <= PATH_LIMIT_BYTES,
  );
  const digest = createHash('sha256').update(absolute).digest('hex').slice(0, 16);
  return [...(short === undefined ? [] : [short]), path.join(tmpdir(), `zps-${digest}.sock`)];
}

function realpath(dir: string): string {
  try {
    return realpathSync(dir);
  } catch {
    return path.resolve(dir);
  }
}

function listen(at: string, occupant: Occupant): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(JSON.stringify(occupant));
    });
    server.once('error', reject);
    server.listen(at, () => resolve(server));
  });
}

/** @returns null if a process listens but does not identify itself */
function ask(at: string): Promise<Occupant | null | 'nobody'> {
  return new Promise((resolve) => {
    const socket = createConnection(at);
    let received = '';
    socket.setTimeout(ANSWER_WITHIN_MS, () => {
      socket.destroy();
      resolve(null);
    });
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? 'nobody' : null),
    );
    socket.once('end', () => resolve(occupantIn(received)));
  });
}

function occupantIn(text: string): Occupant | null {
  try {
    return occupantSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function inUse(dir: string, occupant: Occupant | null): string {
  if (!occupant) return `${dir}: another process uses this folder; stop it, or give another folder by --data`;
  const { pid, what, since, places } = occupant;
  const at = Object.entries(places).map(([name, url]) => `${name} ${url}`);
  const where = at.length === 0 ? '' : `; ${at.join(', ')}`;
  return `${dir}: "${what}" runs in this folder already (process ${pid}, since ${since}${where}); stop it with Ctrl-C or "kill ${pid}", or give another folder by --data`;
}
