import { refKey, spellings } from '../../sync/canonicalKey';
import { textOf } from '../../sync/values';
import type { Json, RefKey, SyncRecord, Values } from '../../sync/record';
import { chunks } from '../chunks';
import type { BulkCreate } from '../bulkWrites';
import type { Request } from '../http';
import type { ChangePage, WalkPage } from '../port';
import { parseEach, type Parsed } from '../unreadable';
import { position, startTime } from './exportCursor';
import { OrganizationIndex, holdsValue } from './organizationIndex';
import { IDS_PER_CALL, type ZendeskCalls } from './zendeskCalls';
import { ORGANIZATION_FIELD, PROPERTIES } from './zendeskProperties';
import { organizationRecord } from './zendeskRecords';
import {
  organizationAnswer,
  organizationExport,
  organizationSchema,
  organizationsAnswer,
  organizationsPage,
} from './zendeskSchemas';

const MATCHES_AT_MOST = 10;
/** The fewest letters that the autocompletion accepts. */
const AUTOCOMPLETE_FROM = 2;

/** https://developer.zendesk.com/api-reference/ticketing/organizations/organizations/ */
export class ZendeskOrganizations {
  private readonly index = new OrganizationIndex((cursor) => this.changes(cursor));

  constructor(private readonly calls: ZendeskCalls) {}

  /** Reads organizations. Deleted ones are left out. */
  async byIds(ids: readonly string[]): Promise<SyncRecord[]> {
    const records: SyncRecord[] = [];
    for (const some of chunks(ids, IDS_PER_CALL)) {
      const query = { ids: some.join(',') };
      const answer = await this.calls.http.get(organizationsAnswer, '/api/v2/organizations/show_many', query);
      records.push(...answer.organizations.map(organizationRecord));
    }
    return records;
  }

  findByBackRef(backRef: RefKey): Promise<SyncRecord[]> {
    return this.search({ external_id: backRef });
  }

  canFindBy(property: string): boolean {
    return property in (PROPERTIES['organization'] ?? {}) || property.startsWith(ORGANIZATION_FIELD);
  }

  /** Looks up by name, which is exact and current; for other properties, see {@link OrganizationIndex}. */
  async findByProperty(property: string, value: Json): Promise<SyncRecord[]> {
    if (property === 'name') return this.byName(value);
    const refs = await this.index.find(property, value);
    const records = await this.byIds(refs.map(({ id }) => id));
    return records
      .filter((record) => record.state === 'live' && holdsValue(record, property, value))
      .slice(0, MATCHES_AT_MOST);
  }

  /** Looks up each spelling, because the search treats them as different names. */
  private async byName(value: Json): Promise<SyncRecord[]> {
    const found = new Map<RefKey, SyncRecord>();
    for (const name of spellings(value))
      for (const record of await this.search({ name: textOf(name) })) found.set(refKey(record.ref), record);
    if (found.size === 0)
      for (const record of await this.withFirstWord(value)) found.set(refKey(record.ref), record);
    return [...found.values()].slice(0, MATCHES_AT_MOST);
  }

  /**
   * Finds names that differ only in blanks, which the search by name does not find.
   * https://developer.zendesk.com/api-reference/ticketing/organizations/organizations/#autocomplete-organizations
   */
  private async withFirstWord(value: Json): Promise<SyncRecord[]> {
    const words = spellings(value).map((name) => textOf(name).trim().split(/\s+/));
    const firsts = words.flatMap(([first = '', ...others]) =>
      others.length > 0 && first.length >= AUTOCOMPLETE_FROM ? [first] : [],
    );
    const found: SyncRecord[] = [];
    for (const name of new Set(firsts)) {
      const path = '/api/v2/organizations/autocomplete';
      const { organizations } = await this.calls.http.get(organizationsAnswer, path, { name });
      found.push(...organizations.map(organizationRecord));
    }
    return found.filter((record) => holdsValue(record, 'name', value));
  }

  create(item: Pick<BulkCreate, 'values' | 'backRef'>): Promise<SyncRecord> {
    const body = { organization: newOrganization(item) };
    return this.write({ method: 'POST', path: '/api/v2/organizations', body });
  }

  update(id: string, changes: Values, externalId: { external_id?: RefKey }): Promise<SyncRecord> {
    const body = { organization: { ...organizationBody(changes), ...externalId } };
    return this.write({ method: 'PUT', path: `/api/v2/organizations/${id}`, body });
  }

  async changes(cursor: string | null): Promise<ChangePage> {
    const page = await this.calls.http.get(organizationExport, '/api/v2/incremental/organizations', {
      start_time: startTime(cursor),
    });
    const { records, unreadable } = this.each(page.organizations, '/api/v2/incremental/organizations');
    return { records, unreadable, gone: [], ...position(page, cursor) };
  }

  /** Reads the list of organizations page by page; accounts have few of them. */
  async walk(cursor: string | null): Promise<WalkPage> {
    const page = await this.calls.http.get(organizationsPage, '/api/v2/organizations', {
      'page[size]': IDS_PER_CALL,
      ...(cursor !== null && { 'page[after]': cursor }),
    });
    const { has_more: more, after_cursor: after } = page.meta;
    return { ...this.each(page.organizations, '/api/v2/organizations'), cursor: more ? after : null };
  }

  private each(items: readonly unknown[], path: string): Parsed<SyncRecord> {
    const { records, unreadable } = parseEach(
      organizationSchema,
      items,
      `Zendesk GET ${path}: organizations`,
      (id) => ({ side: 'zendesk', kind: 'organization', id }),
    );
    return { records: records.map(organizationRecord), unreadable };
  }

  private async search(query: { name: string } | { external_id: RefKey }): Promise<SyncRecord[]> {
    const answer = await this.calls.http.get(organizationsAnswer, '/api/v2/organizations/search', query);
    return answer.organizations.map(organizationRecord);
  }

  private async write(request: Request): Promise<SyncRecord> {
    const written = await this.calls.write(request);
    return organizationRecord(this.calls.http.parse(organizationAnswer, request, written).organization);
  }
}

export function newOrganization({ values, backRef }: Pick<BulkCreate, 'values' | 'backRef'>) {
  return { ...organizationBody(values), external_id: backRef };
}

function organizationBody(values: Values): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  const fields: Values = {};
  for (const [name, value] of Object.entries(values)) {
    if (name.startsWith(ORGANIZATION_FIELD)) fields[name.slice(ORGANIZATION_FIELD.length)] = value;
    else body[name] = value;
  }
  return Object.keys(fields).length > 0 ? { ...body, organization_fields: fields } : body;
}
