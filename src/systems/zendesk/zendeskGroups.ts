import { LRUCache } from 'lru-cache';
import type { ZendeskCalls } from './zendeskCalls';
import { groupsPage, type Ticket } from './zendeskSchemas';

/** Groups are renamed: names are read again after a few minutes. */
const CACHED = { max: 20_000, ttl: 5 * 60_000 };

/** The names of groups. There are few groups, so all are read if one is not cached. */
export class ZendeskGroups {
  private readonly cached = new LRUCache<number, string>(CACHED);

  constructor(private readonly calls: ZendeskCalls) {}

  /** @returns the names of these tickets' groups; empty for a group that Zendesk does not list */
  async namesFor(tickets: Ticket[]): Promise<ReadonlyMap<number, string>> {
    const wanted = new Set(tickets.flatMap((ticket) => ticket.group_id ?? []));
    const known = new Map<number, string>();
    for (const id of wanted) {
      const name = this.cached.get(id);
      if (name !== undefined) known.set(id, name);
    }
    if (known.size === wanted.size) return known;
    const groups = await this.calls.pages('/api/v2/groups', groupsPage, (page) => page.groups);
    const names = new Map(groups.map(({ id, name }) => [id, name]));
    // Otherwise an unknown group would be requested with every page.
    for (const id of wanted) if (!names.has(id)) names.set(id, '');
    for (const [id, name] of names) this.cached.set(id, name);
    return names;
  }
}
