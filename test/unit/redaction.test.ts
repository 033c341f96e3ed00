import { mergeRow } from '../../src/sync/merge';
import { isAllBlack, redactAlike } from '../../src/sync/redaction';
import { testMapping } from '../support/world';

test.each([
  ['a text that was not edited', 'card 4111 ok', 'card ▇▇▇▇ ok', 'card 4111 ok', 'card ▇▇▇▇ ok'],
  ['edited', 'card 4111', 'card ▇▇▇▇', 'my card: 4111, again 4111', 'my card: ▇▇▇▇, again ▇▇▇▇'],
  [
    'a text from which an edit removed the words',
    'card 4111',
    'card ▇▇▇▇',
    'no numbers here',
    'no numbers here',
  ],
  ['emoji count as one character', '🔥4111', '🔥▇▇▇▇', '4111🔥🔥', '▇▇▇▇🔥🔥'],
  ['several words, one inside another', 'ab abc x', '▇▇ ▇▇▇ x', 'abcab', '▇▇▇▇▇'],
  ['all of it', 'secret words', '▇▇▇▇▇▇ ▇▇▇▇▇', 'quite another text', '▇▇▇▇▇▇ ▇▇▇▇▇'],
  ['a redaction in another form', 'card 4111', 'card [gone]', 'card 4111 new', 'card [gone]'],
])('redacted words are removed from the other text: %s', (_, before, after, text, expected) => {
  expect(redactAlike(before, after, text)).toBe(expected);
});

test('a text counts as emptied only if it had content', () => {
  expect([isAllBlack('▇▇ ▇\n▇'), isAllBlack('▇▇ a'), isAllBlack(' '), isAllBlack('')]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

describe('in a merge', () => {
  const [row] = testMapping([
    {
      zendesk: 'body',
      pms: 'text',
      type: 'text',
      direction: 'both',
      winner: 'zendesk',
      fixedOn: 'zendesk',
      onEdit: 'followUp',
    },
  ]).entities.TicketToProject.rows;
  if (!row) throw new Error('no row');
  const merge = (base: [string, string], current: [string, string]) =>
    mergeRow(row, {
      base: { zendesk: base[0], pms: base[1] },
      current: { zendesk: current[0], pms: current[1] },
      changedAt: { zendesk: 1, pms: 2 },
    });

  test('an earlier edit of the other side is kept, without the words', () => {
    expect(merge(['pin 1234', 'PIN: 1234!'], ['pin ▇▇▇▇', 'PIN: 1234!'])).toEqual({
      kind: 'redact',
      from: 'zendesk',
      value: 'pin ▇▇▇▇',
      text: 'PIN: ▇▇▇▇!',
      edited: false,
    });
  });

  test('an edit of the same moment is kept too, and is still pending', () => {
    expect(merge(['pin 1234', 'pin 1234'], ['pin ▇▇▇▇', 'the pin is 1234'])).toMatchObject({
      text: 'the pin is ▇▇▇▇',
      edited: true,
    });
  });

  test('no redacted text counts as overruled, so no history keeps it', () => {
    expect(merge(['pin 1234', 'second'], ['pin ▇▇▇▇', 'pin 1234'])).not.toHaveProperty('lost');
  });
});
