import { useSandbox } from '../support/rig';

const rig = useSandbox();
const tags = async (path: string) => (await rig.api.get(path)).body.tags;

describe('rule 42', () => {
  test.each([
    ['users', 'user'],
    ['organizations', 'organization'],
  ])('tags of %s are set, added and removed', async (many, one) => {
    const made = await rig.api.post(`/${many}`, { [one]: { name: `T ${one}`, tags: ['a'] } });
    const { id } = made.body[one] as { id: number };
    const path = `/${many}/${id}/tags`;
    expect(await tags(path)).toEqual(['a']);
    const added = await rig.api.put(path, { tags: ['B', 'a'] });
    expect([added.status, added.body.tags]).toEqual([200, ['a', 'b']]);
    const removed = await rig.api.delete(path, { tags: ['A'] });
    expect([removed.status, removed.body.tags]).toEqual([200, ['b']]);
    const set = await rig.api.post(path, { tags: ['c'] });
    expect([set.status, set.body.tags]).toEqual([201, ['c']]);
    expect((await rig.api.get(`/${many}/${id}`)).body[one]).toMatchObject({ tags: ['c'] });
    expect((await rig.api.as('bob@sandbox.example').put(path, { tags: ['d'] })).status).toBe(200);
    expect((await rig.api.put(path, {})).status).toBe(400);
  });

  test('the tags of the account are those of tickets, the most frequent first', async () => {
    await rig.api.ticket({ tags: ['old'] });
    rig.later(61 * 24 * 3_600);
    for (const given of [['one'], ['one', 'two']]) await rig.api.ticket({ tags: given });
    expect((await rig.api.get('/tags')).body).toMatchObject({
      tags: [
        { name: 'one', count: 2 },
        { name: 'two', count: 1 },
      ],
      count: 2,
    });
    const { body } = await rig.api.get('/tags?page[size]=1');
    const rest = await rig.api.get(body.links.next ?? '');
    expect(rest.body.tags).toEqual([{ name: 'two', count: 1 }]);
  });
});
