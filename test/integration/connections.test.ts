import { copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { controlsOf } from 'testkit';
import { Visitor } from '../support/console';
import { startConnections, webhookSecret, type ConnectionsWorld } from '../support/connections';
import { deliver, pmsChange, pmsDelivery } from '../support/deliveries';
import { MAPPING_FILE, type Sandboxes } from '../support/sandboxes';
import { until } from '../support/serviceProcess';

/** Several accounts in one process, over real HTTP: no account sees, uses or blocks another account's data. */

const titlesOf = ({ pms }: Sandboxes) => [...pms.store.all('project')].map(({ title }) => String(title));
const subjectsOf = ({ zendesk }: Sandboxes) =>
  [...zendesk.store.tickets.values()].map(({ subject }) => subject);

async function makeTicket(boxes: Sandboxes, subject: string): Promise<number> {
  const made = await boxes.zd('POST', '/tickets', { ticket: { subject, comment: { body: subject } } });
  return (made['ticket'] as { id: number }).id;
}

async function refusals({ zendesk, pms }: Sandboxes): Promise<number> {
  const answers = await Promise.all([zendesk, pms].map((sandbox) => controlsOf(sandbox).calls()));
  return answers
    .flat()
    .filter(({ status }) => status === 429)
    .reduce((sum, { count }) => sum + count, 0);
}

describe('two connections in one process', () => {
  let world: ConnectionsWorld;
  let acme: Sandboxes;
  let globex: Sandboxes;
  let ticket: number;

  beforeAll(async () => {
    world = await startConnections(['acme', 'globex']);
    ({ acme, globex } = world.boxes as { acme: Sandboxes; globex: Sandboxes });
    ticket = await makeTicket(acme, 'of acme');
    expect(await makeTicket(globex, 'of globex')).toBe(ticket);
    await until(() => titlesOf(acme).length > 0 && titlesOf(globex).length > 0);
  });
  afterAll(async () => world.stop());

  test('treat the same ids as different records', async () => {
    expect(titlesOf(acme)).toEqual(['of acme']);
    expect(titlesOf(globex)).toEqual(['of globex']);
    const [project] = [...globex.pms.store.all('project')];
    await globex.pm('PATCH', `/projects/${project?.id}`, { title: 'globex again' });
    await until(() => subjectsOf(globex).includes('globex again'));
    expect(subjectsOf(acme)).toEqual(['of acme']);
    const key = `TicketToProject/zendesk:ticket:${ticket}`;
    for (const name of ['acme', 'globex']) {
      // Each pair has its own workflow, whose id names the connection.
      const { taskQueue } = await world.client.workflow
        .getHandle(`${world.taskQueue(name)}/${key}`)
        .describe();
      expect(taskQueue).toBe(world.taskQueue(name));
      await until(async () => {
        const link = await world
          .db(name)
          .collection<{ _id: string; status: string }>('links')
          .findOne({ _id: key });
        return link?.status === 'linked';
      });
    }
  });

  test('a webhook is accepted with the secret of its own connection only', async () => {
    const [project] = [...acme.pms.store.all('project')];
    const body = pmsChange('project', project?.id ?? '');
    const to = (name: string, secret: string) => ({
      ...pmsDelivery(body, { secret }),
      path: `/webhooks/${name}/pms`,
    });
    const ofAcme = webhookSecret('acme');
    expect((await deliver(world.intakeUrl, to('globex', ofAcme))).status).toBe(401);
    expect((await deliver(world.intakeUrl, to('acme', ofAcme))).status).toBe(200);
    // There is no path for all connections.
    expect((await deliver(world.intakeUrl, pmsDelivery(body, { secret: ofAcme }))).status).toBe(404);
  });

  test('commands ask for a connection; status and doctor show all', async () => {
    const unnamed = await world.run('conflicts', 'list');
    expect([unnamed.code, unnamed.err.trim()]).toEqual([
      2,
      '--connection: found nothing, expected one of acme, globex',
    ]);
    const named = await world.run('links', 'show', `zendesk:ticket:${ticket}`, '--connection', 'acme');
    expect(named.out).toContain(`TicketToProject/zendesk:ticket:${ticket}`);
    // A Temporal server that answers late, for example one that many tests share, counts as unavailable.
    let status: Record<string, { workers: number | null }> = {};
    await until(async () => {
      status = JSON.parse((await world.run('status', '--json')).out) as typeof status;
      return Object.values(status).every(({ workers }) => workers !== null);
    });
    expect(Object.entries(status)).toMatchObject([
      ['acme', { workers: 1, failedStarts: [] }],
      ['globex', { workers: 1, failedStarts: [] }],
    ]);
    const doctor = await world.run('doctor', '--json');
    const findings = JSON.parse(doctor.out) as { connection: string; what: string; found: string }[];
    const credentials = findings.filter(({ what }) => what === 'PMS: credential');
    expect(credentials.map(({ connection, found }) => [connection, found.split(' ')[0]])).toEqual([
      ['acme', acme.pms.url],
      ['globex', globex.pms.url],
    ]);
  });

  test('metrics have the connection’s name, and each metric is exported once', async () => {
    const text = await (await fetch(world.metricsUrl)).text();
    for (const name of ['acme', 'globex'])
      expect(text).toMatch(new RegExp(`^zps_writes_total\\{.*connection="${name}".*\\} [1-9]`, 'm'));
    const types = text
      .split('\n')
      .filter((line) => line.startsWith('# TYPE zps_') || line.startsWith('# TYPE process_'));
    expect(types.length).toBeGreaterThan(10);
    expect(new Set(types).size).toBe(types.length);
  });

  test('the console shows each connection on its own pages', async () => {
    const visitor = new Visitor(world.consoleUrl);
    await visitor.logIn();
    const { text } = await visitor.get('/console');
    for (const name of ['acme', 'globex']) expect(text).toContain(`href="/console/connections/${name}"`);
    const key = `TicketToProject/zendesk:ticket:${ticket}`;
    const page = await visitor.get(`/console/connections/globex/pair?key=${encodeURIComponent(key)}`);
    expect(page.text).toContain('globex again');
    expect(page.text).not.toContain('of acme');
    // The action concerns the pair of that connection, though the other connection has a pair with the same key.
    const formToken = await visitor.formToken('/console/connections/globex/schedules');
    const done = await visitor.post('/console/connections/globex/pair/resync', {
      key,
      what: 'resync',
      formToken,
    });
    expect([
      done.status,
      done.headers.get('location')?.startsWith('/console/connections/globex/pair?'),
    ]).toEqual([303, true]);
    const other = `${world.taskQueue('acme')}-hygiene`;
    const form = { id: other, what: 'pause', formToken };
    expect((await visitor.post('/console/connections/globex/schedules', form)).status).toBe(400);
  });

  test('a flood of changes and of 429 answers on one does not affect the other', async () => {
    const flooded = 400;
    const edits = 25;
    const before = await refusals(globex);
    const storm = {
      route: '^(POST|PATCH) ',
      kind: 'status',
      status: 429,
      retryAfterSeconds: 1,
      probability: 0.7,
    } as const;
    await controlsOf(acme.pms).setFaults(storm);
    const agent = acme.zendesk.store.userByEmail.get('ann@sandbox.example');
    if (!agent) throw new Error('the sandbox has no Ann');
    for (let n = 0; n < flooded; n += 1)
      acme.zendesk.tickets.create(
        { subject: `flood ${n}`, comment: { body: 'x' }, requester_id: agent.id },
        agent,
      );
    // The flood arrives before the other connection's people begin.
    const waiting = () => world.db('acme').collection('observations').countDocuments();
    await until(async () => (await waiting()) > flooded / 2);
    for (let n = 0; n < edits; n += 1) await makeTicket(globex, `quiet ${n}`);
    const arrived = () => titlesOf(globex).filter((title) => title.startsWith('quiet ')).length;
    await until(() => arrived() === edits);
    const left = flooded - titlesOf(acme).filter((title) => title.startsWith('flood ')).length;
    expect(left).toBeGreaterThan(flooded / 2);
    expect(await refusals(acme)).toBeGreaterThan(0);
    expect(await refusals(globex)).toBe(before);
    expect(titlesOf(globex).some((title) => title.startsWith('flood '))).toBe(false);

    await controlsOf(acme.pms).clearFaults();
    await until(() => titlesOf(acme).filter((title) => title.startsWith('flood ')).length === flooded);
    // The queues and the store of one connection never had a pair of the other.
    const strangers = (name: string, other: string) =>
      world.client.workflow.count(
        `TaskQueue STARTS_WITH '${world.taskQueue(name)}' AND WorkflowId STARTS_WITH '${world.taskQueue(other)}'`,
      );
    for (const [name, other] of [
      ['acme', 'globex'],
      ['globex', 'acme'],
    ] as const)
      expect((await strangers(name, other)).count).toBe(0);
    const links = await world.db('globex').collection('links').countDocuments({ entity: 'TicketToProject' });
    expect(links).toBe(1 + edits);
  }, 600_000);
});

describe('a connection that cannot start', () => {
  let world: ConnectionsWorld;
  beforeAll(async () => {
    world = await startConnections(['acme', 'initech'], ['initech']);
  });
  afterAll(async () => world.stop());

  const failing = async () => {
    const { out } = await world.run('status', '--json');
    const { initech } = JSON.parse(out) as {
      initech: { failedStarts: { why: string }[]; worries: string[] };
    };
    return initech;
  };

  test('is reported, does not stop the others, and starts once the cause is fixed', async () => {
    const { acme, initech } = world.boxes as { acme: Sandboxes; initech: Sandboxes };
    await makeTicket(acme, 'runs');
    await makeTicket(initech, 'waits');
    await until(() => titlesOf(acme).includes('runs'));
    await until(async () => (await failing()).failedStarts.length > 0);
    const { failedStarts, worries } = await failing();
    expect(failedStarts[0]?.why).toMatch(/PMS.*PMS_TOKEN/);
    expect(worries.join()).toContain('cannot serve this connection');
    expect((await world.run('status')).code).toBe(1);
    expect(world.service.output).not.toContain('wrong-credential');

    // The next error is met after the first is fixed.
    writeFileSync(path.join(world.folder, 'initech.yaml'), 'version: 1\nentities: {}\n');
    writeFileSync(path.join(world.folder, 'initech-pms'), initech.pms.token);
    await until(async () => /initech\.yaml/.test((await failing()).failedStarts[0]?.why ?? ''));
    expect(titlesOf(initech)).toEqual([]);
    copyFileSync(MAPPING_FILE, path.join(world.folder, 'initech.yaml'));
    await until(() => titlesOf(initech).includes('waits'));
    expect((await failing()).failedStarts).toEqual([]);
  });
});
