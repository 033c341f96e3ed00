import { randomUUID } from 'node:crypto';
import type { PauseState } from '../../src/activities/types';
import { ensureControl, pauseOrResume } from '../../src/workers/pauseControl';
import { resyncMany } from '../../src/workflows';
import { controlState, pause, resume } from '../../src/workflows/control';
import { controlId } from '../../src/workflows/ids';
import { cliOf } from '../support/cli';
import { addMember } from '../support/membership';
import { until } from '../support/serviceProcess';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

describe('control', () => {
  let boxes: Sandboxes;
  let stack: Stack;

  beforeEach(async () => {
    boxes = await startSandboxes();
    stack = await startStack(testServers(), boxes.mapping, boxes.systems);
  });
  afterEach(async () => {
    await stack.client.workflow
      .getHandle(controlId(stack.taskQueue))
      .terminate()
      .catch(() => undefined);
    await stack.stop();
    await boxes.close();
  });

  const tickets = () => [...boxes.zendesk.store.tickets.values()];
  const projects = () => [...boxes.pms.store.all('project')];
  const titles = () => projects().map((project) => project['title']);
  const command = (what: 'pause' | 'resume', scope: 'everything' | 'TicketToProject') =>
    pauseOrResume(stack.client, stack.taskQueue, what, scope);
  const cli = async (...args: string[]) => {
    const { code, out, err } = await cliOf(boxes, stack)(...args);
    return { code, output: out + err };
  };

  test('a paused entity type rests with a reason, others continue, and no change made meanwhile is lost', async () => {
    await boxes.zd('POST', '/tickets', { ticket: { subject: 'Before', comment: { body: 'd' } } });
    await stack.settle();
    await stack.settle();
    const [ticket] = tickets();
    const key = `TicketToProject/zendesk:ticket:${ticket?.id}`;
    expect((await command('pause', 'TicketToProject')).paused).toEqual({
      TicketToProject: expect.any(String) as string,
    });

    await boxes.zd('PUT', `/tickets/${ticket?.id}`, { ticket: { subject: 'Edited' } });
    await boxes.pm('PATCH', `/projects/${projects()[0]?.id}`, { priority: 'low' });
    await boxes.zd('POST', '/tickets', { ticket: { subject: 'New', comment: { body: 'd' } } });
    boxes.zendesk.organizations.create({ name: 'Acme' }, 1);
    await stack.settle();
    expect(titles()).toEqual(['Before']);
    expect([...boxes.pms.store.all('customer')].map(({ name }) => name)).toEqual(['Acme']);
    expect((await stack.store.get(key))?.reason).toMatchObject({
      code: 'paused',
      text: 'TicketToProject is paused',
    });
    const held = await stack.hint('TicketToProject', {
      side: 'zendesk',
      kind: 'ticket',
      id: String(ticket?.id),
    });
    expect(held).toMatchObject({ status: 'paused', reason: 'TicketToProject is paused' });

    const state = await command('resume', 'TicketToProject');
    expect(state).toEqual({ paused: {}, heldBack: {} });
    await stack.quiet();
    expect(titles().sort()).toEqual(['Edited', 'New']);
    expect(tickets()[0]).toMatchObject({ subject: 'Edited', priority: 'low' });
    expect(await stack.store.get(key)).toMatchObject({ status: 'linked', reason: null });
  });

  test('signals pause and resume everything, and the query shows the state', async () => {
    await ensureControl(stack.client, stack.taskQueue);
    // Once more, while it is running.
    await ensureControl(stack.client, stack.taskQueue);
    const handle = stack.client.workflow.getHandle(controlId(stack.taskQueue));
    const state = (): Promise<PauseState> => handle.query(controlState);
    await handle.signal(pause, 'everything');
    await until(async () => Object.keys((await state()).paused).length === 3);
    await boxes.zd('POST', '/tickets', { ticket: { subject: 'T', comment: { body: 'd' } } });
    await stack.settle();
    expect(projects()).toEqual([]);
    // An unknown name does not select everything.
    await handle.signal(resume, 'Everything' as 'everything');
    await handle.signal(resume, 'everything');
    await until(async () => Object.keys((await state()).paused).length === 0);
    await until(() => titles().length === 1);
    await stack.quiet();
    await expect(command('pause', 'tickets' as 'everything')).rejects.toThrow();
  });

  test('a pair that gets a change at the moment when the pause ends is not forgotten', async () => {
    await command('pause', 'TicketToProject');
    const isPaused = stack.store.control.isPaused.bind(stack.store.control);
    const answers = [true, false];
    // Paused at the first look; the pause has ended and the held-back messages are delivered before the second look.
    stack.store.control.isPaused = async (entity) => answers.shift() ?? isPaused(entity);
    await boxes.zd('POST', '/tickets', { ticket: { subject: 'T', comment: { body: 'd' } } });
    await stack.settle();
    expect(titles()).toEqual(['T']);
    expect(await stack.store.control.countHeldBack()).toEqual({});
    await command('resume', 'TicketToProject');
  });

  test('resync of an organization, and of recent changes, reads just these pairs', async () => {
    const acme = boxes.zendesk.organizations.create({ name: 'Acme' }, 1);
    const other = boxes.zendesk.organizations.create({ name: 'Other' }, 1);
    for (const { id } of [acme, other]) addMember(boxes.zendesk, id);
    for (const organization of [acme, acme, other])
      await boxes.zd('POST', '/tickets', {
        ticket: { subject: organization.name, comment: { body: 'd' }, organization_id: organization.id },
      });
    await stack.settle();
    await stack.settle();
    const resync = (filter: Parameters<typeof resyncMany>[0]) =>
      stack.client.workflow.execute(resyncMany, {
        workflowId: `${stack.taskQueue}-resync-${randomUUID()}`,
        taskQueue: stack.taskQueue,
        args: [filter],
      });
    // Edits without events.
    for (const project of projects())
      boxes.pms.store.update('project', project.id, { priority: 'low' }, undefined, 'U-1001');
    // The organization and its two tickets.
    expect(await resync({ organization: `zendesk:organization:${acme.id}` })).toBe(3);
    await stack.quiet();
    expect(tickets().map(({ priority }) => priority)).toEqual(['low', 'low', null]);
    expect(await resync({ entity: 'OrgToCustomer' })).toBe(2);
    expect(await resync({ since: new Date(Date.now() + 3_600_000).toISOString() })).toBe(0);
    expect(await resync({ since: new Date(0).toISOString(), entity: 'TicketToProject' })).toBe(3);
    await stack.quiet();
    expect(tickets().map(({ priority }) => priority)).toEqual(['low', 'low', 'low']);
  });

  test('the commands', async () => {
    boxes.zendesk.organizations.create({ name: 'Acme' }, 1);
    await stack.settle();
    const paused = await cli('pause', 'OrgToCustomer');
    expect(paused).toMatchObject({
      code: 0,
      output: expect.stringMatching(/OrgToCustomer\s+20\d\d-/) as string,
    });
    const resumed = await cli('resume');
    expect(resumed).toMatchObject({
      code: 0,
      output: expect.stringMatching(/OrgToCustomer\s+—/) as string,
    });
    expect(await cli('pause', 'tickets')).toMatchObject({
      code: 2,
      output: expect.stringContaining('scope: found "tickets", expected one of everything') as string,
    });
    expect((await cli('resync-all', '--entity', 'OrgToCustomer')).output).toContain('1 pairs');
    expect(await cli('resync-all', '--organization', 'zendesk:organization:77')).toMatchObject({
      code: 2,
      output: expect.stringContaining('zendesk:organization:77 is not linked') as string,
    });
    expect((await cli('reconcile', 'report')).output).toContain('no reconcile has ended yet');
    const reconciled = await cli('reconcile', '--full');
    expect(reconciled.code).toBe(0);
    expect(reconciled.output).toMatch(/OrgToCustomer\s+1\s+1\s+2/);
    expect((await cli('reconcile', 'report')).output).toContain('(full)');
    await stack.quiet();
  });
});
