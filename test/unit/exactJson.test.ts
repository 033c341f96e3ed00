import { parseJson } from '../../src/sync/exactJson';

/** A13: an id beyond 2^53 identifies its record and no other. */

test.each([
  ['{"id":12345678901234567891}', { id: '12345678901234567891' }],
  ['[9007199254740993,9007199254740991]', ['9007199254740993', 9_007_199_254_740_991]],
  ['{"a":0.1234567890123456789,"b":0.125,"c":1.0}', { a: '0.1234567890123456789', b: 0.125, c: 1 }],
  [
    '{"text":"12345678901234567891","deep":[{"id":-12345678901234567891}]}',
    {
      text: '12345678901234567891',
      deep: [{ id: '-12345678901234567891' }],
    },
  ],
  ['{"a":10000000000000000,"a":20000000000000000000000}', { a: 2e22 }],
  ['1e400', '1e400'],
  ['{"a":1}', { a: 1 }],
])('A13: %s', (text, value) => {
  expect(parseJson(text === '1e400' ? '[1e400,1234567890123456]' : text)).toEqual(
    text === '1e400' ? ['1e400', 1_234_567_890_123_456] : value,
  );
});

test('A13: invalid JSON is refused, with or without long numbers', () => {
  for (const text of ['{', '{"id":12345678901234567891', '<html>1234567890123456</html>'])
    expect(() => parseJson(text)).toThrow(SyntaxError);
});
