import { Refusal as PmsRefusal, type PmsSandbox } from 'pms-sandbox';
import { Refusal as ZendeskRefusal, type ZendeskSandbox } from 'zendesk-sandbox';
import { Administrators } from './administrators';
import { CUSTOM_CHOICES, activeField, customChange, customValue, type CustomField } from './customFields';
import { InsidePeople, RECORD_KIND, refOf, type Kind, type Side, type Thing } from './insidePeople';
import { Journal, type Property } from './journal';
import { Talk } from './talk';

/**
 * The actions of people in both systems during a fault run, one at a time, with a journal. They act inside the sandboxes,
 * so that the value before each edit is known exactly. A refused action changes nothing.
 */

export class RandomPeople {
  readonly journal = new Journal();
  things: Record<Kind, Thing[]> = { org: [], ticket: [] };
  /** The number of actions by kind, without refused attempts. */
  readonly done: Record<string, number> = {};
  readonly administrators: Administrators;
  readonly talk: Talk;
  private readonly hands: InsidePeople;
  private readonly client: string;

  constructor(
    readonly zendesk: ZendeskSandbox,
    private readonly pms: PmsSandbox,
  ) {
    this.administrators = new Administrators(zendesk);
    const person = { email: 'pat@pms.example', name: 'Pat' };
    this.hands = new InsidePeople({ zendesk, pms }, { agent: 'ann@sandbox.example', person });
    this.talk = new Talk({ zendesk, pms }, this.hands, this.journal, (kind, work) => this.act(kind, work));
    this.client = pms.store.people.upsert({
      email: 'dora@client.example',
      name: 'Dora',
      role: 'client',
    }).person.id;
  }

  /** Later actions concern only new records, so that an episode can be repeated without the earlier ones. */
  beginEpisode(): void {
    this.things = { org: [], ticket: [] };
    this.talk.comments = [];
    this.administrators.putRight();
  }

  createOrg(side: Side, name = this.journal.token('Org')): void {
    this.act('create', () => {
      const fields = side === 'zendesk' ? { name, tags: ['vip'] } : { name, domains: [] };
      this.things.org.push({ kind: 'org', side, id: this.hands.create('org', side, fields) });
    });
  }

  /** The same company, entered in both systems independently by two people. */
  createTwins(): void {
    const name = `Jürgen  ${this.journal.token('Twin')}`;
    this.createOrg('zendesk', name);
    const thing = this.things.org.at(-1);
    // People read both names as the same: they differ in case, Unicode form and blanks.
    const again = name.toUpperCase().normalize('NFD').replace('  ', ' ');
    this.act('create', () => void this.hands.create('org', 'pms', { name: again }));
    if (thing) this.things.org.push(thing);
  }

