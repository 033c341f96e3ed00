import type { Fields, Query, SatisfactionRating, Ticket } from '../model';
import { notFound } from '../refusal';
import { secondsOf } from '../text';

interface Rating extends Fields {
  id: number;
  ticket_id: number;
  score: string;
  comment?: string;
  created_at: string;
  updated_at: string;
}

const RECEIVED = ['good', 'bad'];

/**
 * Rule 55 [D Z:satisfaction_ratings]: what requesters said, and what they were asked for, with the assignee and the group
 * of that moment. It is not documented whether a second rating of a ticket is a record of its own; here, the requester's
 * answer changes the record of the offer, and a rating after it is another record. Reasons are not there.
 * https://developer.zendesk.com/api-reference/ticketing/ticket-management/satisfaction_ratings/
 */
export class Ratings {
  private readonly all = new Map<number, Rating>();

  constructor(private readonly options: { now: () => string; newId: () => number; baseUrl: () => string }) {}

  /** @returns the rating as the ticket shows it: an offer has no id there */
  record(
    ticket: Ticket,
    { score, comment }: Pick<SatisfactionRating, 'score' | 'comment'>,
  ): SatisfactionRating {
    const now = this.options.now();
    const offer = [...this.all.values()].findLast(({ ticket_id: of }) => of === ticket.id);
    const open = offer?.score === 'offered' ? offer : undefined;
    const id = open?.id ?? this.options.newId();
    this.all.set(id, {
      url: `${this.options.baseUrl()}/satisfaction_ratings/${id}.json`,
      id,
      assignee_id: ticket.assignee_id,
      group_id: ticket['group_id'],
      requester_id: ticket.requester_id,
      ticket_id: ticket.id,
      score,
      created_at: open?.created_at ?? now,
      updated_at: now,
      ...(comment !== undefined && { comment }),
      // Satisfaction reasons are not enabled.
      ...(score === 'bad' && { reason: null, reason_id: null, reason_code: null }),
    });
    return score === 'offered' ? { score } : { score, id, ...(comment !== undefined && { comment }) };
  }

  /** By `score`, also with `_with_comment` and `_without_comment`, `start_time` and `end_time`. */
  list({ score, start_time: start, end_time: end }: Query = {}): Fields[] {
    const [from, to] = [Number(start ?? 0), Number(end ?? Infinity)];
    return [...this.all.values()].filter((rating) => {
      const at = secondsOf(rating.created_at);
      return at >= from && at <= to && (score === undefined || fits(rating, score));
    });
  }

  /** @throws Refusal 404 */
  get(id: number): Fields {
    const rating = this.all.get(id);
    if (!rating) throw notFound();
    return rating;
  }
}

function fits({ score, comment = '' }: Rating, wanted: string): boolean {
  const [, name = '', not, word] = /^([a-z]+)(?:_with(out)?_(comment))?$/.exec(wanted) ?? [];
  const isScore = name === 'received' ? RECEIVED.includes(score) : score === name;
  if (word === undefined) return isScore;
  return isScore && (comment !== '') === (not === undefined);
}
