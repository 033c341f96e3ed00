import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BSON } from 'mongodb';
import { WireReader, answerBytes, requestBytes, type Doc, type WireMessage } from './mongoWire';

/**
 * A proxy before a MongoDB server that makes a replica set of it, and answers any command as a primary that steps down.
 *
 * - It announces a replica set of one member: to a standalone, drivers send no retryable writes.
 * - It keeps the answers to retryable writes by session and transaction number, as a primary does: one that comes again is
 *   answered, and not done twice.
 * - For each command that comes, {@link StepDownProxy.decide} says whether it fails, how, and whether it is carried out.
 */

/** A command as it came. */
export interface Command {
  /** `find`, `update`, … */
  name: string;
  database: string;
  /** Of commands on one. */
  collection: string | null;
  /** A write that the driver sends again if it has to. */
  isRetryable: boolean;
  /** How many commands came before it. */
  place: number;
}

export interface Fault {
  /** `after`: it is carried out, and the answer is another. */
  when: 'before' | 'after';
  /**
   * `answer`: an error. `concern`: it was done here, and may be undone by the next primary. `lost`: the connection ends
   * without an answer. `slow`: it is answered, after a while.
   */
  how: 'answer' | 'concern' | 'lost' | 'slow';
  /** Of `answer` and `concern`; 189 if not given: https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml */
  code?: number;
  /** Of `slow`. */
  ms?: number;
}

/** Codes with their names, and whether a retryable write that meets one is labelled as such. */
export const CODES: Readonly<Record<number, { name: string; isRetryable: boolean }>> = {
  10107: { name: 'NotWritablePrimary', isRetryable: true },
  13435: { name: 'NotPrimaryNoSecondaryOk', isRetryable: true },
  11602: { name: 'InterruptedDueToReplStateChange', isRetryable: true },
  11600: { name: 'InterruptedAtShutdown', isRetryable: true },
  189: { name: 'PrimarySteppedDown', isRetryable: true },
  91: { name: 'ShutdownInProgress', isRetryable: true },
  262: { name: 'ExceededTimeLimit', isRetryable: true },
  43: { name: 'CursorNotFound', isRetryable: false },
  50: { name: 'MaxTimeMSExpired', isRetryable: false },
  112: { name: 'WriteConflict', isRetryable: false },
};
const HELLO = /^(hello|ismaster)$/i;
const RETRYABLE = new Set(['insert', 'update', 'delete', 'findAndModify']);
/** What a standalone does not know. */
const OF_SESSIONS = ['lsid', 'txnNumber', '$clusterTime', '$readPreference', 'apiVersion'];
const SET = 'stepping-down';

/** Fails every so many commands, each in another way. */
export function everyTime(distance: number): (command: Command) => Fault | null {
  const ways: Fault[] = Object.keys(CODES).flatMap((code): Fault[] => [
    { when: 'before', how: 'answer', code: Number(code) },
    { when: 'after', how: 'answer', code: Number(code) },
  ]);
  ways.push(
    { when: 'before', how: 'lost' },
    { when: 'after', how: 'lost' },
    { when: 'after', how: 'concern' },
  );
  let count = 0;
  return ({ name }) => {
    count += 1;
    if (count % distance !== 0 || name === 'endSessions') return null;
    return ways[(count / distance) % ways.length] ?? null;
  };
}

export class StepDownProxy {
  /** Asked for each command but handshakes; null lets it through. */
  decide: (command: Command) => Fault | null = () => null;
  /** Faults that were made, by command. */
  readonly made = new Map<string, number>();
  private readonly kept = new Map<string, Doc>();
  private readonly sockets = new Set<Socket>();
  private readonly electionId = new BSON.ObjectId();
  private commands = 0;

  private constructor(
    private readonly server: Server,
    private readonly target: { host: string; port: number },
  ) {}

