import { Refusal as PmsRefusal, type PmsSandbox } from 'pms-sandbox';
import { Refusal as ZendeskRefusal, type Comment, type ZendeskSandbox } from 'zendesk-sandbox';
import { InsidePeople, RECORD_KIND, refOf, type Kind, type Side } from './insidePeople';
import { Journal, type Property } from './journal';

/**
 * What people do to both systems in a fault run, one small action at a time, with a journal of it. They act inside the
 * sandboxes, so that what stood there before an edit is known for sure. Where a system refuses them, nothing happened.
 */

/** A pair as people think of it: the record that was there first. */
export interface Thing {
  kind: Kind;
  side: Side;
  id: string;
}

/** A comment or note as people made it. */
export interface Said {
  thing: Thing;
  side: Side;
  id: string;
  token: string;
}

export class RandomPeople {
  readonly journal = new Journal();
  things: Record<Kind, Thing[]> = { org: [], ticket: [] };
  sayings: Said[] = [];
  /** What people did, by kind of action; refused attempts do not count. */
  readonly done: Record<string, number> = {};
  private readonly hands: InsidePeople;
  private readonly client: string;

  constructor(
    private readonly zendesk: ZendeskSandbox,
    private readonly pms: PmsSandbox,
  ) {
    const person = { email: 'pat@pms.example', name: 'Pat' };
    this.hands = new InsidePeople({ zendesk, pms }, { agent: 'ann@sandbox.example', person });
    this.client = pms.store.people.upsert({
      email: 'dora@client.example',
      name: 'Dora',
      role: 'client',
    }).person.id;
  }

  /** Later actions concern new records only: an episode can be played again without those before it. */
  beginEpisode(): void {
    this.things = { org: [], ticket: [] };
    this.sayings = [];
  }

  createOrg(side: Side, name = this.journal.token('Org')): void {
    this.act('create', () => {
      const fields = side === 'zendesk' ? { name, tags: ['vip'] } : { name, domains: [] };
      this.things.org.push({ kind: 'org', side, id: this.hands.create('org', side, fields) });
    });
  }

  /** The same company, entered in both systems by two people who know nothing of each other. */
  createTwins(): void {
    const name = this.journal.token('Twin');
    this.createOrg('zendesk', name);
    const thing = this.things.org.at(-1);
    this.act('create', () => void this.hands.create('org', 'pms', { name: name.toUpperCase() }));
    if (thing) this.things.org.push(thing);
  }

  createTicket(side: Side, org: Thing | undefined, shown = true): void {
    const parent = org && this.idOn(side, org);
    this.act('create', () => {
      const title = this.journal.token('Ticket');
      const words = `${this.journal.token('Words')} 🔥 שלום <b>not markup</b>`;
      const fields =
        side === 'zendesk'
          ? {
              subject: title,
              comment: { body: words, public: shown },
              tags: ['new'],
              ...(parent !== undefined && { organization_id: Number(parent) }),
            }
          : // Zendesk has no ticket without a requester; where a project has none, the two rightly differ.
            {
              ...{ title, description: words, requesterId: this.client, customerId: parent ?? null },
              visibility: shown ? 'public' : 'internal',
            };
      this.things.ticket.push({ kind: 'ticket', side, id: this.hands.create('ticket', side, fields) });
    });
  }

  /** Writes a new, unique value. */
  edit(thing: Thing, side: Side, property: Property): void {
    const id = this.idOn(side, thing);
    if (id === undefined) return;
    const value = this.newValue(property);
    this.act('edit', () => {
      const replaced = this.valueOf(thing.kind, side, id, property);
      this.hands.change(thing.kind, side, id, {
        [FIELDS[thing.kind][side][property] ?? property]: rawValue(property, value),
      });
      this.journal.edited({ side, ref: refOf(thing.kind, side, id), property, value, replaced });
    });
  }