  /** @param shown whether customers see the first comment */
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
              title,
              description: words,
              requesterId: this.client,
              customerId: parent ?? null,
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
      const change =
        property === 'order'
          ? customChange({ zendesk: this.zendesk }, { field: 'order', side, value })
          : { [FIELDS[thing.kind][side][property] ?? property]: rawValue(property, value) };
      // The side does not have the field, so it cannot be edited.
      if (change === null) return;
      this.hands.change(thing.kind, side, id, change);
      // A value that the system dropped without an error does not count as an edit.
      const now = this.valueOf(thing.kind, side, id, property);
      const isTaken = now === value || now.split(' ').includes(value);
      if (!isTaken && now === replaced) return;
      const field = property === 'order' && side === 'zendesk' && activeField(this, 'order');
      const ref = refOf(thing.kind, side, id);
      this.journal.edited({
        side,
        ref,
        property,
        value: isTaken ? value : '',
        replaced,
        ...(field && { field }),
      });
    });
  }

  /** Choices from a list, and cleared values. They are not unique, so the checker only tests that both sides agree. */
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

  /** A choice in a custom field. */
  fill(thing: Thing, side: Side, field: Exclude<CustomField, 'order'>, pick: number): void {
    const id = this.idOn(side, thing);
    if (id === undefined || thing.kind !== 'ticket') return;
    const choices = CUSTOM_CHOICES[field];
    const value = choices[pick % choices.length];
    const change = customChange({ zendesk: this.zendesk }, { field, side, value });
    if (change) this.act('fill', () => this.hands.change('ticket', side, id, change));
  }

  /** Adds the tag that is a field's value, as agents and triggers do. */
  tagOption(thing: Thing, tag: string): void {
    const id = this.idOn('zendesk', thing);
    if (id === undefined || thing.kind !== 'ticket') return;
    this.act('tagOption', () => {
      const { tags } = this.zendesk.tickets.get(Number(id));
      this.hands.change('ticket', 'zendesk', id, { tags: [...tags, tag] });
    });
  }

  /** @param pick 0 for nobody, 1 and 2 for agents, 3 for a person of the PMS whom Zendesk does not know */
  assign(thing: Thing, side: Side, pick: number): void {
    const id = this.idOn(side, thing);
    if (id === undefined || thing.kind !== 'ticket') return;
    const email = [null, 'bob@sandbox.example', 'cy@sandbox.example', 'pat@pms.example'][pick % 4] ?? null;
    const user = email === null ? undefined : this.zendesk.store.userByEmail.get(email);
    if (side === 'zendesk' && email !== null && !user) return;
    this.act('assign', () => {
      const person = email && this.pms.store.people.upsert({ email, name: email.split('@')[0] }).person.id;
      const change = side === 'zendesk' ? { assignee_id: user?.id ?? null } : { assigneeId: person };
      this.hands.change('ticket', side, id, change);
    });
  }

  comment(thing: Thing, side: Side, shown: boolean): void {
    const id = this.idOn(side, thing);
    if (id !== undefined && thing.kind === 'ticket') this.talk.comment(thing, { side, id, shown });
  }

  commentWithFile(thing: Thing, shown: boolean): void {
    const id = this.idOn('zendesk', thing);
    if (id !== undefined && thing.kind === 'ticket') this.talk.commentWithFile(thing, id, shown);
  }

  administer(what: 'toggle' | 'replace' | 'rename', field: CustomField): void {
    this.act(what, () => {
      if (what === 'rename') this.administrators.renameOption();
      else this.administrators[what](field);
    });
  }

  /** Bob's role, or whether a client belongs to an organization. */
  changePeople(what: 'role' | 'membership', org: Thing | undefined): void {
    const email = what === 'role' ? 'bob@sandbox.example' : 'dora@client.example';
    const user = this.zendesk.store.userByEmail.get(email);
    const id = org && this.idOn('zendesk', org);
    const organization = this.zendesk.store.organizations.get(Number(id));
    if (!user) return;
    this.act(what, () => {
      if (what === 'role') this.administrators.changeRole(user);
      else if (organization?.deleted_at === null) this.administrators.changeMembership(user, organization);
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

  /** The id of a pair's record on one side, found by the back-references. */
  idOn(side: Side, { kind, side: own, id }: Thing): string | undefined {
    return own === side ? id : this.hands.counterpart(kind, own, id);
  }

  private valueOf(kind: Kind, side: Side, id: string, property: Property): string {
    const { zendesk } = this;
    if (property === 'order')
      return comparable(customValue({ zendesk }, side, this.hands.read(kind, side, id), 'order'));
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

/** Each side's names of the properties that are edited. */
const FIELDS: Record<Kind, Record<Side, Partial<Record<Property, string>>>> = {
  org: {
    zendesk: { name: 'name', tags: 'tags', description: 'details', notes: 'notes' },
    pms: { name: 'name', tags: 'tags', description: 'description', notes: 'notes' },
  },
  ticket: {
    zendesk: { title: 'subject', tags: 'tags', dueDate: 'due_at', order: 'custom_fields' },
    pms: {
      title: 'title',
      tags: 'tags',
      dueDate: 'dueDate',
      description: 'description',
      order: 'customFields',
    },
  },
};

/** The properties that can be edited on a side: a description is fixed in Zendesk. */
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

/** A value in the journal's form. */
export function comparable(value: unknown): string {
  if (Array.isArray(value)) return [...(value as string[])].sort().join(' ');
  return typeof value === 'string' ? value : '';
}