  /** @param uri of the server behind it */
  static async start(uri: string): Promise<StepDownProxy> {
    const { hostname, port } = new URL(uri);
    const server = createServer();
    const proxy = new StepDownProxy(server, { host: hostname, port: Number(port || 27017) });
    server.on('connection', (socket) => proxy.serve(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** @param options more of them, e.g. `retryWrites=false` */
  uri(options = ''): string {
    return `mongodb://${this.address}/?replicaSet=${SET}${options === '' ? '' : `&${options}`}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** One connection of a driver, with one of its own to the server: a request at a time, in their order. */
  private serve(client: Socket): void {
    const upstream = new Upstream(connect(this.target));
    for (const socket of [client, upstream.socket]) {
      this.sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        client.destroy();
        upstream.socket.destroy();
      });
    }
    const reader = new WireReader();
    let line: Promise<void> = Promise.resolve();
    client.on('data', (chunk) => {
      for (const message of reader.take(chunk))
        line = line.then(() => this.answer(client, upstream, message)).catch(() => void client.destroy());
    });
  }

  private async answer(client: Socket, upstream: Upstream, message: WireMessage): Promise<void> {
    const reply = (body: Doc) => void client.write(answerBytes(message, body));
    const name = Object.keys(message.body)[0] ?? '';
    if (HELLO.test(name)) return reply(this.asMember(await upstream.ask(withoutSession(message.body))));
    const command = this.commandOf(name, message.body);
    const fault = this.decide(command);
    if (fault) this.made.set(name, (this.made.get(name) ?? 0) + 1);
    if (fault?.how === 'slow') await sleep(fault.ms ?? 0);
    if (fault?.when === 'before' && fault.how === 'lost') return void client.destroy();
    if (fault?.when === 'before' && fault.how === 'answer') return reply(errorOf(fault, command));
    if (message.isOneWay) return upstream.tell(withoutSession(message.body));
    const answer = await this.once(upstream, message.body, command);
    if (fault?.how === 'lost') return void client.destroy();
    if (fault?.how === 'answer' && fault.when === 'after') return reply(errorOf(fault, command));
    return reply(fault?.how === 'concern' ? { ...answer, ...concernOf(fault, command) } : answer);
  }

  /** Carries a command out, unless it is a retryable write that was before. */
  private async once(upstream: Upstream, body: Doc, { isRetryable }: Command): Promise<Doc> {
    const name = isRetryable ? BSON.EJSON.stringify([body['lsid'], body['txnNumber']]) : null;
    const known = name === null ? undefined : this.kept.get(name);
    if (known) return known;
    const answer = await upstream.ask(withoutSession(body));
    if (name !== null) this.kept.set(name, answer);
    return answer;
  }

  private commandOf(name: string, body: Doc): Command {
    const on = name === 'getMore' ? body['collection'] : body[name];
    return {
      name,
      database: String(body['$db']),
      collection: typeof on === 'string' ? on : null,
      isRetryable: RETRYABLE.has(name) && body['txnNumber'] !== undefined,
      place: this.commands++,
    };
  }

  /** A handshake's answer, of the primary of a set. Without a version of the topology, drivers ask for it again and again. */
  private asMember({ topologyVersion: _streamed, ...hello }: Doc): Doc {
    return {
      ...hello,
      ismaster: true,
      isWritablePrimary: true,
      secondary: false,
      setName: SET,
      setVersion: 1,
      electionId: this.electionId,
      hosts: [this.address],
      primary: this.address,
      me: this.address,
      logicalSessionTimeoutMinutes: 30,
    };
  }
}

/** The connection to the server behind the proxy. */
class Upstream {
  private readonly reader = new WireReader();
  private readonly waiting = new Map<
    number,
    { resolve: (body: Doc) => void; reject: (error: Error) => void }
  >();
  private requests = 0;

  constructor(readonly socket: Socket) {
    socket.on('data', (chunk) => {
      for (const { responseTo, body } of this.reader.take(chunk)) {
        this.waiting.get(responseTo)?.resolve(body);
        this.waiting.delete(responseTo);
      }
    });
    socket.on('close', () => {
      for (const { reject } of this.waiting.values()) reject(new Error('the server is away'));
    });
  }

  ask(body: Doc): Promise<Doc> {
    const id = (this.requests += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.socket.write(requestBytes(id, body));
    });
  }

  /** Without an answer. */
  tell(body: Doc): void {
    void this.ask(body).catch(() => undefined);
  }
}

/** As a standalone takes it; a driver's first handshake names no database. */
function withoutSession(body: Doc): Doc {
  const rest = Object.entries(body).filter(([name]) => !OF_SESSIONS.includes(name));
  return { ...Object.fromEntries(rest), $db: body['$db'] ?? 'admin' };
}

function labelled(code: number, { isRetryable }: Command): Doc {
  return isRetryable && CODES[code]?.isRetryable === true ? { errorLabels: ['RetryableWriteError'] } : {};
}

function errorOf({ code = 189 }: Fault, command: Command): Doc {
  const codeName = CODES[code]?.name ?? 'Error';
  return { ok: 0, errmsg: `${codeName}, says the proxy`, code, codeName, ...labelled(code, command) };
}

function concernOf({ code = 189 }: Fault, command: Command): Doc {
  const codeName = CODES[code]?.name ?? 'Error';
  return {
    writeConcernError: { code, codeName, errmsg: `${codeName}, says the proxy` },
    ...labelled(code, command),
  };
}
