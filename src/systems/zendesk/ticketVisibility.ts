import { chunks } from '../chunks';
import type { VisibilityMemory } from '../port';
import { FirstComments } from './firstComments';
import { IDS_PER_CALL } from './zendeskCalls';
import { firstIsPublic } from './zendeskRecords';
import type { Ticket } from './zendeskSchemas';

/** Tickets that were created within this time count as new. For older ones, no call is made. */
const NEW_MS = 60 * 60_000;

/** The visibility of tickets, as far as tickets show it; comments show it completely (see `ZendeskComments`). */
export class TicketVisibility {
  /** Replaced by a stored memory once the link store is connected. */
  memory: VisibilityMemory = new FirstComments();

  constructor(private readonly read: (ids: readonly string[]) => Promise<Ticket[]>) {}

  /**
   * Records the visibility of new tickets. A ticket that is already known is skipped: it is a repeat of a create, and the
   * ticket may have been made internal since.
   * @param made whether the first comment is public, by the ticket's id
   */
  async noteMade(made: ReadonlyMap<string, boolean>): Promise<void> {
    const known = await this.memory.recall([...made.keys()], false);
    await this.memory.learn(new Map([...made].filter(([id]) => !known.has(id))));
  }

  /**
   * An export does not show the visibility of a ticket. A list of tickets shows it for tickets with one comment, as
   * most new ones.
   */
  async askOfNew(tickets: readonly Ticket[]): Promise<void> {
    const recent = Date.now() - NEW_MS;
    const open = tickets.filter((raw) => firstIsPublic(raw) === null && Date.parse(raw.created_at) > recent);
    const known = await this.memory.recall(
      open.map(({ id }) => String(id)),
      false,
    );
    const unknown = open.map(({ id }) => String(id)).filter((id) => !known.has(id));
    for (const some of chunks(unknown, IDS_PER_CALL)) await this.memory.learn(seenOn(await this.read(some)));
  }

  /**
   * The visibility of first comments: what the tickets show, and what is known of the others.
   * @param isHandedOn see `VisibilityMemory.recall`
   */
  of(tickets: readonly Ticket[], isHandedOn = true): Promise<ReadonlyMap<string, boolean>> {
    const ids = tickets.map(({ id }) => String(id));
    return this.memory.recall(ids, isHandedOn, seenOn(tickets));
  }
}

/** The visibility of first comments, as far as their tickets show it. */
function seenOn(tickets: readonly Ticket[]): ReadonlyMap<string, boolean> {
  const seen = tickets.flatMap((raw) => {
    const isPublic = firstIsPublic(raw);
    return isPublic === null ? [] : [[String(raw.id), isPublic] as const];
  });
  return new Map(seen);
}
