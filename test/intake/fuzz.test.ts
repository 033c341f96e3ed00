import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import fc from 'fast-check';
import { MongoClient } from 'mongodb';
import { freePort } from '../../src/platform/ports';
import { hintsWorkflowId } from '../../src/intake/intake';
import { SIDES } from '../../src/sync/record';
import {
  deliver,
  pmsChange,
  pmsDelivery,
  ticketEvent,
  zendeskDelivery,
  type Sent,
} from '../support/deliveries';
import { testServers } from '../support/servers';

/**
 * Everything that a stranger can send to the receiver, which runs as a separate process as in production. Nothing is
 * accepted, no secret is shown, and genuine deliveries are answered all the time.
 */

const MAIN = path.resolve(__dirname, '../../dist/src/operator/cli/main.js');
const SEED = Number(process.env['FUZZ_SEED'] ?? 20260101);
const BODIES = 10_000;
const AT_ONCE = 32;
const MINUTE = 60_000;
const ZENDESK = 'fuzz-zendesk-secret-7f3a';
const PMS = 'fuzz-pms-secret-91bc';

let child: ChildProcess;
let output = '';
let url: string;
let port: number;
let name: string;
let mongo: MongoClient;
let connection: Connection;
/** Texts that no answer may contain. */
let secrets: string[];
const figures: [string, string][] = [];

beforeAll(async () => {
  if (!existsSync(MAIN)) throw new Error('not compiled: run "npm test", which compiles first');
  const { temporalAddress, mongodbUri } = testServers();
  name = `fuzz-${randomUUID().slice(0, 8)}`;
  port = await freePort();
  url = `http://127.0.0.1:${port}`;
  mongo = await MongoClient.connect(mongodbUri);
  connection = await Connection.connect({ address: temporalAddress });
  child = spawn(process.execPath, [MAIN, 'start', '--only', 'intake'], {
    env: {
      PATH: process.env['PATH'],
      TEMPORAL_ADDRESS: temporalAddress,
      MONGODB_URI: mongodbUri,
      MONGODB_DATABASE: name,
      TASK_QUEUE: name,
      INTAKE_PORT: String(port),
      ZENDESK_WEBHOOK_SECRET: ZENDESK,
      PMS_WEBHOOK_SECRET: PMS,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part) => (output += String(part)));
  const mongoAddress = mongodbUri.replace('mongodb://', '').replace(/\/.*$/, '');
  secrets = [
    ZENDESK,
    PMS,
    temporalAddress,
    mongoAddress,
    mongodbUri,
    hostname(),
    name,
    'node_modules',
    '.js:',
  ];
  while (
    !(await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    ))
  )
    await sleep(50);
});
afterAll(async () => {
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
  const client = new Client({ connection });
  for (const side of SIDES)
    await client.workflow
      .getHandle(hintsWorkflowId(name, side))
      .terminate()
      .catch(() => undefined);
  await mongo.db(name).dropDatabase();
  await mongo.close();
  await connection.close();
  const width = Math.max(...figures.map(([what]) => what.length));
  process.stdout.write(
    `\nFuzz of the receiver (seed ${SEED})\n${figures.map(([what, figure]) => `  ${what.padEnd(width)}  ${figure}`).join('\n')}\n`,
  );
});
afterEach(async () => {
  expect(child.exitCode).toBeNull();
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

/** Signals that reached Temporal, and pending hints; both only grow, because no worker runs. */
async function gotThrough(): Promise<{ signals: number; hints: number; remembered: number }> {
  const client = new Client({ connection });
  let signals = 0;
  let hints = 0;
  for (const side of SIDES) {
    const history = await client.workflow
      .getHandle(hintsWorkflowId(name, side))
      .fetchHistory()
      .catch(() => null);
    signals += (history?.events ?? []).filter(
      (event) => event.workflowExecutionSignaledEventAttributes,
    ).length;
    hints += await mongo.db(name).collection(`hints_${side}`).countDocuments();
  }
  return { signals, hints, remembered: await mongo.db(name).collection('deliveries').countDocuments() };
}

function checkLeaks(text: string, headers = ''): void {
  const found = secrets.filter((secret) => text.includes(secret) || headers.includes(secret));
  expect(found).toEqual([]);
  expect(headers).not.toMatch(/^(server|x-powered-by):/im);
  expect(text.length).toBeLessThan(200);
}

/** Sends all requests, some at the same time. @returns the number of answers with each status */
async function sendAll(deliveries: readonly Sent[]): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {};
  const queue = deliveries.values();
  const lane = async () => {
    for (const sent of queue) {
      const send = () =>
        fetch(`${url}${sent.path}`, { method: 'POST', headers: sent.headers, body: sent.body });
      let answer = await send();
      // This process was too busy to send a request in time, so the receiver never read all of it.
      while (answer.status === 408) answer = await send();
      checkLeaks(
        await answer.text(),
        [...answer.headers].map(([key, value]) => `${key}: ${value}`).join('\n'),
      );
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return statuses;
}

/** Sends raw bytes, piece by piece. @returns the answer until the server closed */
function raw(pieces: readonly (string | Buffer)[], everyMs = 0): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (part) => (answer += part.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    void (async () => {
      for (const piece of pieces) {
        if (socket.destroyed) return;
        socket.write(piece);
        if (everyMs > 0) await sleep(everyMs);
      }
    })();
  });
}

const genuine = () =>
  Math.random() < 0.5
    ? zendeskDelivery(ticketEvent(1), { secret: ZENDESK })
    : pmsDelivery(pmsChange('project', 'P-1'), { secret: PMS });

/** Bodies that are not events: noise, broken JSON, JSON of any shape, and events with one error. */
function malformed(): fc.Arbitrary<string> {
  const event = ticketEvent(5) as Record<string, unknown>;
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(
      '',
      '0',
      -1,
      Number.MAX_VALUE,
      '9'.repeat(40),
      '7; drop',
      '../../etc/passwd',
      '$where',
      '\u0000',
      {},
      [],
    ),
  );
  const without = (key: string) =>
    Object.fromEntries(Object.entries(event).filter(([other]) => other !== key));
  const broken = fc.oneof(
    fc.constantFrom('type', 'subject', 'detail').map(without),
    odd.filter((value) => typeof value !== 'string').map((type) => ({ ...event, type })),
    odd
      .filter((value) => !(typeof value === 'string' && /^zen:(ticket|organization):\d+$/.test(value)))
      .map((subject) => ({ ...event, subject })),
    odd
      .filter((value) => value === null || typeof value !== 'object')
      .map((detail) => ({ ...event, detail })),
    odd
      .filter((id) => !isId(id))
      .map((id) => ({ ...event, type: 'zen:event-type:ticket.comment_added', event: { comment: { id } } })),
    odd.filter((id) => !isId(id)).map((id) => ({ ticket_id: id })),
    fc.integer({ min: 1, max: 2000 }).map((depth) => ({ ...event, subject: nested(depth) })),
    fc.constant({ ...event, type: 'zen:event-type:user.created', subject: 'zen:user:1' }),
  );
  const text = JSON.stringify(event);
  return fc.oneof(
    fc.string({ maxLength: 200, unit: 'binary' }),
    fc.json(),
    fc.integer({ min: 0, max: text.length - 1 }).map((end) => text.slice(0, end)),
    broken.map((value) => JSON.stringify(value)),
    fc.constant('{"__proto__":{"type":"zen:event-type:ticket.created"},"constructor":{"prototype":1}}'),
  );
}

