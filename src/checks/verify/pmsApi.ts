import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import type { CallBudget, RateRules } from '../../systems/budget';
import { HttpClient, type Request } from '../../systems/http';
import { textOf } from '../../sync/values';
import type { Json, Values } from '../../sync/record';
import { patiently, textFile, valueOf, type FileContent, type PmsView, type Seen } from './publicApi';

/** The PMS as a person uses it: docs/pms-openapi.yaml. */

export interface PmsAccess {
  baseUrl: string;
  token: string;
  rate?: { rules: RateRules; budget: CallBudget };
}

const attachment = z.looseObject({ id: z.string(), fileName: z.string(), size: z.number() });
const raw = z.looseObject({ id: z.string(), attachments: z.array(attachment).default([]) });
type Raw = z.output<typeof raw>;
const list = z.looseObject({ items: z.array(raw) });
const person = z.looseObject({ id: z.string(), email: z.string(), name: z.string() });
type Person = z.output<typeof person>;
const people = z.looseObject({ items: z.array(person) });
const fields = z.looseObject({
  items: z.array(
    z.looseObject({ kind: z.string(), key: z.string(), options: z.array(z.string()).nullish() }),
  ),
});
const PATHS: Record<string, string> = { customer: 'customers', project: 'projects', note: 'notes' };
/** The API's field for each person property: the API references people by id. */
const PEOPLE: Record<string, string> = {
  requester: 'requesterId',
  assignee: 'assigneeId',
  author: 'authorId',
};
const CUSTOM = 'customFields.';
const FOLLOW_UP = 'Edited in Zendesk:\n\n';
const EDIT_TRIES = 10;

export class PmsApi implements PmsView {
  readonly side = 'pms';
  private readonly http: HttpClient;
  private readonly known = new Map<string, Person>();

  constructor({ baseUrl, token, rate }: PmsAccess) {
    this.http = new HttpClient({
      side: 'pms',
      name: 'PMS',
      baseUrl,
      headers: { authorization: `Bearer ${token}` },
      credential: 'PMS_TOKEN',
      ...(rate && { rate }),
    });
  }

  keepsFiles(): boolean {
    return true;
  }

  tellsEdits(): boolean {
    return true;
  }

  async options(): Promise<Map<string, string[]>> {
    const { items } = await patiently(() => this.http.get(fields, '/api/v1/fields'));
    return new Map(
      items.flatMap(({ kind, key, options }) => (options ? [[`pms ${kind} ${CUSTOM}${key}`, options]] : [])),
    );
  }

  async create(kind: string, values: Values): Promise<Seen> {
    const request: Request = { method: 'POST', path: pathOf(kind), body: await this.bodyOf(values) };
    return this.seen(this.http.parse(raw, request, (await patiently(() => this.http.send(request))).body));
  }

  /** Edits the present version, and repeats the edit if another edit was faster. */
  async edit(kind: string, id: string, values: Values): Promise<Seen> {
    const body = await this.bodyOf(values);
    const path = pathOf(kind, id);
    for (let attempt = 1; ; attempt += 1) {
      const etag = (await patiently(() => this.http.send({ method: 'GET', path }))).header('etag');
      const headers = { ...(etag !== null && { 'if-match': etag }) };
      const request: Request = { method: 'PATCH', path, body, headers };
      const answer = await patiently(() => this.http.send(request, attempt < EDIT_TRIES ? [412] : []));
      if (answer.status !== 412) return this.seen(this.http.parse(raw, request, answer.body));
    }
  }

  async read(kind: string, id: string): Promise<Seen | null> {
    const request: Request = { method: 'GET', path: pathOf(kind, id) };
    const answer = await patiently(() => this.http.send(request, [404, 410]));
    return answer.status >= 400 ? null : this.seen(this.http.parse(raw, request, answer.body));
  }

