import { type PmsRecord, type PmsSandbox } from 'pms-sandbox';
import type { ZendeskSandbox } from 'zendesk-sandbox';

/**
 * Checks from outside, by the records of both systems, that every record has exactly one counterpart with the same
 * content. It shares no code with the sync and does not read the link store.
 *
 * @returns one line for each problem
 */
export function checkBackfill(sandboxes: { zendesk: ZendeskSandbox; pms: PmsSandbox }): string[] {
  const check = new BackfillCheck(sandboxes.zendesk, sandboxes.pms);
  check.customers();
  check.projects();
  check.notes();
  return check.problems;
}

type PmsKind = 'customer' | 'project' | 'note';

class BackfillCheck {
  readonly problems: string[] = [];
  private readonly projectOf = new Map<number, string>();

  constructor(
    private readonly zendesk: ZendeskSandbox,
    private readonly pms: PmsSandbox,
  ) {}

  customers(): void {
    const { store } = this.zendesk;
    const customers = this.grouped('customer');
    for (const org of store.organizations.values()) {
      const customer = this.counterpart(
        'customer',
        customers.byRef,
        `zendesk:organization:${org.id}`,
        org.external_id,
      );
      if (customer) this.expect(`name of ${customer.id}`, customer['name'], org.name);
    }
    this.expect('customers', customers.all, store.organizations.size);
  }

  projects(): void {
    const { store } = this.zendesk;
    const projects = this.grouped('project');
    for (const ticket of store.tickets.values()) {
      const project = this.counterpart(
        'project',
        projects.byRef,
        `zendesk:ticket:${ticket.id}`,
        ticket.external_id,
      );
      if (!project) continue;
      this.projectOf.set(ticket.id, project.id);
      this.expect(`title of ${project.id}`, project['title'], ticket.subject);
      const org = store.organizations.get(ticket.organization_id ?? 0);
      const customer = this.pms.store.find('customer', String(project['customerId']));
      this.expect(`customer of ${project.id}`, customer?.['name'], org?.name);
      this.expect(
        `tags of ${project.id}`,
        [...(project['tags'] as string[])].sort(),
        [...ticket.tags].sort(),
      );
    }
    this.expect('projects', projects.all, store.tickets.size);
    this.checkSharedReferences();
  }

  notes(): void {
    const { store } = this.zendesk;
    const notes = this.grouped('note');
    const withoutNote = new Map<string, number>();
    let comments = 0;
    for (const [ticketId, list] of store.comments) {
      for (const [place, comment] of list.entries()) {
        // The first comment is the description, which the project has itself.
        if (place === 0) continue;
        comments += 1;
        const ref = `zendesk:comment:${ticketId}-${comment.id}`;
        const [note, ...more] = notes.byRef.get(ref) ?? [];
        if (more.length > 0) this.problems.push(`${ref} has ${more.length + 1} notes`);
        if (!note) {
          withoutNote.set(String(comment.plain_body), (withoutNote.get(String(comment.plain_body)) ?? 0) + 1);
          continue;
        }
        this.expect(`body of ${note.id}`, note['body'], comment.plain_body);
        this.expect(`project of ${note.id}`, note['projectId'], this.projectOf.get(ticketId));
      }
    }
    this.unnamedNotes(withoutNote);
    this.expect('notes', notes.all, comments);
  }

  /** Comments without a note of their own were created from notes of the PMS. */
  private unnamedNotes(withoutNote: ReadonlyMap<string, number>): void {
    for (const note of this.pms.store.all('note')) {
      if (note.externalRef !== null) continue;
      const found = [...withoutNote].filter(([text]) => text.endsWith(String(note['body'])));
      if (found.length !== 1 || found[0]?.[1] !== 1)
        this.problems.push(
          `${note.id} is in Zendesk ${found.reduce((sum, [, count]) => sum + count, 0)} times`,
        );
    }
  }

  private checkSharedReferences(): void {
    const { store } = this.zendesk;
    const named = new Map<string, string[]>();
    for (const [kind, records] of [
      ['organization', store.organizations],
      ['ticket', store.tickets],
    ] as const)
      for (const { id, external_id: externalId } of records.values())
        if (externalId !== null)
          named.set(externalId, [...(named.get(externalId) ?? []), `zendesk:${kind}:${id}`]);

    for (const [ref, holders] of named)
      if (holders.length > 1) this.problems.push(`${ref} is the external_id of ${holders.join()}`);
  }

  private grouped(kind: PmsKind): { byRef: Map<string, PmsRecord[]>; all: number } {
    const byRef = new Map<string, PmsRecord[]>();
    let all = 0;
    for (const record of this.pms.store.all(kind)) {
      all += 1;
      if (record.externalRef !== null)
        byRef.set(record.externalRef, [...(byRef.get(record.externalRef) ?? []), record]);
    }
    return { byRef, all };
  }

  private expect(what: string, found: unknown, expected: unknown): void {
    if (JSON.stringify(found) !== JSON.stringify(expected))
      this.problems.push(`${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
  }

  /** The counterpart of a record, by the back-reference of either record. */
  private counterpart(
    kind: PmsKind,
    byRef: Map<string, PmsRecord[]>,
    ref: string,
    externalId: string | null,
  ): PmsRecord | undefined {
    const made = byRef.get(ref) ?? [];
    const [, , id = ''] = externalId?.startsWith(`pms:${kind}:`) ? externalId.split(':') : [];
    const source = id === '' ? undefined : this.pms.store.find(kind, id);
    const all = [...new Set([...made, ...(source ? [source] : [])])];
    if (all.length !== 1) this.problems.push(`${ref} has ${all.length} counterparts`);
    return all[0];
  }
}