function isId(value: unknown): boolean {
  return (
    (typeof value === 'string' && /^[1-9]\d{0,18}$/.test(value)) ||
    (typeof value === 'number' && Number.isSafeInteger(value) && value > 0)
  );
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i += 1) value = [value];
  return value;
}

test('refuses bad signatures', async () => {
  const before = await gotThrough();
  const change = fc.record({
    how: fc.constantFrom('other', 'flip', 'cut', 'longer', 'none', 'case', 'body', 'array', 'noise', 'zeros'),
    at: fc.nat(30),
    noise: fc.string({ maxLength: 100 }).map((text) => text.replace(/[^\x20-\x7e]/g, '')),
  });
  const sent = fc.sample(change, { numRuns: 2_000, seed: SEED }).map(({ how, at, noise }): Sent => {
    const delivery = genuine();
    const header = delivery.path.endsWith('pms') ? 'x-pms-signature' : 'x-zendesk-webhook-signature';
    const good = delivery.headers[header] ?? '';
    const flipped = String.fromCharCode(good.charCodeAt(at) ^ 1);
    const values: Record<string, string> = {
      other:
        zendeskDelivery(delivery.body, { secret: `guess ${noise}` }).headers['x-zendesk-webhook-signature'] ??
        '',
      flip: `${good.slice(0, at)}${/[\x21-\x7e]/.test(flipped) ? flipped : '~'}${good.slice(at + 1)}`,
      cut: good.slice(0, at),
      longer: `${good}A`,
      case: good.toUpperCase() === good ? `${good}=` : good.toUpperCase(),
      array: `${good}, ${good}`,
      noise,
      zeros: Buffer.alloc(32).toString('base64'),
    };
    if (how === 'none') return { ...delivery, headers: { 'content-type': 'application/json' } };
    if (how === 'body') return { ...delivery, body: `${delivery.body} ` };
    return { ...delivery, headers: { ...delivery.headers, [header]: values[how] ?? '' } };
  });
  expect(await sendAll(sent)).toEqual({ 401: sent.length });
  expect(await gotThrough()).toEqual(before);
  figures.push(['bad signatures', `${sent.length} sent, ${sent.length} answered 401`]);
});

