import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { controlsOf } from 'testkit';
import type { CallCount } from 'zendesk-sandbox/common';
import { Identities } from '../../src/links/identities';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { ServiceProcess, runCommand, serviceEnvironment, until } from '../support/serviceProcess';

/** An account that moves from an API token to OAuth: from then on, the sync acts as another user. */

const OLD = 'old-sync@sandbox.example';
const TICKETS = 4;

let boxes: Sandboxes;
let mongo: MongoClient;
const name = `migration-${randomUUID().slice(0, 8)}`;

beforeAll(async () => {
  boxes = await startSandboxes({ zendesk: { apiTokens: true } });
  boxes.zendesk.store.addUser({ name: 'Old Sync', email: OLD, role: 'admin' });
  mongo = await MongoClient.connect(testServers().mongodbUri);
});
afterAll(async () => {
  await mongo.close();
  await boxes.close();
});

/** Successful writes of the sync, under either user. */
async function syncWrites(): Promise<{ zendesk: number; pms: number }> {
  const sum = (counts: CallCount[], users: string[]) =>
    counts
      .filter(({ user, method, status, route }) => {
        const writes = method !== 'GET' && status < 300 && !route.startsWith('/oauth');
        return writes && users.includes(user);
      })
      .reduce((total, { count }) => total + count, 0);
  return {
    zendesk: sum(await controlsOf(boxes.zendesk).calls(), [OLD, boxes.zendesk.adminEmail]),
    pms: sum(await controlsOf(boxes.pms).calls(), ['sync@pms.example']),
  };
}

/** Reads of the changes of both sides, which the service makes once a second. */
const polls = async (): Promise<number> =>
  (await controlsOf(boxes.zendesk).calls())
    .filter(({ route }) => route.endsWith('/tickets/cursor'))
    .reduce((sum, { count }) => sum + count, 0);

/** A subject and a project's number of both sides, once they agree; null until then. */
function agreement(tickets: readonly number[]): string[] | null {
  const projects = [...boxes.pms.store.all('project')];
  const found = tickets.map((id) => {
    const ticket = boxes.zendesk.store.tickets.get(id);
    const project = projects.find((each) => each['externalRef'] === `zendesk:ticket:${id}`);
    return ticket && project?.['title'] === ticket.subject && project['priority'] === ticket.priority
      ? `${ticket.subject}, ${String(ticket.priority)}`
      : null;
  });
  return found.every((each) => each !== null) ? found : null;
}

test('a change of user during edits: no loss, no duplicates, no echo, and both users are recognised', async () => {
  const { ZENDESK_OAUTH_CLIENT_ID, ZENDESK_OAUTH_CLIENT_SECRET, ...common } = {
    ...serviceEnvironment(boxes, name),
    ZENDESK_OAUTH_CLIENT_ID: boxes.zendesk.clientId,
    ZENDESK_OAUTH_CLIENT_SECRET: boxes.zendesk.clientSecret,
  };
  const byToken = { ...common, ZENDESK_EMAIL: OLD, ZENDESK_API_TOKEN: boxes.zendesk.apiToken };
  // The API token stays in the settings, and the OAuth client takes precedence.
  const byOAuth = { ...byToken, ZENDESK_OAUTH_CLIENT_ID, ZENDESK_OAUTH_CLIENT_SECRET };
  const tickets: number[] = [];
  for (let n = 0; n < TICKETS; n += 1) {
    const made = await boxes.zd('POST', '/tickets', {
      ticket: { subject: `subject ${n}`, priority: 'low', comment: { body: 'words' } },
    });
    tickets.push((made['ticket'] as { id: number }).id);
  }
  const old = new ServiceProcess(byToken);
  await until(() => agreement(tickets) !== null);
  expect(
    await runCommand(byToken, 'status').catch((error: unknown) => (error as { stdout: string }).stdout),
  ).toMatch(/Zendesk API tokens end on 2027-04-30, in \d+ days: create an OAuth client/);

  const edits = ['high', 'urgent', 'normal', 'low', 'high'];
  const round = async (n: number) => {
    for (const [place, id] of tickets.entries()) {
      const project = [...boxes.pms.store.all('project')].find(
        (each) => each['externalRef'] === `zendesk:ticket:${id}`,
      );
      await boxes.zd('PUT', `/tickets/${id}`, { ticket: { priority: edits[n] } });
      await boxes.pm('PATCH', `/projects/${String(project?.id)}`, { title: `title ${place}, round ${n}` });
    }
  };
  await round(0);
  const stopping = old.signal('SIGTERM');
  await round(1);
  expect(await stopping).toBe(0);
  await round(2);
  const next = new ServiceProcess(byOAuth);
  await round(3);
  await until(async () => (await polls()) > 0 && next.output.includes('running'));
  await round(4);
  const expected = tickets.map((_, place) => `title ${place}, round 4, high`);
  await until(() => JSON.stringify(agreement(tickets)) === JSON.stringify(expected));

  expect([...boxes.pms.store.all('project')]).toHaveLength(TICKETS);
  const before = { writes: await syncWrites(), polls: await polls() };
  await until(async () => (await polls()) > before.polls + 4);
  expect(await syncWrites()).toEqual(before.writes);
  const identities = await new Identities(mongo.db(name)).all('zendesk');
  const idOf = (email: string) => String(boxes.zendesk.store.userByEmail.get(email)?.id);
  expect(identities).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ id: idOf(OLD), by: 'apiToken', until: expect.any(String) as unknown }),
      expect.objectContaining({ id: idOf(boxes.zendesk.adminEmail), by: 'oauth', until: null }),
    ]),
  );
  expect(await next.signal('SIGTERM')).toBe(0);
  expect(old.output + next.output).not.toContain('"level":50');
});

describe('which changes count as our own', () => {
  const at = new Date('2026-12-01T12:00:00Z');
  const later = (hours: number) => at.getTime() + hours * 3_600_000;

  test('the former user’s until a day after the change; the present user’s always', async () => {
    const identities = new Identities(mongo.db(`${name}-ours`));
    await identities.actAs('zendesk', '1', 'apiToken', new Date(later(-1_000)));
    await identities.actAs('zendesk', '2', 'oauth', at);
    const isOurs = await identities.ours('zendesk', '2', at);
    expect(isOurs('2', later(10_000))).toBe(true);
    expect(isOurs('1', later(-5))).toBe(true);
    expect(isOurs('1', later(23))).toBe(true);
    expect(isOurs('1', later(25))).toBe(false);
    expect(isOurs('3', later(-5))).toBe(false);
    expect((await identities.ours('pms', '7', at))('2', later(-5))).toBe(false);
  });

  test('a user who is configured again is the present one', async () => {
    const identities = new Identities(mongo.db(`${name}-back`));
    for (const id of ['1', '2', '1']) await identities.actAs('zendesk', id, 'oauth', at);
    const all = await identities.all('zendesk');
    expect(all.map(({ id, until }) => [id, until]).sort()).toEqual([
      ['1', null],
      ['2', at.toISOString()],
    ]);
  });
});
