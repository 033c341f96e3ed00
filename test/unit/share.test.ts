import { withConcurrencyLimit, poolSizeOf, shareOf } from '../../src/workers/share';

const SEVERAL = [1, 2, 3, 5, 10, 40];

test('one connection has the whole process; several share it until each has the minimum', () => {
  expect(shareOf(1)).toEqual({
    workflowTasks: 40,
    pairActivities: 100,
    systemActivities: 20,
    signals: 20,
    polls: 10,
    cachedWorkflows: 500,
  });
  for (const connections of SEVERAL.filter((n) => n <= 4)) {
    const whole = shareOf(1);
    const share = shareOf(connections);
    for (const name of Object.keys(whole) as (keyof typeof whole)[])
      expect(share[name] * connections).toBeLessThanOrEqual(whole[name]);
  }
});

test('any number of connections gets shares that Temporal’s workers accept', () => {
  for (const connections of SEVERAL) {
    const share = shareOf(connections);
    // https://typescript.temporal.io/api/interfaces/worker.WorkerOptions: tasks and polls of a cached workflow.
    expect(share.workflowTasks).toBeGreaterThanOrEqual(2);
    expect(share.polls).toBeGreaterThanOrEqual(2);
    expect(share.polls).toBeLessThanOrEqual(Math.min(share.workflowTasks, share.pairActivities));
  }
});

test('no activity waits for a MongoDB connection of another activity', () => {
  for (const connections of SEVERAL) {
    const { pairActivities, systemActivities } = shareOf(connections);
    expect(poolSizeOf(connections)).toBeGreaterThanOrEqual(
      connections * (pairActivities + 4 * systemActivities),
    );
  }
});

test('the concurrency limit holds, and all work runs, even after a failure', async () => {
  let underWay = 0;
  let most = 0;
  const done: number[] = [];
  const work = withConcurrencyLimit(3, async (n: number) => {
    most = Math.max(most, (underWay += 1));
    await new Promise((resolve) => setImmediate(resolve));
    underWay -= 1;
    if (n % 4 === 0) throw new Error('failed');
    done.push(n);
    return n;
  });
  const results = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => work(n)));
  expect(most).toBe(3);
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(5);
  expect(done).toHaveLength(15);
  expect(await work(1)).toBe(1);
});
