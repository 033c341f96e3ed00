import { VIA_API, type Ticket, type User } from '../model';
import { invalid } from '../refusal';
import type { Store } from '../store';
import { TicketNews } from './ticketNews';

export interface MergeWords {
  target?: string | undefined;
  source?: string | undefined;
  targetPublic: boolean;
  sourcePublic: boolean;
}

/** [?] No recording shows the `via` of these audits; the switch `mergeVia` chooses it. */
const VIA_MERGE = { channel: 'rule', source: { from: {}, to: {}, rel: 'merge' } };

/** The tickets of an account. */
interface MergedTickets {
  get(id: number): Ticket;
  update(id: number, change: object, actor: User, options: { tagKeys?: boolean; via: object }): unknown;
}

/**
 * Rule 45 [D Z:tickets]: the losers are closed with the tag `closed_by_merge` [R CSA] and a comment that names the
 * winner. Comments are private by default, and always if one of the tickets is private. The winner must not be solved
 * [U eesel].
 */
export function mergeTickets(
  { store, tickets }: { store: Store; tickets: MergedTickets },
  winnerId: number,
  losers: number[],
  actor: User,
  words: MergeWords,
): void {
  const winner = mergeable(tickets, winnerId);
  if (losers.length === 0 || losers.includes(winnerId))
    throw invalid('base', 'Merge: a ticket cannot be merged into itself', 'InvalidValue');
  if (winner.status === 'solved')
    throw invalid('status', 'Merge: a solved ticket cannot be merged into', 'InvalidValue');
  const all = [winner, ...losers.map((loser) => mergeable(tickets, loser))];
  const mayShow = all.every((ticket) => ticket['is_public'] !== false);
  const via = store.rules.mergeVia === 'api' ? VIA_API : VIA_MERGE;
  const titles = losers.map((loser) => `#${loser} "${tickets.get(loser).subject ?? ''}"`);
  for (const loser of losers) {
    const body = words.source ?? `This request was closed and merged into request #${winnerId}.`;
    tickets.update(
      loser,
      {
        status: 'closed',
        comment: { body, public: words.sourcePublic && mayShow },
        additional_tags: ['closed_by_merge'],
      },
      actor,
      { tagKeys: true, via },
    );
    const target = { target_ticket_id: String(winnerId) };
    new TicketNews(store, tickets.get(loser), actor).tell('ticket.merged', target);
  }
  const names = losers.length === 1 ? `Request ${titles[0]} was` : `Requests ${titles.join(', ')} were`;
  const body = words.target ?? `${names} closed and merged into this request.`;
  tickets.update(winnerId, { comment: { body, public: words.targetPublic && mayShow } }, actor, { via });
}

function mergeable(tickets: MergedTickets, ticketId: number): Ticket {
  const ticket = tickets.get(ticketId);
  if (ticket.status === 'closed') throw invalid('status', 'closed prevents ticket update', 'InvalidValue');
  return ticket;
}
