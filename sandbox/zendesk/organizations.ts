import { z } from 'zod';
import { invalid, normaliseTags, notFound, type Fields, type Organization, type Store } from './store';

const text = z.string().nullable();
const body = z.looseObject({
  name: z.string().optional(),
  external_id: text.optional(),
  domain_names: z.array(z.string()).optional(),
  details: text.optional(),
  notes: text.optional(),
  tags: z.array(z.string()).optional(),
  shared_tickets: z.boolean().optional(),
  shared_comments: z.boolean().optional(),
  group_id: z.number().nullable().optional(),
  organization_fields: z.record(z.string(), z.json()).optional(),
});
type Body = z.output<typeof body>;

/** https://developer.zendesk.com/api-reference/ticketing/organizations/organizations/ */
export class Organizations {
  constructor(
    private readonly store: Store,
    private readonly baseUrl: () => string,
  ) {}

  get(id: number): Organization {
    const organization = this.store.organizations.get(id);
    if (!organization || organization.deleted_at !== null) throw notFound();
    return organization;
  }

  live(): Organization[] {
    return [...this.store.organizations.values()].filter((organization) => organization.deleted_at === null);
  }

  byExternalId(externalId: string): Organization[] {
    const ids = this.store.externalIds.organization.get(externalId) ?? new Set();
    return [...ids].flatMap((id) => this.store.organizations.get(id) ?? []);
  }

  byName(name: string): Organization | null {
    const id = this.store.organizationByName.get(name.trim().toLowerCase());
    return id === undefined ? null : (this.store.organizations.get(id) ?? null);
  }

  create(input: unknown): Organization {
    const fields = body.parse(input);
    const name = fields.name?.trim() ?? '';
    if (name === '') throw invalid('name', 'Name: is too short (minimum is 1 characters)', 'BlankValue');
    const id = this.store.newId();
    const now = this.store.now();
    const fresh: Organization = {
      url: `${this.baseUrl()}/organizations/${id}.json`,
      id,
      name,
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
      organization_fields: Object.fromEntries(
        this.store.organizationFields.map(({ key, type }) => [key, type === 'checkbox' ? false : null]),
      ),
      deleted_at: null,
    };
    const organization = this.apply(fresh, { ...fields, name });
    this.store.putOrganization(organization, null);
    this.store.onEvent('organization.created', `organization:${id}`, {});
    return organization;
  }

  update(id: number, input: unknown): Organization {
    const before = this.get(id);
    const organization = { ...this.apply(before, body.parse(input)), updated_at: this.store.now() };
    this.store.putOrganization(organization, before);
    this.store.onEvent('organization.updated', `organization:${id}`, {});
    return organization;
  }

  createOrUpdate(input: unknown): { organization: Organization; created: boolean } {
    const { id, external_id: externalId } = z
      .looseObject({ id: z.number().optional(), external_id: text.optional() })
      .parse(input);
    const [known] =
      id !== undefined ? [this.get(id)] : typeof externalId === 'string' ? this.byExternalId(externalId) : [];
    return known
      ? { organization: this.update(known.id, input), created: false }
      : { organization: this.create(input), created: true };
  }

  remove(id: number): void {
    const before = this.get(id);
    const now = this.store.now();
    this.store.putOrganization({ ...before, deleted_at: now, updated_at: now }, before);
    this.store.onEvent('organization.deleted', `organization:${id}`, {});
  }

  private apply(before: Organization, fields: Body): Organization {
    const { tags, domain_names: domains, organization_fields: custom, name, ...rest } = fields;
    const after: Organization = { ...before };
    for (const key of [
      'external_id',
      'details',
      'notes',
      'shared_tickets',
      'shared_comments',
      'group_id',
    ] as const) {
      if (rest[key] !== undefined) Object.assign(after, { [key]: rest[key] });
    }
    if (name !== undefined) after.name = this.uniqueName(name, before.id);
    if (
      typeof fields.external_id === 'string' &&
      this.byExternalId(fields.external_id).some((other) => other.id !== before.id)
    ) {
      throw invalid(
        'external_id',
        `External: ${fields.external_id} has already been taken`,
        'DuplicateValue',
      );
    }
    if (tags) after.tags = normaliseTags(tags);
    if (domains) after.domain_names = [...new Set(domains.map((domain) => domain.trim().toLowerCase()))];
    if (custom) after.organization_fields = { ...before.organization_fields, ...this.customFields(custom) };
    return after;
  }

  private uniqueName(name: string, id: number): string {
    const trimmed = name.trim();
    const holder = this.store.organizationByName.get(trimmed.toLowerCase());
    if (holder !== undefined && holder !== id) {
      throw invalid('name', `Name: ${trimmed} has already been taken`, 'DuplicateValue');
    }
    return trimmed;
  }

  private customFields(given: Fields): Fields {
    const known = Object.entries(given).filter(([key]) =>
      this.store.organizationFields.some((field) => field.key === key),
    );
    for (const [key, value] of known) {
      const field = this.store.organizationFields.find((each) => each.key === key);
      if (field?.type === 'dropdown' && value !== null && !field.options.includes(value as string)) {
        throw invalid(key, `${field.title}: is not valid`, 'InvalidValue');
      }
    }
    return Object.fromEntries(known);
  }
}