  async find(kind: string, backRef: string): Promise<Seen[]> {
    const { items } = await patiently(() =>
      this.http.get(list, pathOf(kind), { externalRef: backRef, archived: 'all' }),
    );
    return Promise.all(items.map((each) => this.seen(each)));
  }

  async remove(kind: string, id: string): Promise<void> {
    await patiently(() => this.http.send({ method: 'DELETE', path: pathOf(kind, id) }, [404, 410]));
  }

  async followUps(kind: string, id: string): Promise<Map<string, string>> {
    const projectId = kind === 'note' ? textOf((await this.read(kind, id))?.values['projectId'] ?? '') : id;
    const { items } = await patiently(() => this.http.get(list, pathOf('note'), { projectId }));
    const bodies = items.map((each) => [each.id, textOf(valueOf(each['body']))] as const);
    return new Map(bodies.filter(([, body]) => body.startsWith(FOLLOW_UP)));
  }

  async attach(kind: string, id: string, file: FileContent): Promise<void> {
    const request = (): Request => ({
      method: 'POST',
      path: `${pathOf(kind, id)}/attachments`,
      query: { fileName: file.name },
      file: textFile(file),
    });
    await patiently(() => this.http.send(request()));
  }

  async redact(kind: string, id: string): Promise<void> {
    await patiently(() => this.http.send({ method: 'POST', path: `${pathOf(kind, id)}/redact` }));
  }

  async person(email: string, name: string): Promise<void> {
    const body = { email, name, role: 'client' };
    await patiently(() => this.http.send({ method: 'POST', path: '/api/v1/people', body }));
  }

  /** The API cannot delete people, so the person is deactivated. */
  async removePerson(email: string): Promise<void> {
    const found = await this.personOf(email);
    if (!found) return;
    const body = { email, name: found.name, active: false };
    await patiently(() => this.http.send({ method: 'POST', path: '/api/v1/people', body }));
  }

  async personOf(email: string): Promise<Person | null> {
    const { items } = await patiently(() => this.http.get(people, '/api/v1/people', { email }));
    return items[0] ?? null;
  }

  private async seen(from: Raw): Promise<Seen> {
    const values: Values = {};
    for (const [name, value] of Object.entries(from)) values[name] = valueOf(value);
    const custom = (from['customFields'] ?? {}) as Record<string, Json>;
    for (const [name, value] of Object.entries(custom)) values[`${CUSTOM}${name}`] = value;
    for (const [name, field] of Object.entries(PEOPLE)) {
      const id = from[field];
      if (typeof id !== 'string') continue;
      const found = await this.personById(id);
      values[name] = found.email;
      if (name !== 'assignee') values[`${name}Name`] ??= found.name;
    }
    const files = from.attachments.map(({ id, fileName: name, size }) => ({
      id,
      name,
      size,
      content: async () =>
        buffer((await this.http.download({ method: 'GET', path: `/api/v1/attachments/${id}` })).content),
    }));
    return { id: from.id, values, files };
  }

  private async personById(id: string): Promise<Person> {
    const known = this.known.get(id);
    if (known) return known;
    const found = await patiently(() => this.http.get(person, `/api/v1/people/${id}`));
    this.known.set(id, found);
    return found;
  }

  private async bodyOf(values: Values): Promise<Record<string, unknown>> {
    const body: Record<string, unknown> = {};
    const custom: Values = {};
    for (const [name, value] of Object.entries(values)) {
      const field = PEOPLE[name];
      if (name.startsWith(CUSTOM)) custom[name.slice(CUSTOM.length)] = value;
      else if (field !== undefined)
        body[field] = value === null ? null : ((await this.personOf(textOf(value)))?.id ?? null);
      else body[name] = value;
    }
    return Object.keys(custom).length > 0 ? { ...body, customFields: custom } : body;
  }
}

function pathOf(kind: string, id?: string): string {
  const path = `/api/v1/${PATHS[kind] ?? kind}`;
  return id === undefined ? path : `${path}/${encodeURIComponent(id)}`;
}