  /** Choices from a list, and cleared values: they tell nothing of their origin, but both sides must agree. */
  choose(thing: Thing, side: Side, what: 'status' | 'priority' | 'clearDue', pick: number): void {
    const id = this.idOn(side, thing);
    if (id === undefined || thing.kind !== 'ticket') return;
    const options = CHOICES[side][what];
    this.act('choose', () => {
      const replaced = this.valueOf('ticket', side, id, 'dueDate');
      this.hands.change('ticket', side, id, options[pick % options.length] ?? {});
      if (what === 'clearDue')
        this.journal.edited({
          side,
          ref: refOf('ticket', side, id),
          property: 'dueDate',
          value: '',
          replaced,
        });
    });
  }

  move(thing: Thing, side: Side, org: Thing): void {
    const id = this.idOn(side, thing);
    const parent = this.idOn(side, org);
    if (id === undefined || parent === undefined) return;
    this.act('move', () =>
      this.hands.change(
        'ticket',
        side,
        id,
        side === 'zendesk' ? { organization_id: Number(parent) } : { customerId: parent },
      ),
    );
  }

  say(thing: Thing, side: Side, shown: boolean): void {
    const id = this.idOn(side, thing);
    if (id === undefined || thing.kind !== 'ticket') return;
    this.act('comment', () => {
      const token = this.journal.token('Said');
      const ref = this.hands.say(side, id, `${token} & <i>so on</i>`, shown);
      this.journal.said({
        side,
        parent: refOf('ticket', side, id),
        ref: `${side}:${side === 'zendesk' ? 'comment' : 'note'}:${ref}`,
        token,
        redacted: false,
      });
      this.sayings.push({ thing, side, id: ref, token });
    });
  }

  /** Blacks the words out; what was said in the PMS is blacked out there. */
  redact(said: Said): void {
    this.act('redact', () => {
      if (said.side === 'pms') this.pms.store.redact(said.id, undefined, this.hands.person);
      else {
        const [ticketId, commentId] = said.id.split('-').map(Number);
        this.zendesk.tickets.changeComment(ticketId ?? 0, commentId ?? 0, this.hands.agent, {
          type: 'CommentRedactionEvent',
          event: 'ticket.comment_redacted',
          change: (comment: Comment) => this.zendesk.tickets.comments.redactWords(comment, said.token),
        });
      }
      for (const entry of this.journal.sayings) if (entry.token === said.token) entry.redacted = true;
    });
  }

  /** Makes what was said internal, where it was said. */
  hide(said: Said): void {
    this.act('hide', () => this.hands.hide(said.side, said.id));
  }

  /** Makes a ticket or project internal. */
  hideTicket(thing: Thing, side: Side): void {
    const id = this.idOn(side, thing);
    if (id === undefined || thing.kind !== 'ticket') return;
    this.act('hide', () => this.hands.hideTicket(side, id));
  }

  /** Only in the PMS can it be edited what was said. */
  editNote(said: Said): void {
    const note =
      said.side === 'pms'
        ? this.pms.store.find('note', said.id)
        : this.pms.store.lookUp('note', 'externalRef', `zendesk:comment:${said.id}`)[0];
    if (!note) return;
    this.act('editNote', () => {
      const token = this.journal.token('Later');
      const replaced = String(note['body']);
      const value = `${token} instead`;
      this.pms.store.update('note', note.id, { body: value }, undefined, this.hands.person);
      this.journal.edited({
        side: 'pms',
        ref: `pms:note:${note.id}`,
        property: 'description',
        value,
        replaced,
      });
    });
  }

  remove(thing: Thing, side: Side): void {
    const id = this.idOn(side, thing);
    if (id === undefined) return;
    this.act('end', () => {
      if (side === 'pms')
        this.pms.store.setArchived(RECORD_KIND[thing.kind].pms, id, true, undefined, this.hands.person);
      else if (thing.kind === 'ticket') this.zendesk.tickets.remove(Number(id), this.hands.agent);
      else this.zendesk.organizations.remove(Number(id), this.hands.agent.id);
    });
  }

