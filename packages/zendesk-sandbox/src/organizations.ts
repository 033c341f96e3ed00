import { z } from 'zod';
import { blankValue, mergeKeyedFields, shownKeyedFields } from './fields/fieldValues';
import type { Fields, Organization, Ticket, User } from './model';
import { invalid, notFound, parseRecord } from './refusal';
import type { Store } from './store';
import { normaliseTags } from './text';
import { tagsChange } from './userNews';

const text = z.string().nullable();
/** Properties that are copied unchanged. */
const plain = {
  external_id: text.optional(),
  details: text.optional(),
  notes: text.optional(),
  shared_tickets: z.boolean().optional(),
  shared_comments: z.boolean().optional(),
  group_id: z.number().nullable().optional(),
};
const body = z.looseObject({
  ...plain,
  name: z.string().optional(),
  domain_names: z
    .union([z.array(z.string()), z.string().transform((list) => list.split(/[\s,]+/))])
    .nullish(),
  tags: z.array(z.string()).nullish(),
  organization_fields: z.record(z.string(), z.json()).nullish(),
});
const matched = z.looseObject({ id: z.coerce.number().optional(), external_id: text.optional() });
type Body = z.output<typeof body>;

/** No precondition protects an update. https://developer.zendesk.com/api-reference/ticketing/organizations/organizations/ */
export class Organizations {
  private readonly merges = new Map<string, Fields>();

  /** @param changeTicket applies a change of an organization to its tickets */
  constructor(
    private readonly store: Store,
    private readonly changeTicket: (
      ticketId: number,
      change: Partial<Ticket>,
      by: { actor: User | null; via: unknown },
    ) => void,
  ) {}

  /** The organization as the API returns it, with the present custom fields. */
  shown(organization: Organization): Fields {
    const fields = this.store.organizationFields.list();
    return {
      ...organization,
      organization_fields: shownKeyedFields(fields, organization.organization_fields),
    };
  }

  get(id: number): Organization {
    const organization = this.store.organizations.get(id);
    if (!organization || organization.deleted_at !== null) throw notFound();
    return organization;
  }

  live(): Organization[] {
    return [...this.store.organizations.values()].filter((organization) => organization.deleted_at === null);
  }

  byExternalId(externalId: string): Organization[] {
    const ids = this.store.externalIds.organization.get(externalId.toLowerCase()) ?? new Set();
    return [...ids].flatMap((id) => this.store.organizations.get(id) ?? []);
  }

  byName(name: string): Organization[] {
    const id = this.store.organizationByName.get(name.trim().toLowerCase());
    return id === undefined ? [] : [this.get(id)];
  }

  create(input: unknown, actorId: number): Organization {
    const fields = parseRecord(body, input);
    const name = fields.name?.trim() ?? '';
    if (name === '') throw invalid('name', 'Name: is too short (minimum is 1 characters)', 'BlankValue');
    const organization = this.apply(blankOrganization(this.store), { ...fields, name });
    this.store.putOrganization(organization, null);
    this.announce('organization.created', organization, actorId);
    return organization;
  }

  update(id: number, input: unknown, actorId: number): Organization {
    const before = this.get(id);
    const organization = { ...this.apply(before, parseRecord(body, input)), updated_at: this.store.now() };
    this.store.putOrganization(organization, before);
    this.tellChanges(before, organization, actorId);
    this.announce('organization.updated', organization, actorId);
    return organization;
  }

  createOrUpdate(input: unknown, actorId: number): { organization: Organization; created: boolean } {
    const { id, external_id: externalId } = parseRecord(matched, input);
    const known =
      id !== undefined ? this.get(id) : externalId == null ? undefined : this.byExternalId(externalId)[0];
    return known
      ? { organization: this.update(known.id, input, actorId), created: false }
      : { organization: this.create(input, actorId), created: true };
  }

  /**
   * Rule 24 [R AF]: the export shows it as `{id}_deleted_{name}`; each of its tickets is told that it has none, as a
   * change "Web form" by whoever deletes, and its people have none either.
   */
  remove(id: number, actorId: number): void {
    const before = this.get(id);
    this.store.organizationByName.delete(before.name.toLowerCase());
    const now = this.store.now();
    const gone = { ...before, name: `${id}_deleted_${before.name}`, deleted_at: now, updated_at: now };
    this.store.putOrganization(gone, before);
    const by = { actor: this.store.users.get(actorId) ?? null, via: { channel: 'web', source: {} } };
    for (const ticket of this.store.tickets.values())
      if (ticket.organization_id === id) this.changeTicket(ticket.id, { organization_id: null }, by);
    for (const { id: membership, user_id: userId } of this.store.memberships.list({ organizationId: id })) {
      const next = this.store.memberships.remove(membership);
      const user = this.store.users.get(userId);
      if (user?.organization_id === id)
        this.store.putUser({ ...user, organization_id: next, updated_at: now }, user);
    }
    this.announce('organization.deleted', before, actorId);
  }

