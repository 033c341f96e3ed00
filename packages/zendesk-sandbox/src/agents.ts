import type { Limits } from './limits';
import { Refusal, notFound } from './refusal';
import type { Store } from './store';
import type { Tickets } from './tickets/tickets';

/** The most tickets that the sandbox remembers as an agent's recent ones. */
const RECENT = 5;

/** What became of an agent's edit. */
export type AgentEdit = { refused: false } | { refused: true; retryAfterSeconds: number };

/**
 * Agents who edit tickets in Zendesk's own pages: their edits draw on the account's ticket updates, and not on its API
 * calls. https://support.zendesk.com/hc/en-us/articles/8638126078234
 */
export class Agents {
  private readonly seen = new Map<number, number[]>();

  constructor(
    private readonly store: Store,
    private readonly tickets: Tickets,
    private readonly limits: Limits,
  ) {}

  /**
   * @param change as within the envelope of `PUT /tickets/{id}`
   * @param email of one of the account's agents; the first one if not given
   * @throws Refusal 404 where there is no such agent or ticket, 422 where the change cannot be made
   */
  edit(ticketId: number, change: object, email?: string): AgentEdit {
    const agent =
      email === undefined
        ? [...this.store.users.values()].find(({ role }) => role === 'agent')
        : this.store.userByEmail.get(email.toLowerCase());
    if (!agent || !this.store.isAgent(agent.id)) throw notFound();
    this.tickets.get(ticketId);
    try {
      this.limits.agentEdit(agent.id, ticketId);
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 429) throw error;
      return { refused: true, retryAfterSeconds: Number(error.headers['retry-after']) };
    }
    this.tickets.update(ticketId, change, agent);
    const others = this.recent(agent.id).filter((id) => id !== ticketId);
    this.seen.set(agent.id, [ticketId, ...others].slice(0, RECENT));
    return { refused: false };
  }

  /** The tickets that an agent opened in the agent interface, the latest first. */
  recent(agentId: number): number[] {
    return this.seen.get(agentId) ?? [];
  }
}
