import { FieldList } from '../../src/systems/fieldList';

/** F1: the list of fields is refreshed while the service runs, within a bounded number of calls. */

function listOf(...answers: string[][]) {
  let now = 1_000_000;
  let calls = 0;
  const list = new FieldList(
    () => Promise.resolve(answers[Math.min(calls++, answers.length - 1)] ?? []),
    () => now,
  );
  return {
    list,
    calls: () => calls,
    after: (seconds: number) => (now += seconds * 1000),
  };
}

test('a list is read once, and again after five minutes', async () => {
  const { list, calls, after } = listOf(['a'], ['b']);
  expect(await list.current()).toEqual(['a']);
  after(299);
  expect(await list.current()).toEqual(['a']);
  expect(calls()).toBe(1);
  after(2);
  expect(await list.current()).toEqual(['b']);
  expect(list.revision).toBe(1);
});

test('records that contradict the list cause a new read, and changes are reported', async () => {
  const { list, calls, after } = listOf(['a', 'b'], ['a']);
  await list.current();
  expect(await list.doubted()).toBe(false);
  after(11);
  expect(await list.doubted()).toBe(true);
  expect(await list.current()).toEqual(['a']);
  expect([calls(), list.revision]).toEqual([2, 1]);
});

test('records that keep contradicting it cost a bounded number of calls', async () => {
  const { list, calls, after } = listOf(['a']);
  await list.current();
  // An hour with one record per second that lacks a field, such as tickets that were archived before the field was
  // created.
  for (let second = 0; second < 3_600; second += 1) {
    after(1);
    await list.current();
    await list.doubted();
  }
  expect(calls()).toBeLessThan(20);
});

test('callers of the same moment share one call', async () => {
  const { list, calls } = listOf(['a']);
  await Promise.all(Array.from({ length: 50 }, () => list.current()));
  expect(calls()).toBe(1);
});