  /**
   * The winner takes the loser's people, tickets and domains, and the loser is deleted.
   * https://developer.zendesk.com/api-reference/ticketing/organizations/organizations/#merge-organization-with-another-organization
   */
  merge(loserId: number, winnerId: number, actorId: number): Fields {
    const loser = this.get(loserId);
    const winner = this.get(winnerId);
    if (loserId === winnerId)
      throw invalid('base', 'Merge: an organization cannot be merged into itself', 'InvalidValue');
    const by = { actor: this.store.users.get(actorId) ?? null, via: { channel: 'web', source: {} } };
    for (const ticket of this.store.tickets.values())
      if (ticket.organization_id === loserId) this.changeTicket(ticket.id, { organization_id: winnerId }, by);
    for (const user of this.store.users.values())
      if (user.organization_id === loserId)
        this.store.putUser({ ...user, organization_id: winnerId, updated_at: this.store.now() }, user);
    this.remove(loserId, actorId);
    this.update(winnerId, { domain_names: [...winner.domain_names, ...loser.domain_names] }, actorId);
    const id = `01HSANDBOX${this.store.newId()}`.padEnd(26, '0');
    const url = `${this.store.baseUrl()}/organization_merges/${id}.json`;
    const merge = { id, url, loser_id: loserId, winner_id: winnerId, status: 'new' };
    // The merge is complete at once, but the answer shows the state before.
    this.merges.set(id, { ...merge, status: 'complete' });
    return merge;
  }

  mergeStatus(id: string): Fields {
    const merge = this.merges.get(id);
    if (!merge) throw notFound();
    return merge;
  }

  private apply(before: Organization, fields: Body): Organization {
    const after: Organization = { ...before };
    for (const key of Object.keys(plain)) if (fields[key] !== undefined) after[key] = fields[key];
    if (fields.name !== undefined) after.name = this.uniqueName(fields.name, before.id);
    const taken = (externalId: string) => this.byExternalId(externalId).some(({ id }) => id !== before.id);
    if (fields.external_id != null && taken(fields.external_id))
      throw invalid(
        'external_id',
        `External: ${fields.external_id} has already been taken`,
        'DuplicateValue',
      );
    if (fields.tags) after.tags = normaliseTags(fields.tags, 'asGiven');
    if (fields.domain_names) {
      const domains = fields.domain_names.map((domain) => domain.trim().toLowerCase());
      after.domain_names = [...new Set(domains.filter((domain) => domain !== ''))];
    }
    if (fields.organization_fields)
      after.organization_fields = mergeKeyedFields(
        this.store.organizationFields.active(),
        before.organization_fields,
        fields.organization_fields,
        this.store.rules,
      );
    return after;
  }

  private uniqueName(name: string, id: number): string {
    const trimmed = name.trim();
    if (trimmed === '') throw invalid('name', 'Name: cannot be blank', 'BlankValue');
    const holder = this.store.organizationByName.get(trimmed.toLowerCase());
    if (holder !== undefined && holder !== id)
      throw invalid('name', `Name:  ${trimmed} has already been taken`, 'DuplicateValue');
    return trimmed;
  }

  /** Rule 28: there are events only for names, tags, external ids and custom fields. */
  private tellChanges(before: Organization, after: Organization, actorId: number): void {
    for (const key of ['name', 'external_id'] as const)
      if (after[key] !== before[key])
        this.announce(`organization.${key}_changed`, after, actorId, {
          current: after[key] ?? '',
          previous: before[key] ?? '',
        });
    const tags = tagsChange(before.tags, after.tags);
    if (tags) this.announce('organization.tags_changed', after, actorId, tags);
    for (const { id, key, title, type } of this.store.organizationFields.active()) {
      const [current, previous] = [after, before].map((each) => each.organization_fields[key ?? '']);
      if (JSON.stringify(current) !== JSON.stringify(previous))
        this.announce('organization.custom_field_changed', after, actorId, {
          ...{ current, previous },
          field: { id: String(id), title, type },
        });
    }
  }

  private announce(type: string, record: Organization, actorId: number, change: Fields = {}): void {
    this.store.onEvent({ type, kind: 'organization', record, actorId, change });
  }
}

/** An organization with every key that the live API returns. */
export function blankOrganization(store: Store): Organization {
  const id = store.newId();
  const now = store.now();
  return {
    url: `${store.baseUrl()}/organizations/${id}.json`,
    id,
    name: '',
    shared_tickets: false,
    shared_comments: false,
    external_id: null,
    created_at: now,
    updated_at: now,
    domain_names: [],
    details: null,
    notes: null,
    group_id: null,
    tags: [],
    organization_fields: Object.fromEntries<unknown>(
      store.organizationFields.active().map((field) => [field.key ?? '', blankValue(field)]),
    ),
    deleted_at: null,
  };
}
