import { undo } from '../../src/workflows';
import { MemorySystem, lostAnswer } from '../support/memorySystem';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';
import { testMapping } from '../support/world';

/** One pair of an undo, with faults. undoStory.test.ts undoes a mistake on all pairs at once. */

describe('an undo', () => {
  const rows = (zendesk: string) => [
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
    { zendesk, pms: 'cost', type: 'string', direction: 'both', winner: 'pms' },
  ];
  let stack: Stack;
  let zendesk: MemorySystem;
  let pms: MemorySystem;
  let key: string;

  beforeEach(async () => {
    zendesk = new MemorySystem('zendesk', false);
    pms = new MemorySystem('pms', true);
    stack = await startStack(testServers(), testMapping(rows('right')), { zendesk, pms });
    const ticket = zendesk.add('ticket', { subject: 's', right: 'true value', wrong: 'its own' });
    key = `TicketToProject/zendesk:ticket:${ticket.ref.id}`;
    await stack.settle();
    Object.assign(stack.context, { mapping: testMapping(rows('wrong')) });
    await stack.hint('TicketToProject', ticket.ref, { force: true });
    Object.assign(stack.context, { mapping: testMapping(rows('right')) });
  });
  afterEach(async () => stack.stop());

  const values = () => zendesk.all('ticket')[0]?.values;
  async function run(id: string, hold = false): Promise<void> {
    await stack.store.undos.begin({
      id,
      filter: { cause: 'mapping', until: new Date().toISOString() },
      hold,
    });
    await stack.client.workflow.execute(undo, {
      workflowId: `${stack.taskQueue}-undo-${id}`,
      taskQueue: stack.taskQueue,
      args: [id],
    });
    await stack.quiet();
  }

  test('completes after a lost answer, and reports the value as restored', async () => {
    expect(values()).toMatchObject({ wrong: 'true value' });
    let faults = 1;
    zendesk.fault = (at, call) => {
      if (at === 'after' && call === 'update' && faults-- > 0) throw lostAnswer();
    };
    await run('one');
    expect(values()).toMatchObject({ right: 'true value', wrong: 'its own' });
    expect(await stack.store.undos.item('one', key)).toMatchObject({
      state: 'done',
      rows: [{ property: 'wrong', fate: 'restored' }],
    });
    expect(await stack.store.get(key)).toMatchObject({ status: 'linked', snapshot: { cost: 'true value' } });
  });

  test('that runs again after it died half-way restores nothing twice', async () => {
    const { undos } = stack.store;
    const note = undos.note.bind(undos);
    let deaths = 1;
    jest.spyOn(undos, 'note').mockImplementation(async (...given) => {
      if (given[2].state === 'done' && deaths-- > 0) throw lostAnswer();
      return note(...given);
    });
    await run('two');
    expect(zendesk.calls.filter((call) => call === 'update')).toHaveLength(2);
    expect(await undos.item('two', key)).toMatchObject({ state: 'done', rows: [{ fate: 'restored' }] });
  });

  test('keeps an edit that is made between its read and its write', async () => {
    const [ticket] = zendesk.all('ticket');
    let edits = 1;
    zendesk.fault = (at, call) => {
      if (at === 'before' && call === 'update' && ticket && edits-- > 0)
        zendesk.edit(ticket.ref, { wrong: 'by a person' });
    };
    await run('three');
    expect(values()).toMatchObject({ right: 'true value', wrong: 'by a person' });
    expect(await stack.store.undos.item('three', key)).toMatchObject({ rows: [{ fate: 'edited' }] });
  });

  test('skips a paused pair, and names the reason', async () => {
    await stack.store.control.pause('TicketToProject', new Date());
    await run('four');
    expect(await stack.store.undos.item('four', key)).toMatchObject({
      state: 'done',
      why: expect.stringContaining('paused') as string,
    });
    expect(await stack.store.holds.all()).toEqual([]);
  });

  test('is refused by the worker, too, while the mapping is unchanged', async () => {
    Object.assign(stack.context, { mapping: testMapping(rows('wrong')) });
    await expect(run('five')).rejects.toThrow('Workflow execution failed');
    expect(values()).toMatchObject({ wrong: 'true value' });
  });
});
