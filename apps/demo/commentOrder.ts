import type { CommentWithAudit } from 'testkit';
import type { Pair } from './agreementReport';
import type { PmsNote } from './checkedWorlds';

/**
 * Tickets whose comments of one origin are in another order on the other side. Comments of different origins that
 * were written at the same time may be in any order.
 */
export function brokenOrder(pairs: readonly Pair<CommentWithAudit, PmsNote>[]): string[] {
  const groups = new Map<string, { zendesk: CommentWithAudit; pms: PmsNote }[]>();
  for (const { zendesk, pms } of pairs) {
    const group = `${zendesk.record.ticketId} ${zendesk.record.ref === null}`;
    groups.set(group, [...(groups.get(group) ?? []), { zendesk: zendesk.record, pms: pms.record }]);
  }
  const broken = new Set<string>();
  for (const group of groups.values()) {
    // Pairs are in Zendesk's order of the comments; comments of the same time are in the order of their creation.
    const times = group.map(({ pms }) => Date.parse(pms.occurredAt ?? pms.createdAt));
    for (let n = 1; n < group.length; n++) {
      const [before, after] = [group[n - 1], group[n]];
      const step = (times[n] ?? 0) - (times[n - 1] ?? 0);
      if (!before || !after || step > 0) continue;
      if (step < 0 || before.pms.id.localeCompare(after.pms.id, undefined, { numeric: true }) > 0) {
        broken.add(`zendesk:ticket:${after.zendesk.ticketId}`);
      }
    }
  }
  return [...broken];
}
