import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { BSON, MongoClient } from 'mongodb';
import { controlsOf } from 'testkit';
import { EncryptionCodec } from '../../src/platform/encryption/codec';
import { parseEncryptionKeys } from '../../src/platform/encryption/encryptionKeys';
import { SIDES } from '../../src/sync/record';
import { pollScheduleId } from '../../src/workers/schedules';
import { MAPPING_FILE, startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { ServiceProcess, serviceEnvironment, until } from '../support/serviceProcess';

/** Where secrets may be: credentials nowhere, contents in the link store alone. All log levels are on. */

const ZENDESK_SECRET = 'credential-of-zendesk-4711';
const PMS_TOKEN = 'credential-of-the-pms-4712';
const KEYS = { a: randomBytes(32).toString('base64'), b: randomBytes(32).toString('base64') };
/** Texts of a person, which no message of the service contains. */
const CONTENTS = [
  'Xylograph',
  'Quagmire',
  'Zugzwang',
  'Flibbertigibbet',
  'Syzygy',
  'Borborygmus',
  'carla.kerfuffle',
  'edited-gobbledygook',
];

describe.each<[string, Record<string, string>]>([
  ['with plain payloads', {}],
  ['with encrypted payloads', { ENCRYPTION_KEYS: `a:${KEYS.a}` }],
])('secrecy, %s', (_, encryption) => {
  const name = `secrecy-${randomUUID().slice(0, 8)}`;
  const encrypted = 'ENCRYPTION_KEYS' in encryption;
  let boxes: Sandboxes;
  let mongo: MongoClient;
  let connection: Connection;
  let client: Client;
  let env: Record<string, string>;

  beforeAll(async () => {
    boxes = await startSandboxes({ zendesk: { clientSecret: ZENDESK_SECRET }, pms: { token: PMS_TOKEN } });
    mongo = await MongoClient.connect(testServers().mongodbUri);
    connection = await Connection.connect({ address: testServers().temporalAddress });
    client = new Client({ connection });
    // An organization's details must be a number, so a text there ends in quarantine, with the text in its reason.
    const mapping = path.join(mkdtempSync(path.join(tmpdir(), 'zps-secrecy-')), 'mapping.yaml');
    const row = 'zendesk: details, pms: description, type: text';
    const text = readFileSync(MAPPING_FILE, 'utf8');
    expect(text).toContain(row);
    writeFileSync(mapping, text.replace(row, row.replace('text', 'integer')));
    env = {
      ...serviceEnvironment(boxes, name),
      MAPPING_FILE: mapping,
      LOG_LEVEL: 'trace',
      ...encryption,
    };
  });
  afterAll(async () => {
    for (const side of SIDES) await client.schedule.getHandle(pollScheduleId(name, side)).delete();
    await connection.close();
    await mongo.close();
    await boxes.close();
  });

  const links = () => mongo.db(name).collection<{ _id: string; status: string }>('links').find().toArray();
  const project = () => [...boxes.pms.store.all('project')][0];

  test('neither credentials nor content are in logs and histories', async () => {
    await controlsOf(boxes.pms).setFaults(
      { route: '^POST', kind: 'status', status: 500, times: 1 },
      { route: '^POST', kind: 'malformed', times: 1 },
      { route: '^POST', kind: 'timeoutAfterWrite', times: 1 },
      { route: '^GET /api/v1/changes', kind: 'reset', times: 1 },
    );
    await boxes.zd('POST', '/organizations', { organization: { name: 'Xylograph', notes: 'Quagmire' } });
    const odd = await boxes.zd('POST', '/organizations', {
      organization: { name: 'Zugzwang', details: 'Flibbertigibbet' },
    });
    const made = await boxes.zd('POST', '/tickets', {
      ticket: {
        subject: 'Syzygy',
        comment: { body: 'Borborygmus' },
        requester: { email: 'carla.kerfuffle@acme.example', name: 'Carla' },
      },
    });
    const ticketId = (made['ticket'] as { id: number }).id;
    const oddId = (odd['organization'] as { id: number }).id;
    const key = `TicketToProject/zendesk:ticket:${ticketId}`;

    const first = new ServiceProcess(env);
    await until(async () => {
      const status = new Map((await links()).map((link) => [link._id, link.status]));
      return (
        status.get(key) === 'linked' &&
        status.get(`OrgToCustomer/zendesk:organization:${oddId}`) === 'quarantined' &&
        [...status.values()].filter((each) => each === 'linked').length === 2
      );
    });
    expect(await first.signal('SIGTERM')).toBe(0);
    // The next worker has a new key for writing, and reads payloads of the old key.
    const rotated = encrypted ? { ENCRYPTION_KEYS: `b:${KEYS.b},a:${KEYS.a}` } : {};
    const second = new ServiceProcess({ ...env, ...rotated });
    await boxes.zd('PUT', `/tickets/${ticketId}`, { ticket: { subject: 'edited-gobbledygook' } });
    await until(() => project()?.['title'] === 'edited-gobbledygook');
    expect(await second.signal('SIGTERM')).toBe(0);
    // The secrets were in use, so the test can fail.
    const stored = BSON.EJSON.stringify(await links());
    for (const word of ['Xylograph', 'Flibbertigibbet', 'edited-gobbledygook'])
      expect(stored).toContain(word);

    const histories = await allHistories();
    expect(histories.size).toBeGreaterThan(4);
    expect([...histories.keys()].map((id) => id.split(' ')[0])).toContain(key);
    const tokens = boxes.zendesk.oauth.tokens.list().map(({ value }) => value);
    // Each of the two workers minted at least one token.
    expect(boxes.zendesk.oauth.mints.length).toBeGreaterThan(1);
    expect(tokens.length).toBeGreaterThanOrEqual(boxes.zendesk.oauth.mints.length);
    const credentials = [ZENDESK_SECRET, PMS_TOKEN, KEYS.a, KEYS.b, ...tokens];
    const places = new Map([...histories, ['log', Buffer.from(first.output + second.output)]]);
    for (const word of [...credentials, ...CONTENTS])
      for (const [place, bytes] of places)
        expect({ place, word, there: bytes.includes(word) }).toMatchObject({ there: false });
    for (const word of credentials) expect(stored).not.toContain(word);
    expect(first.output.split('\n').length).toBeGreaterThan(5);
  });

  if (encrypted) {
    test('only ids, statuses and trace ids are readable, and each key decrypts its own payloads', async () => {
      const all = Buffer.concat([...(await allHistories()).values()]);
      expect(all.includes('binary/encrypted')).toBe(true);
      // The messages of the workflows to people and to each other.
      for (const word of ['"hints"', '"cursor"', 'does not', '"next"', '"fresh"'])
        expect(all.includes(word)).toBe(false);
      const [pair] = await links();
      const { events } = await client.workflow.getHandle(pair?._id ?? '').fetchHistory();
      const input = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
      const codec = new EncryptionCodec(parseEncryptionKeys(`b:${KEYS.b},a:${KEYS.a}`));
      const [opened] = await codec.decode(input);
      expect(JSON.parse(Buffer.from(opened?.data ?? []).toString())).toBe(pair?._id);
    });
  }

  /** Every history of this test, as the server stores it: bytes by workflow id. */
  async function allHistories(): Promise<Map<string, Buffer>> {
    const found = new Map<string, Buffer>();
    await until(async () => {
      for await (const { workflowId, runId } of client.workflow.list({ query: `TaskQueue = '${name}'` })) {
        const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
        const bytes = temporal.api.history.v1.History.encode(history).finish();
        found.set(`${workflowId} ${runId}`, Buffer.from(bytes));
      }
      // The list is updated with a delay.
      const pairs = (await links()).map((link) => link._id);
      return pairs.every((key) => [...found.keys()].some((id) => id.startsWith(`${key} `)));
    });
    return found;
  }
});
