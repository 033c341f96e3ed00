import { LEAST_PACE, Pacer, nextPace, type Measured } from '../../src/workers/pace';
import { withConcurrencyLimit } from '../../src/workers/share';

const seen = (some: Partial<Measured>): Measured => ({
  beside: true,
  took: 5,
  usual: 5,
  signalsPerSecond: 40,
  ...some,
});

describe('how fast connections may notify their pairs', () => {
  test.each<[string, number, Partial<Measured>, number]>([
    ['no limit while answers are fast', Infinity, {}, Infinity],
    ['slow answers: less than the latest pace', Infinity, { took: 50 }, 32],
    ['slow answers again: less than the former limit', 20, { took: 50 }, 16],
    ['the slowest answers leave a minimum', LEAST_PACE, { took: 5_000 }, LEAST_PACE],
    ['fast answers raise the limit a little', 20, {}, 20.5],
    ['fast answers end the limit', 199.9, {}, Infinity],
    [
      'connections that all have many changes may keep the servers busy',
      20,
      { beside: false, took: 18 },
      20.5,
    ],
    ['but may not build a long queue there', 20, { beside: false, took: 30 }, 16],
  ])('%s', (_, before, what, after) => {
    expect(nextPace(before, seen(what))).toBeCloseTo(after);
  });
});

describe('a pace', () => {
  let pacer: Pacer;
  beforeEach(() => {
    jest.useFakeTimers();
    pacer = new Pacer();
  });
  afterEach(() => {
    pacer.stop();
    jest.useRealTimers();
  });

  /** The duration of every answer. */
  const answers = { ms: 5 };
  const work = () => new Promise<void>((resolve) => setTimeout(resolve, answers.ms));
  /** Sends a number of signals at once; returns a function that counts those that have ended. */
  function signal(pace: ReturnType<Pacer['pace']>, count: number): () => number {
    let ended = 0;
    const signals = withConcurrencyLimit(4, () => pace.do(work));
    for (let n = 0; n < count; n += 1) void signals().then(() => (ended += 1));
    return () => ended;
  }

  test('does not limit anybody while answers are fast, and slows down a flood when they are not', async () => {
    answers.ms = 5;
    const [quiet, noisy] = [pacer.pace(), pacer.pace()];
    const some = signal(noisy, 100);
    await jest.advanceTimersByTimeAsync(250);
    expect(some()).toBe(100);

    answers.ms = 100;
    const flood = signal(noisy, 2_000);
    await jest.advanceTimersByTimeAsync(5_000);
    const before = flood();
    await jest.advanceTimersByTimeAsync(10_000);
    const perSecond = (flood() - before) / 10;
    expect(perSecond).toBeGreaterThanOrEqual(LEAST_PACE * 0.9);
    expect(perSecond).toBeLessThan(LEAST_PACE * 2);
    // A connection with few signals starts at once, and waits only for the answers.
    const one = signal(quiet, 1);
    await jest.advanceTimersByTimeAsync(101);
    expect(one()).toBe(1);
    // All signals are sent in the end.
    answers.ms = 5;
    await jest.advanceTimersByTimeAsync(300_000);
    expect(flood()).toBe(2_000);
  });

  test('keeps the order, continues after a failure, and releases all when it is stopped', async () => {
    answers.ms = 100;
    const pace = pacer.pace();
    await expect(pace.do(() => Promise.reject(new Error('away')))).rejects.toThrow('away');
    const order: number[] = [];
    const all = Array.from({ length: 300 }, (_, n) => pace.do(() => Promise.resolve(order.push(n))));
    pacer.stop();
    await jest.advanceTimersByTimeAsync(10);
    await Promise.all(all);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order).toHaveLength(300);
  });
});
