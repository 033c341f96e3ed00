import { setImmediate as turn } from 'node:timers/promises';
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

test('an error reaches its own callers, and no later ones', async () => {
  const { open, together } = server();
  const results = Promise.allSettled([1, 2, 3].map((n) => together.do(n)));
  open[0]?.answer();
  await turn();
  open[1]?.fail(new Error('away'));
  await turn();
  expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  const next = together.do(4);
  await turn();
  open[2]?.answer();
  expect(await next).toBe('answer 4');
});
