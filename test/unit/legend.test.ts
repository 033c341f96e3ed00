import { printLegend } from '../../src/operator/cli/legend';

test('issue 22: under a table, each of its words that counts something is said in plain words', () => {
  let printed = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  const meanings = { wait: 'waits for its parent', end: 'a record ended', left: 'later' };
  printLegend(meanings, [
    { wait: 0, end: 0, left: 0 },
    { wait: 2, end: 0, left: 1 },
  ]);
  expect(printed).toBe('  wait  waits for its parent\n  left  later\n');
  printed = '';
  printLegend(meanings, [{ wait: 0, end: 0, left: 0 }]);
  expect(printed).toBe('');
  write.mockRestore();
});
