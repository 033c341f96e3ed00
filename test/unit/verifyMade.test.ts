import { Made } from '../../src/checks/verify/made';
import type { PublicApi } from '../../src/checks/verify/publicApi';
import type { RecordRef, Side } from '../../src/sync/record';
import { refKey } from '../../src/sync/canonicalKey';

/**
 * Issue 21: the records that `verify` created are removed so that the service's brake counts no end (docs/verify.md).
 */

const zendesk = (kind: string, id: string): RecordRef => ({ side: 'zendesk', kind, id });
const pms = (kind: string, id: string): RecordRef => ({ side: 'pms', kind, id });

async function removedBy(made: Made): Promise<string[]> {
  const removed: string[] = [];
  const api = (side: Side) =>
    ({
      remove: async (kind: string, id: string) => void removed.push(refKey({ side, kind, id })),
      find: async () => [],
    }) as unknown as PublicApi;
  expect(await made.remove({ zendesk: api('zendesk'), pms: api('pms') }, 0)).toEqual([]);
  return removed;
}

test('both records of a pair are removed one after the other, the newest pair first, whichever side it began on', async () => {
  const made = new Made();
  made.record(zendesk('organization', '1'), 'customer');
  made.record(pms('project', 'P-2'), 'ticket');
  made.met(zendesk('organization', '1'), pms('customer', 'C-1'));
  made.record(zendesk('ticket', '3'), 'project');
  made.met(pms('project', 'P-2'), zendesk('ticket', '2'));
  expect(await removedBy(made)).toEqual([
    'zendesk:ticket:3',
    'zendesk:ticket:2',
    'pms:project:P-2',
    'zendesk:organization:1',
    'pms:customer:C-1',
  ]);
});

test('a comment cannot be removed in Zendesk: its ticket is removed before its note, and the note before its project', async () => {
  const made = new Made();
  made.record(zendesk('ticket', '3'), 'project');
  made.met(zendesk('ticket', '3'), pms('project', 'P-3'));
  made.record(zendesk('ticket', '4'), 'project');
  made.record(zendesk('comment', '3-30'), 'note');
  made.met(zendesk('comment', '3-30'), pms('note', 'N-30'));
  made.record(pms('note', 'N-31'), 'comment');
  made.met(pms('note', 'N-31'), zendesk('comment', '3-31'));
  const removed = await removedBy(made);
  const place = (ref: string) => removed.indexOf(ref);
  expect(new Set(removed).size).toBe(removed.length);
  expect(removed).toHaveLength(7);
  for (const note of ['pms:note:N-30', 'pms:note:N-31']) {
    expect(place('zendesk:ticket:3')).toBeLessThan(place(note));
    expect(place(note)).toBeLessThan(place('pms:project:P-3'));
  }
  expect(removed.filter((ref) => ref === 'zendesk:ticket:4')).toHaveLength(1);
});
