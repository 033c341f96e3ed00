import type { Names, Values } from '../../sync/record';
import { textOf } from '../../sync/values';
import { NeedsHuman } from '../errors';
import type { People } from './people';
import type { Membership, ZendeskMemberships } from './zendeskMemberships';

/** Why parts of a ticket were left out of a write, by property. */
export type LeftOut = Record<string, string>;

/** A ticket to write. */
export interface Draft {
  values: Values;
  names: Names;
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

/** Where a refusal names a part of the ticket, by the key of its `details`. */
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
 * A requester, an assignee or an organization that Zendesk refuses stops nothing else of a ticket: who was looked up
 * some minutes ago is looked up again, the requester is made a member of the organization, and what is refused all the
 * same is left out.
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
    // Each attempt mends or leaves out another part, so that this ends.
    for (let attempt = 0; ; attempt += 1) {
      try {
        return { sent: await send({ values, again, attempt, leftOut }), leftOut };
      } catch (error) {
        if (!(error instanceof NeedsHuman) || error.code !== 'invalid_field') throw error;
        if (!(await this.isMended({ ...draft, values }, error, again, leftOut))) throw error;
      }
    }
  }

  /** Whether the draft is another one now. */
  private async isMended(
    draft: Draft,
    { field, message }: NeedsHuman,
    again: Set<string>,
    leftOut: LeftOut,
  ): Promise<boolean> {
    const { values } = draft;
    const organization = values['organization_id'] ?? null;
    // A refusal of the ticket as a whole may be one of its organization.
    const part = PARTS[field ?? ''] ?? (field === null || field === 'base' ? 'organization_id' : '');
    if ((values[part] ?? null) === null) return false;
    const isFirst = !again.has(part);
    again.add(part);
    // `maybe`: another ticket of this person may have made the membership since this one was refused.
    if (
      part === 'organization_id' &&
      isFirst &&
      (await this.admit(draft, textOf(organization))) !== 'refused'
    )
      return true;
    if (PARTS[field ?? ''] === undefined) return false;
    // The assignee may be another person by now.
    if (part === 'assignee' && isFirst) return true;
    delete values[part];
    leftOut[part] = message;
    return true;
  }

  /** Whether a person is a member of an organization now, as far as is known. */
  async mayBelong(userId: number, organizationId: string): Promise<boolean> {
    return (await this.memberships.join(userId, organizationId)) !== 'refused';
  }

  /** Makes the requester a member of the organization. */
  async admit({ values, names, requesterId }: Draft, organizationId: string): Promise<Membership> {
    const { requester } = values;
    if (typeof requester !== 'string') {
      const id = await requesterId();
      return id === null ? 'refused' : this.memberships.join(id, organizationId);
    }
    const find = () => this.people.find(requester, { again: true });
    const person = await find();
    if (person) return this.memberships.join(person.id, organizationId);
    if (await this.memberships.make(requester, names[requester] ?? requester, organizationId))
      return 'joined';
    // Another ticket may have made this person meanwhile.
    const made = await find();
    return made ? this.memberships.join(made.id, organizationId) : 'refused';
  }
}