test('refuses timestamps that are too old or in the future', async () => {
  const before = await gotThrough();
  const ages = fc.sample(
    fc.oneof(fc.integer({ min: 6 * MINUTE, max: 1e12 }), fc.integer({ min: -1e12, max: -6 * MINUTE })),
    { numRuns: 1_000, seed: SEED },
  );
  const sent = ages.map((age, i) => {
    const at = Math.min(Math.max(Date.now() - age, 0), 8e15);
    return i % 2 === 0
      ? zendeskDelivery(ticketEvent(1), { secret: ZENDESK, at })
      : pmsDelivery(pmsChange('note', 'N-1'), { secret: PMS, at });
  });
  expect(await sendAll(sent)).toEqual({ 401: sent.length });
  expect(await gotThrough()).toEqual(before);
  figures.push(['old and future timestamps', `${sent.length} sent, ${sent.length} answered 401`]);
});

test('answers a replay and does not process it again', async () => {
  const originals = Array.from({ length: 20 }, (_, i) =>
    i % 2 === 0
      ? zendeskDelivery(ticketEvent(100 + i), { secret: ZENDESK })
      : pmsDelivery(pmsChange('project', `P-${i}`), { secret: PMS }),
  );
  for (const sent of originals) expect((await deliver(url, sent)).text).toBe('{"status":"accepted"}');
  const before = await gotThrough();
  const replays = originals.flatMap((sent) =>
    Array.from({ length: 50 }, (_, i) => {
      const invocation = sent.path.endsWith('pms') ? 'x-pms-delivery' : 'x-zendesk-webhook-invocation-id';
      return i % 2 === 0 ? sent : { ...sent, headers: { ...sent.headers, [invocation]: randomUUID() } };
    }),
  );
  expect(await sendAll(replays)).toEqual({ 200: replays.length });
  expect(await gotThrough()).toEqual(before);
  figures.push([
    'replays',
    `${replays.length} sent of ${originals.length} genuine ones, none handed over again`,
  ]);
});

test('refuses malformed bodies with a valid signature', async () => {
  const before = await gotThrough();
  const bodies = fc.sample(malformed(), { numRuns: BODIES, seed: SEED });
  const started = Date.now();
  const statuses = await sendAll(
    bodies.map((body, i) =>
      i % 4 === 0 ? pmsDelivery(body, { secret: PMS }) : zendeskDelivery(body, { secret: ZENDESK }),
    ),
  );
  const seconds = (Date.now() - started) / 1000;
  // Events of other kinds are genuine, and ignored.
  expect(Object.keys(statuses).every((status) => status === '400' || status === '200')).toBe(true);
  expect(statuses['400']).toBeGreaterThan(BODIES * 0.8);
  expect(await gotThrough()).toEqual(before);
  figures.push([
    'malformed bodies',
    `${BODIES} sent, ${statuses['400']} answered 400, ${statuses['200'] ?? 0} ignored, ${Math.round(BODIES / seconds)} a second`,
  ]);
});

