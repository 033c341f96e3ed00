import { inParallel } from '../../src/systems/inParallel';

describe('in parallel', () => {
  test('after a failure, running calls end before the error is thrown, and no other call begins', async () => {
    const ended: number[] = [];
    const work = async (n: number) => {
      if (n === 0) throw new Error('the first fails');
      for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
      ended.push(n);
    };
    await expect(inParallel([0, 1, 2, 3], 2, work)).rejects.toThrow('the first fails');
    expect(ended).toEqual([1]);
  });

  test('no more calls run at a time than allowed, and the results are in the order of the items', async () => {
    let atWork = 0;
    let most = 0;
    const results = await inParallel([3, 1, 2, 0], 2, async (n) => {
      most = Math.max(most, (atWork += 1));
      for (let i = 0; i < n; i += 1) await new Promise((resolve) => setImmediate(resolve));
      atWork -= 1;
      return `${n} done`;
    });
    expect(most).toBe(2);
    expect(results).toEqual(['3 done', '1 done', '2 done', '0 done']);
  });
});
