import type { Names, Values } from '../../sync/record';
import { textOf } from '../../sync/values';
import { NeedsHuman } from '../errors';
import type { People } from './people';
import type { Membership, Wanted, ZendeskMemberships } from './zendeskMemberships';

/** Why parts of a ticket were left out of a write, by property. */
export type LeftOut = Record<string, string>;

/** A ticket to write. */
export interface Draft {
  values: Values;
  names: Names;
  /** Zendesk gives a new ticket without an organization its requester's default one, unless it is told to have none. */
  isNew: boolean;
  /** The requester, if the values do not name one. */
  requesterId: () => Promise<number | null>;
}

/** One attempt at a draft. */
export interface Sending {
  values: Values;
  /** By property, the people to look up again, without the cache. */
  again: ReadonlySet<string>;
  /** 0 for the first. */
  attempt: number;
  /** Collects the values that this attempt leaves out. */
  leftOut: LeftOut;
}

/** The property that a refusal concerns, by the key of its `details`. */
const PARTS: Readonly<Record<string, string>> = {
  organization: 'organization_id',
  organization_id: 'organization_id',
  requester: 'requester',
  requester_id: 'requester',
  email: 'requester',
  assignee: 'assignee',
  assignee_id: 'assignee',
};

/**
 * A refused requester, assignee or organization must not block the rest of a ticket's write. The write is repeated after
 * a fix: a cached person is looked up again, or the requester is made a member of the organization. A value that is
 * refused again is left out.
 */
export class RefusedParts {
  constructor(
    private readonly people: People,
    private readonly memberships: ZendeskMemberships,
  ) {}

  /** @throws every error of `send` that does not concern these properties */
  async send<T>(
    draft: Draft,
    send: (sending: Sending) => Promise<T>,
  ): Promise<{ sent: T; leftOut: LeftOut }> {
    const values = { ...draft.values };
    const leftOut: LeftOut = {};
    const again = new Set<string>();
    // The loop ends: each attempt fixes or leaves out another property.
    for (let attempt = 0; ; attempt += 1) {
      try {
        return { sent: await send({ values, again, attempt, leftOut }), leftOut };
      } catch (error) {
        if (!(error instanceof NeedsHuman) || error.code !== 'invalid_field') throw error;
        if (!(await this.fixed({ ...draft, values }, error, again, leftOut))) throw error;
      }
    }
  }

  /** Fixes the draft, or leaves the refused value out. @returns false if a repeat would change nothing */
  private async fixed(
    draft: Draft,
    { field, message }: NeedsHuman,
    again: Set<string>,
    leftOut: LeftOut,
  ): Promise<boolean> {
    const { values } = draft;
    const organization = values['organization_id'] ?? null;
    // A refusal that names no property may concern the organization.
    const part = PARTS[field ?? ''] ?? (field === null || field === 'base' ? 'organization_id' : '');
    if ((values[part] ?? null) === null) return false;
    const isFirst = !again.has(part);
    again.add(part);
    // `maybe`: the write of another ticket may have created the membership since this refusal.
    if (
      part === 'organization_id' &&
      isFirst &&
      (await this.admit(draft, textOf(organization))) !== 'refused'
    )
      return true;
    if (PARTS[field ?? ''] === undefined) return false;
    // A new look-up may find another person for the assignee's address.
    if (part === 'assignee' && isFirst) return true;
    if (part === 'organization_id' && draft.isNew) values[part] = null;
    else delete values[part];
    leftOut[part] = message;
    return true;
  }

  /** Makes a person a member of an organization. @returns false if Zendesk refuses; true may mean "perhaps" */
  async mayBelong(userId: number, organizationId: string): Promise<boolean> {
    return (await this.memberships.join({ userId, organizationId })) !== 'refused';
  }

  /** Makes the requester a member of the organization. */
  private async admit(draft: Draft, organizationId: string): Promise<Membership> {
    const found = await this.requesterFor(draft, organizationId);
    return typeof found === 'string' ? found : this.memberships.join(found);
  }

  /** Makes the requesters of new tickets members of their organizations. @returns the results, in the same order */
  async admitAll(drafts: readonly (Draft & { organizationId: string })[]): Promise<Membership[]> {
    const found: (Membership | Wanted)[] = [];
    for (const draft of drafts) found.push(await this.requesterFor(draft, draft.organizationId));
    const wanted = found.filter((each) => typeof each !== 'string');
    const joined = (await this.memberships.joinAll(wanted)).values();
    return found.map((each) => (typeof each === 'string' ? each : (joined.next().value ?? 'refused')));
  }

  /** The membership to create; or the result, if the requester is a new person, who is created as a member. */
  private async requesterFor(
    { values, names, requesterId }: Draft,
    organizationId: string,
  ): Promise<Wanted | Membership> {
    const { requester } = values;
    if (typeof requester !== 'string') {
      const id = await requesterId();
      return id === null ? 'refused' : { userId: id, organizationId };
    }
    const find = () => this.people.find(requester, { again: true });
    const person = await find();
    if (person) return { userId: person.id, organizationId };
    if (await this.memberships.make(requester, names[requester] ?? requester, organizationId))
      return 'joined';
    // The person may have been created meanwhile, by the write of another ticket.
    const made = await find();
    return made ? { userId: made.id, organizationId } : 'refused';
  }
}
