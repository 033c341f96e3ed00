import { setImmediate as turn } from 'node:timers/promises';
import { MongoNetworkError } from 'mongodb';
import { Together } from '../../src/links/together';

/** Answers when the test asks for it. */
function server() {
  const asked: number[][] = [];
  const open: { answer: () => void; fail: (error: Error) => void }[] = [];
  const together = new Together<number, string>(3, (questions) => {
    asked.push(questions);
    return new Promise((resolve, reject) =>
      open.push({ answer: () => resolve(questions.map((n) => `answer ${n}`)), fail: reject }),
    );
  });
  return { asked, open, together };
}

test('the first call runs at once; later calls are batched, up to the limit', async () => {
  const { asked, open, together } = server();
  const answers = Promise.all([1, 2, 3, 4, 5].map((n) => together.do(n)));
  expect(asked).toEqual([[1]]);
  for (const n of [0, 1, 2]) {
    open[n]?.answer();
    await turn();
  }
  expect(asked).toEqual([[1], [2, 3, 4], [5]]);
  expect(await answers).toEqual(['answer 1', 'answer 2', 'answer 3', 'answer 4', 'answer 5']);
  void together.do(6);
  expect(asked).toHaveLength(4);
});

test('an error in passing reaches its own callers, and no later ones', async () => {
  const { open, together } = server();
  const results = Promise.allSettled([1, 2, 3].map((n) => together.do(n)));
  open[0]?.answer();
  await turn();
  open[1]?.fail(new MongoNetworkError('away'));
  await turn();
  expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  const next = together.do(4);
  await turn();
  open[2]?.answer();
  expect(await next).toBe('answer 4');
});

test('if a command fails for good, each question is asked alone, and only the faulty one fails', async () => {
  const { asked, open, together } = server();
  const results = Promise.allSettled([1, 2, 3, 4].map((n) => together.do(n)));
  open[0]?.answer();
  await turn();
  const faulty = new Error('3 is too large');
  open[1]?.fail(faulty);
  await turn();
  open[2]?.answer();
  await turn();
  open[3]?.fail(faulty);
  await turn();
  open[4]?.answer();
  expect(await results).toEqual([
    { status: 'fulfilled', value: 'answer 1' },
    { status: 'fulfilled', value: 'answer 2' },
    { status: 'rejected', reason: faulty },
    { status: 'fulfilled', value: 'answer 4' },
  ]);
  expect(asked).toEqual([[1], [2, 3, 4], [2], [3], [4]]);
});

describe('with a pace', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('the first commands run at once; then questions wait for the next interval and share its command', async () => {
    const asked: number[][] = [];
    const together = new Together<number, number>(
      10,
      (questions) => {
        asked.push(questions);
        return Promise.resolve(questions);
      },
      { atOnce: 2, intervalMs: 50 },
    );
    for (const n of [1, 2]) await together.do(n);
    const later = Promise.all([3, 4, 5].map((n) => together.do(n)));
    await jest.advanceTimersByTimeAsync(49);
    expect(asked).toEqual([[1], [2]]);
    await jest.advanceTimersByTimeAsync(1);
    expect(asked).toEqual([[1], [2], [3, 4, 5]]);
    expect(await later).toEqual([3, 4, 5]);

    await jest.advanceTimersByTimeAsync(100);
    for (const n of [6, 7]) await together.do(n);
    expect(asked).toHaveLength(5);
  });
});