test('refuses huge bodies', async () => {
  const before = await gotThrough();
  const megabyte = 'x'.repeat(1024 * 1024);
  const signed = (body: string) => zendeskDelivery(body, { secret: ZENDESK });
  const answers: string[] = [];
  for (const size of [1, 8, 64]) {
    const { headers, body } = signed(JSON.stringify({ pad: megabyte.repeat(size) }));
    const head = Object.entries(headers)
      .map(([key, value]) => `${key}: ${value}`)
      .join('\r\n');
    answers.push(
      await raw([
        `POST /webhooks/zendesk HTTP/1.1\r\nhost: x\r\n${head}\r\ncontent-length: ${body.length}\r\n\r\n`,
        body,
      ]),
    );
    // Without a Content-Length.
    const chunks = Array.from({ length: size }, () => `${megabyte.length.toString(16)}\r\n${megabyte}\r\n`);
    answers.push(
      await raw([
        `POST /webhooks/zendesk HTTP/1.1\r\nhost: x\r\n${head}\r\ntransfer-encoding: chunked\r\n\r\n`,
        ...chunks,
        '0\r\n\r\n',
      ]),
    );
    // The receiver reads no body of an unknown sender.
    answers.push(
      await raw([
        `POST /webhooks/zendesk HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
        body,
      ]),
    );
  }
  for (const answer of answers) {
    // The connection may be cut before the end of the answer.
    if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 (413|401|400) /);
    checkLeaks(answer.split('\r\n\r\n')[1] ?? '', answer.split('\r\n\r\n')[0]);
  }
  expect(await gotThrough()).toEqual(before);
  const codes = answers.map((answer) => answer.slice(9, 12) || 'cut').join(' ');
  figures.push(['huge bodies (1, 8, 64 MB)', `${answers.length} sent: ${codes}`]);
});

test('refuses invalid HTTP and unknown paths', async () => {
  const before = await gotThrough();
  const noise = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), { numRuns: 200, seed: SEED });
  const requests = [
    ...noise.map((bytes) => Buffer.concat([bytes, Buffer.from('\r\n\r\n')])),
    'GET / HTTP/9.9\r\n\r\n',
    'POST /webhooks/zendesk HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /readyz HTTP/1.1\r\nhost: x\r\n\r\n',
    'POST /webhooks/zendesk HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n',
    `GET /healthz HTTP/1.1\r\nhost: x\r\n${'a'.repeat(20_000)}: b\r\n\r\n`,
    `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
  ];
  const open = setInterval(() => undefined, 1_000);
  for (const request of requests) {
    const answer = await Promise.race([raw([request]), sleep(12_000, 'open')]);
    expect(answer === '' || /^HTTP\/1\.1 4\d\d /.test(answer)).toBe(true);
    checkLeaks(answer.split('\r\n\r\n')[1] ?? '', answer.split('\r\n\r\n')[0]);
  }
  clearInterval(open);
  const paths = [
    '/',
    '/webhooks',
    '/webhooks/zendesk/',
    '/webhooks/%00',
    '/%',
    '/../../etc/passwd',
    '/webhooks/pms/..',
    '//x',
    '/_sandbox/state',
  ];
  for (const at of paths)
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const answer = await fetch(`${url}${at}`, { method });
      expect([400, 404, 415]).toContain(answer.status);
      checkLeaks(await answer.text());
    }
  expect((await fetch(`${url}/webhooks/zendesk`)).status).toBe(404);
  expect(
    (
      await fetch(`${url}/webhooks/zendesk`, {
        method: 'POST',
        body: 'a=b',
        headers: { 'content-type': 'text/xml' },
      })
    ).status,
  ).toBe(401);
  expect(await gotThrough()).toEqual(before);
  figures.push(['no HTTP, or nowhere', `${requests.length} raw, ${paths.length * 6} paths: 4xx or cut`]);
});

test('serves others while clients are slow', async () => {
  const before = await gotThrough();
  const { headers, body } = zendeskDelivery(ticketEvent(5), { secret: ZENDESK });
  const head = `POST /webhooks/zendesk HTTP/1.1\r\nhost: x\r\n${Object.entries(headers)
    .map(([key, value]) => `${key}: ${value}`)
    .join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n`;
  const started = Date.now();
  const slow = [
    // Headers, byte by byte.
    ...Array.from({ length: 60 }, () => raw([...head], 300)),
    // A body, byte by byte, with a valid signature.
    ...Array.from({ length: 60 }, () => raw([head, ...body], 300)),
    // No bytes at all.
    ...Array.from({ length: 60 }, () => raw([])),
  ];
  let served = 0;
  let slowest = 0;
  const closed = Promise.all(slow).then((answers) => ({ answers, after: Date.now() - started }));
  let done: { answers: string[]; after: number } | null = null;
  void closed.then((result) => (done = result));
  while (!done) {
    const asked = Date.now();
    expect((await deliver(url, zendeskDelivery(ticketEvent(900), { secret: ZENDESK }))).status).toBe(200);
    slowest = Math.max(slowest, Date.now() - asked);
    served += 1;
    await sleep(100);
  }
  const { answers, after } = await closed;
  for (const answer of answers) {
    expect(answer === '' || /^HTTP\/1\.1 (408|400) /.test(answer)).toBe(true);
    checkLeaks(answer.split('\r\n\r\n')[1] ?? '', answer.split('\r\n\r\n')[0]);
  }
  // The genuine ones left one hint, and the slow ones none.
  expect((await gotThrough()).hints - before.hints).toBe(1);
  figures.push([
    'slow clients',
    `${slow.length} at once, all cut within ${(after / 1000).toFixed(0)} s; ${served} genuine deliveries meanwhile, slowest ${slowest} ms`,
  ]);
});

test('the same process is still running, and logged nothing secret', async () => {
  expect(child.exitCode).toBeNull();
  for (const secret of [ZENDESK, PMS]) expect(output).not.toContain(secret);
  expect(output).not.toMatch(/"level":(50|60)/);
  const status = existsSync(`/proc/${child.pid}/status`)
    ? readFileSync(`/proc/${child.pid}/status`, 'utf8')
    : '';
  const [, peak] = /VmHWM:\s+(\d+)/.exec(status) ?? [];
  if (peak !== undefined) figures.push(['memory at its highest', `${Math.round(Number(peak) / 1024)} MB`]);
  const { signals, hints } = await gotThrough();
  figures.push(['handed over in all', `${signals} signals, ${hints} hints, all of genuine deliveries`]);
});
