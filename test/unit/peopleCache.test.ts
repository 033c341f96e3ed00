import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpClient } from '../../src/systems/http';
import { People } from '../../src/systems/zendesk/people';
import { ZendeskCalls } from '../../src/systems/zendesk/zendeskCalls';
import { ZendeskGroups } from '../../src/systems/zendesk/zendeskGroups';
import type { Ticket } from '../../src/systems/zendesk/zendeskSchemas';

const LIFE_MS = 5 * 60_000;

let passed = 0;

beforeEach(() => {
  const now = performance.now.bind(performance);
  passed = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now() + passed);
});
afterEach(() => jest.restoreAllMocks());

/** The caches read the clock again after a millisecond. */
async function letPass(ms: number): Promise<void> {
  passed += ms;
  await sleep(5);
}

describe('people of Zendesk', () => {
  function account(user: { id: number; name: string; email: string; role: string }) {
    const asked: string[] = [];
    const get = async (_schema: unknown, path: string) => {
      asked.push(path);
      return { users: [{ ...user }] };
    };
    return { user, asked, people: new People({ get } as unknown as HttpClient) };
  }

  test('are looked up once while the cache lives, and again after that', async () => {
    const { user, asked, people } = account({ id: 7, name: 'Ada', email: 'ada@a.test', role: 'end-user' });
    await people.load([7, 7, null, -1]);
    await people.load([7]);
    expect(asked).toHaveLength(1);
    user.email = 'ada@b.test';
    await letPass(LIFE_MS + 1);
    expect((await people.load([7])).email(7)).toBe('ada@b.test');
    expect(asked).toHaveLength(2);
  });

  test('who become agents are agents within minutes', async () => {
    const { user, people } = account({ id: 7, name: 'Ada', email: 'ada@a.test', role: 'end-user' });
    expect((await people.find('ada@a.test'))?.agent).toBe(false);
    user.role = 'agent';
    expect((await people.find('ada@a.test'))?.agent).toBe(false);
    await letPass(LIFE_MS + 1);
    expect((await people.find('ada@a.test'))?.agent).toBe(true);
  });

  test('stay known to the caller that loaded them, also after the cache dropped them', async () => {
    const { people } = account({ id: 7, name: 'Ada', email: 'ada@a.test', role: 'agent' });
    await people.load([7]);
    await letPass(LIFE_MS - 60_000);
    const known = await people.load([7, 8]);
    await letPass(LIFE_MS + 1);
    expect([known.email(7), known.name(7)]).toEqual(['ada@a.test', 'Ada']);
    expect([known.email(8), known.name(8)]).toEqual([null, null]);
  });
});

describe('groups of Zendesk', () => {
  test('a renamed group has its new name within minutes', async () => {
    const group = { id: 3, name: 'Support' };
    let calls = 0;
    const send = async () => {
      calls += 1;
      return { status: 200, body: {} };
    };
    const parse = () => ({ groups: [{ ...group }], meta: { has_more: false, after_cursor: null } });
    const groups = new ZendeskGroups(new ZendeskCalls({ send, parse } as unknown as HttpClient));
    const named = async () => (await groups.namesFor([{ group_id: 3 } as Ticket])).get(3);
    expect([await named(), await named(), calls]).toEqual(['Support', 'Support', 1]);
    group.name = 'Care';
    await letPass(LIFE_MS + 1);
    expect([await named(), calls]).toEqual(['Care', 2]);
  });

  test('a group that Zendesk does not list is not looked up with every page', async () => {
    let calls = 0;
    const send = async () => {
      calls += 1;
      return { status: 200, body: {} };
    };
    const parse = () => ({ groups: [], meta: { has_more: false, after_cursor: null } });
    const groups = new ZendeskGroups(new ZendeskCalls({ send, parse } as unknown as HttpClient));
    for (let n = 0; n < 3; n += 1)
      expect((await groups.namesFor([{ group_id: 9 } as Ticket])).get(9)).toBe('');
    expect(calls).toBe(1);
  });
});
