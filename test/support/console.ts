import { MongoClient, type Db } from 'mongodb';
import { pino } from 'pino';
import { controlsOf } from 'testkit';
import { startConsole, type Console, type ConsoleConfig } from '../../src/operator/cli/serveConsole';
import { checkMapping, loadMapping } from '../../src/config/loadMapping';
import { ensureSchedules } from '../../src/workers/schedules';
import { manualMapping } from './manualMapping';
import { startSandboxes, type Sandboxes } from './sandboxes';
import { testServers } from './servers';
import { startStack, type Stack } from './stack';

/** The sync with both sandboxes, and a console for it, on the servers of the test run. */
export interface ConsoleWorld {
  boxes: Sandboxes;
  stack: Stack;
  db: Db;
  mappingFile: string;
  /** Another database of the same server. */
  dbOf(name: string): Db;
  /** Starts another console over this world's links, which ends with the world. @param more its connections */
  serve(settings: Partial<ConsoleConfig>, ...more: Partial<ConsoleConfig>[]): Promise<string>;
  /** A linked pair. */
  pair(subject: string): Promise<{ key: string; ticket: number; project: string }>;
  /** A pair whose titles and due dates differ, for a person to decide. */
  conflict(subject: string): Promise<{ key: string; ticket: number; project: string }>;
  /** A pair whose update Zendesk refuses, until `fix` is called. */
  quarantined(subject: string): Promise<{ key: string; ticket: number; fix: () => Promise<void> }>;
  stop(): Promise<void>;
}

export const TOKEN = 'a-console-token-for-tests';

/** @param rows of tickets, in addition to those of the shipped mapping; they may need fields that they create */
export async function startConsoleWorld(
  rows: (boxes: Sandboxes) => Promise<readonly object[]> = async () => [],
): Promise<ConsoleWorld> {
  const boxes = await startSandboxes();
  const mappingFile = manualMapping(await rows(boxes));
  boxes.mapping = await checkMapping(loadMapping(mappingFile), boxes.systems, mappingFile);
  const stack = await startStack(testServers(), boxes.mapping, boxes.systems);
  const { taskQueue } = stack;
  // The Schedules exist for the pages, and run too seldom to disturb the test.
  await ensureSchedules(stack.client, taskQueue, {
    pollSeconds: { zendesk: 86_400, pms: 86_400 },
    reconcileCron: '0 3 1 1 *',
    hygieneMinutes: 1_440,
  });
  const mongo = await MongoClient.connect(testServers().mongodbUri);
  const consoles: Console[] = [];
  const projectOf = (ticket: number) =>
    [...boxes.pms.store.all('project')].find(({ externalRef }) => externalRef === `zendesk:ticket:${ticket}`)
      ?.id ?? 'none';

  async function pair(subject: string) {
    const comment = { body: 'It smokes.' };
    const made = await boxes.zd('POST', '/tickets', {
      ticket: { subject, comment, tags: ['a'], type: 'task' },
    });
    const ticket = (made['ticket'] as { id: number }).id;
    await stack.settle();
    return { key: `TicketToProject/zendesk:ticket:${ticket}`, ticket, project: projectOf(ticket) };
  }

  return {
    boxes,
    stack,
    db: mongo.db(taskQueue),
    mappingFile,
    dbOf: (name) => mongo.db(name),
    pair,
    async serve(settings, ...more) {
      const configOf = (each: Partial<ConsoleConfig>): ConsoleConfig => ({
        connection: null,
        pairPrefix: '',
        consoleHost: '127.0.0.1',
        consolePort: 0,
        consoleTrustedProxies: [],
        taskQueue,
        temporalNamespace: 'default',
        mongodbDatabase: taskQueue,
        mappingFile,
        ...each,
      });
      const served = await startConsole(
        [configOf(settings), ...more.map(configOf)],
        testServers(),
        pino({ level: process.env['LOG_LEVEL'] ?? 'silent' }),
      );
      if (!served) throw new Error('no way into the console is configured');
      consoles.push(served);
      return `http://127.0.0.1:${served.port}`;
    },
    async conflict(subject) {
      const both = await pair(subject);
      await boxes.zd('PUT', `/tickets/${both.ticket}`, {
        ticket: { subject: `${subject} in Zendesk`, due_at: '2026-12-01T00:00:00Z' },
      });
      await boxes.pm('PATCH', `/projects/${both.project}`, {
        title: `${subject} in the PMS`,
        dueDate: '2027-01-01T00:00:00Z',
      });
      await stack.settle();
      return both;
    },
    async quarantined(subject) {
      const { key, ticket, project } = await pair(subject);
      const controls = controlsOf(boxes.zendesk);
      await controls.setFaults({ route: `^PUT /api/v2/tickets/${ticket}`, kind: 'status', status: 422 });
      await boxes.pm('PATCH', `/projects/${project}`, { status: 'waiting' });
      await stack.settle();
      return { key, ticket, fix: () => controls.clearFaults() };
    },
    async stop() {
      for (const served of consoles) await served.stop();
      for (const what of ['poll-zendesk', 'poll-pms', 'reconcile', 'hygiene'])
        await stack.client.schedule.getHandle(`${taskQueue}-${what}`).delete();
      await mongo.close();
      await stack.stop();
      await boxes.close();
    },
  };
}

/** A visitor without a browser: keeps a cookie, and sends forms like Chromium. */
export class Visitor {
  private cookie = '';

  constructor(
    private readonly url: string,
    private readonly headers: Record<string, string> = {},
  ) {}

  async get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send(path, { headers });
  }

  /** @param headers replace those that show the console as the form's origin */
  async post(
    path: string,
    fields: Record<string, string>,
    headers: Record<string, string> = { origin: this.url, 'sec-fetch-site': 'same-origin' },
  ): Promise<Answer> {
    return this.send(path, { method: 'POST', body: new URLSearchParams(fields), headers });
  }

  async logIn(name = 'Ann', token = TOKEN): Promise<Answer> {
    return this.post('/console/login', { token, name });
  }

  /** The token in the forms of a page. */
  async formToken(path = '/console/schedules'): Promise<string> {
    const { status, text } = await this.get(path);
    const token = /name="formToken" value="([^"]+)"/.exec(text)?.[1];
    if (token === undefined) throw new Error(`${path} (${status}) has no form`);
    return token;
  }

  private async send(
    path: string,
    { headers, ...request }: { method?: string; body?: URLSearchParams; headers: Record<string, string> },
  ): Promise<Answer> {
    const answer = await fetch(`${this.url}${path}`, {
      ...request,
      redirect: 'manual',
      headers: { ...this.headers, ...(this.cookie && { cookie: this.cookie }), ...headers },
    });
    const set = answer.headers.get('set-cookie');
    if (set !== null) this.cookie = set.split(';')[0] ?? '';
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}
