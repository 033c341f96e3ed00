import type { ZendeskCalls } from './zendeskCalls';
import { groupsPage, type Ticket } from './zendeskSchemas';

/** The names of groups. Groups are few; they are read again when one turns up that is not known. */
export class ZendeskGroups {
  private groups: ReadonlyMap<number, string> | null = null;

  constructor(private readonly calls: ZendeskCalls) {}

  async namesFor(tickets: Ticket[]): Promise<ReadonlyMap<number, string>> {
    const wanted = tickets.flatMap((ticket) => ticket.group_id ?? []);
    if (this.groups === null ? wanted.length > 0 : wanted.some((id) => !this.groups?.has(id))) {
      const groups = await this.calls.pages('/api/v2/groups', groupsPage, (page) => page.groups);
      const names = new Map(groups.map(({ id, name }) => [id, name]));
      // A group that nobody knows would otherwise be asked for with every page.
      for (const id of wanted) if (!names.has(id)) names.set(id, '');
      this.groups = names;
    }
    return this.groups ?? new Map();
  }
}
