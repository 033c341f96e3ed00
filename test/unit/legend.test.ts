import { printLegend } from '../../src/operator/cli/legend';

test('issue 22: a legend below the table explains each of its counted words', () => {
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
