import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { NO_LIMITS } from 'zendesk-sandbox';
import { RateBudgets } from '../../src/systems/budget/rateBudgets';
import { untoldRate } from '../../src/systems/pmsAdapter';
import { ZENDESK_RATE } from '../../src/systems/zendesk/zendeskLimits';
import { fastClock } from '../support/clocks';
import { Conversation } from '../support/comments';
import { testServers } from '../support/servers';

/** Ten minutes pass in ten seconds, for the sandbox and the budget; workflows and activities are the real ones. */
const SPEED = 60;
const NOTES = 40;

test('a project with 40 notes and their edits arrives completely, although its ticket allows 30 updates in ten minutes', async () => {
  const clock = fastClock(SPEED);
  const mongo = await MongoClient.connect(testServers().mongodbUri);
  const rates = {
    zendesk: { name: 'Zendesk', rules: ZENDESK_RATE, ceiling: null, share: 0.7 },
    pms: { name: 'PMS', rules: untoldRate(1_000_000), ceiling: null },
  };
  const budgets = new RateBudgets(rates, clock);
  budgets.open(mongo.db(`busy-${randomUUID().slice(0, 8)}`), 20);
  const talk = await Conversation.start({
    mode: 'note',
    budgets,
    zendesk: { ...NO_LIMITS, ticketUpdatesPerMinute: 100, updatesOfOneTicket: 30, clock: () => clock.now() },
  });
  try {
    const { boxes, stack } = talk;
    const { tickets, store } = boxes.zendesk;
    await boxes.zd('POST', '/tickets', { ticket: { subject: 'Another', comment: { body: 'x' } } });
    await stack.settle();
    const other = [...store.tickets.values()].find(({ id }) => id !== talk.ticket.id);
    const project = [...boxes.pms.store.all('project')].find(({ id }) => id !== talk.project);
    if (!other || !project) throw new Error('no other ticket, or no project for it');

    const words = (n: number, what: string) => `Note ${String(n).padStart(2, '0')} ${what}`;
    const notes = Array.from({ length: NOTES }, (_, n) => talk.noteInPmsDirectly(words(n, 'said')));
    const looks = () =>
      boxes.calls.filter(({ method, path }) => method === 'GET' && path.endsWith('/audits')).length;
    const before = looks();
    let lookUps: number | null = null;
    let settled = false;
    const all = (async () => {
      await stack.settle();
      lookUps = looks();
      for (const [n, id] of notes.entries()) await talk.pmsEdits(id, words(n, 'edited'));
      await stack.settle();
      settled = true;
    })();
    const arrived = () => talk.zendeskTexts().length;
    while (arrived() < 25) await sleep(10);

    // The busy ticket waits, and others do not.
    boxes.pms.store.update('project', project.id, { title: 'Edited meanwhile' }, undefined, 'U-1001');
    const pair = { side: 'zendesk' as const, kind: 'ticket', id: String(other.id) };
    await stack.hint('TicketToProject', pair, { force: true });
    expect(tickets.get(other.id).subject).toBe('Edited meanwhile');
    expect(settled).toBe(false);
    expect(arrived()).toBeLessThan(2 * NOTES);

    await all;
    const texts = talk.zendeskTexts();
    for (const n of notes.keys()) {
      expect(texts.filter((text) => text.includes(words(n, 'said')))).toHaveLength(1);
      expect(texts.filter((text) => text.includes(words(n, 'edited')))).toHaveLength(1);
    }
    for (const id of notes) expect(await talk.linkOfNote(id)).toMatchObject({ status: 'linked' });
    // More than Zendesk accepts for one ticket, so this takes more than ten minutes of the sandbox's time.
    expect(texts.length).toBe(2 * NOTES);
    // Ten writes were postponed before they were sent. Only a refused write needs a look-up of its possible effect.
    expect((lookUps ?? Infinity) - before).toBeLessThan(NOTES - 30);
  } finally {
    await talk.stop();
    await mongo.close();
  }
});