  restore(thing: Thing, side: Side): void {
    const id = this.idOn(side, thing);
    if (id === undefined) return;
    this.act('restore', () => {
      if (side === 'pms')
        this.pms.store.setArchived(RECORD_KIND[thing.kind].pms, id, false, undefined, this.hands.person);
      else if (thing.kind === 'ticket') this.zendesk.tickets.restore(Number(id), this.hands.agent);
    });
  }

  destroy(thing: Thing): void {
    const id = this.idOn('pms', thing);
    if (id === undefined || thing.kind !== 'ticket') return;
    this.act('destroy', () => this.pms.store.remove('project', id, undefined, this.hands.person));
  }

  merge(loser: Thing, winner: Thing): void {
    const [from, into] = [this.idOn('zendesk', loser), this.idOn('zendesk', winner)];
    if (from === undefined || into === undefined || from === into) return;
    this.act('merge', () => {
      if (loser.kind === 'org')
        this.zendesk.organizations.merge(Number(from), Number(into), this.hands.agent.id);
      else
        this.zendesk.tickets.merge(Number(into), [Number(from)], this.hands.agent, {
          targetPublic: false,
          sourcePublic: false,
        });
    });
  }

  close(thing: Thing): void {
    const id = this.idOn('zendesk', thing);
    if (id === undefined || thing.kind !== 'ticket') return;
    this.act('close', () => this.hands.change('ticket', 'zendesk', id, { status: 'closed' }));
  }

  /** Where people of one side find a pair's record: by what the records say of each other. */
  idOn(side: Side, { kind, side: own, id }: Thing): string | undefined {
    return own === side ? id : this.hands.counterpart(kind, own, id);
  }

  private valueOf(kind: Kind, side: Side, id: string, property: Property): string {
    return comparable(this.hands.read(kind, side, id)[FIELDS[kind][side][property] ?? property]);
  }

  private newValue(property: Property): string {
    const token = this.journal.token(property).toLowerCase();
    if (property !== 'dueDate') return token;
    // As unique as a token, in the form of a time.
    const seconds = Number(/\d+/.exec(token)?.[0] ?? 0);
    return new Date(Date.UTC(2031, 0, 1) + seconds * 1000).toISOString().replace('.000Z', 'Z');
  }

  private act(kind: string, work: () => void): void {
    try {
      work();
      this.done[kind] = (this.done[kind] ?? 0) + 1;
    } catch (error) {
      if (!(error instanceof ZendeskRefusal) && !(error instanceof PmsRefusal)) throw error;
    }
  }
}

/** How each side calls what an edit can concern. */
const FIELDS: Record<Kind, Record<Side, Partial<Record<Property, string>>>> = {
  org: {
    zendesk: { name: 'name', tags: 'tags', description: 'details', notes: 'notes' },
    pms: { name: 'name', tags: 'tags', description: 'description', notes: 'notes' },
  },
  ticket: {
    zendesk: { title: 'subject', tags: 'tags', dueDate: 'due_at' },
    pms: { title: 'title', tags: 'tags', dueDate: 'dueDate', description: 'description' },
  },
};

/** What can be edited where: Zendesk's description is fixed. */
export function editable(kind: Kind, side: Side): Property[] {
  return Object.keys(FIELDS[kind][side]) as Property[];
}

const CHOICES: Record<Side, Record<'status' | 'priority' | 'clearDue', Record<string, unknown>[]>> = {
  zendesk: {
    status: ['open', 'pending', 'hold', 'solved'].map((status) => ({ status })),
    priority: ['low', 'normal', 'high', 'urgent'].map((priority) => ({ priority })),
    clearDue: [{ due_at: null }],
  },
  pms: {
    status: ['in_progress', 'waiting', 'on_hold', 'done'].map((status) => ({ status })),
    priority: ['low', 'medium', 'high', 'critical', null].map((priority) => ({ priority })),
    clearDue: [{ dueDate: null }],
  },
};

function rawValue(property: Property, value: string): unknown {
  return property === 'tags' ? [value] : value;
}

/** A value in the form in which edits are noted. */
export function comparable(value: unknown): string {
  if (Array.isArray(value)) return [...(value as string[])].sort().join(' ');
  return typeof value === 'string' ? value : '';
}
