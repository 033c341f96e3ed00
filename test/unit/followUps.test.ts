import { saysAlready } from '../../src/systems/zendesk/followUps';
import { MARKS } from '../../src/systems/zendesk/zendeskRecords';
import type { Audit } from '../../src/systems/zendesk/zendeskSchemas';
import type { RefKey } from '../../src/sync/record';

const NOTE = 'pms:note:N-1' as RefKey;

function audit(id: number, body: string, of: string = NOTE): Audit {
  return {
    ...{ id, ticket_id: 1, created_at: '2026-11-30T08:00:00Z', events: [{ type: 'Comment', body }] },
    metadata: { custom: { [MARKS.followUp]: of } },
  };
}

const edited = (text: string) => `Edited in the PMS: comment 7\n\n${text}`;

test.each([
  ['the same text', [audit(1, edited('new words'))], true],
  ['the same text with other spaces', [audit(1, edited('new  \nwords '))], true],
  ['the same text with a redacted word', [audit(1, edited('new ▇▇▇▇▇'))], true],
  ['another text', [audit(1, edited('other'))], false],
  ['the text of another note', [audit(1, edited('new words'), 'pms:note:N-2')], false],
  ['this text, and another after it', [audit(1, edited('new words')), audit(2, edited('other'))], false],
  [
    'another text, and this one after it, in any order',
    [audit(2, edited('new words')), audit(1, edited('other'))],
    true,
  ],
  [
    'a file that was attached later',
    [audit(1, edited('new words')), audit(2, 'Attached in the PMS: comment 7')],
    true,
  ],
  ['nothing', [], false],
])('whether a ticket contains our text already: %s', (_what, audits, expected) => {
  expect(saysAlready(audits, NOTE, edited('new words'))).toBe(expected);
});

test('a follow-up without a parent record is not searched for', () => {
  expect(saysAlready([audit(1, edited('new words'))], null, edited('new words'))).toBe(false);
});
