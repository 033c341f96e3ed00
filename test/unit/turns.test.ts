import { inParallel } from '../../src/activities/dispatch';
import { Turns } from '../../src/activities/turns';

describe('turns', () => {
  test('one works at a time, in the order in which they came, and a failure stops nobody else', async () => {
    const turns = new Turns();
    const seen: string[] = [];
    const work = (name: string) =>
      turns.take(async () => {
        seen.push(`${name} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(`${name} ends`);
        if (name === 'b') throw new Error('b fails');
        return name;
      });
    const all = await Promise.allSettled(['a', 'b', 'c'].map(work));
    expect(seen).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]));
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});

describe('in parallel', () => {
  test('where one fails, those under way have ended before the error is thrown, and no other begins', async () => {
    const ended: number[] = [];
    const work = async (n: number) => {
      if (n === 0) throw new Error('the first fails');
      for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
      ended.push(n);
    };
    await expect(inParallel([0, 1, 2, 3], 2, work)).rejects.toThrow('the first fails');
    expect(ended).toEqual([1]);
  });
});
