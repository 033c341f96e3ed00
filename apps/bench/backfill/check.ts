import { type PmsRecord, type PmsSandbox } from 'pms-sandbox';
import type { ZendeskSandbox } from 'zendesk-sandbox';

/**
 * Looks from outside, at what both systems hold, whether everything has its counterpart, once, and says the same.
 * It shares nothing with the sync, and asks its link store nothing.
 *
 * @returns what is wrong, in words
 */
export function checkBackfill({ zendesk, pms }: { zendesk: ZendeskSandbox; pms: PmsSandbox }): string[] {
  const problems: string[] = [];
  const { store } = zendesk;
  const grouped = (kind: 'customer' | 'project' | 'note') => {
    const byRef = new Map<string, PmsRecord[]>();
    let all = 0;
    for (const record of pms.store.all(kind)) {
      all += 1;
      if (record.externalRef !== null)
        byRef.set(record.externalRef, [...(byRef.get(record.externalRef) ?? []), record]);
    }
    return { byRef, all };
  };
  const expect = (what: string, found: unknown, expected: unknown) => {
    if (JSON.stringify(found) !== JSON.stringify(expected))
      problems.push(`${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
  };
  const named = new Map<string, string[]>();
  for (const [kind, records] of [
    ['organization', store.organizations],
    ['ticket', store.tickets],
  ] as const)
    for (const { id, external_id: externalId } of records.values())
      if (externalId !== null)
        named.set(externalId, [...(named.get(externalId) ?? []), `zendesk:${kind}:${id}`]);

  /** The record that a record of the other side was made for, or is linked to by either's mark. */
  const counterpart = (
    kind: 'customer' | 'project' | 'note',
    byRef: Map<string, PmsRecord[]>,
    ref: string,
    externalId: string | null,
  ): PmsRecord | undefined => {
    const made = byRef.get(ref) ?? [];
    const [, , id = ''] = externalId?.startsWith(`pms:${kind}:`) ? externalId.split(':') : [];
    const source = id === '' ? undefined : pms.store.find(kind, id);
    const all = [...new Set([...made, ...(source ? [source] : [])])];
    if (all.length !== 1) problems.push(`${ref} has ${all.length} counterparts`);
    return all[0];
  };

  const customers = grouped('customer');
  for (const org of store.organizations.values()) {
    const customer = counterpart(
      'customer',
      customers.byRef,
      `zendesk:organization:${org.id}`,
      org.external_id,
    );
    if (customer) expect(`name of ${customer.id}`, customer['name'], org.name);
  }
  expect('customers', customers.all, store.organizations.size);

  const projects = grouped('project');
  const projectOf = new Map<number, string>();
  for (const ticket of store.tickets.values()) {
    const project = counterpart('project', projects.byRef, `zendesk:ticket:${ticket.id}`, ticket.external_id);
    if (!project) continue;
    projectOf.set(ticket.id, project.id);
    expect(`title of ${project.id}`, project['title'], ticket.subject);
    const org = store.organizations.get(ticket.organization_id ?? 0);
    const customer = pms.store.find('customer', String(project['customerId']));
    expect(`customer of ${project.id}`, customer?.['name'], org?.name);
    expect(`tags of ${project.id}`, [...(project['tags'] as string[])].sort(), [...ticket.tags].sort());
  }
  expect('projects', projects.all, store.tickets.size);
  for (const [ref, holders] of named)
    if (holders.length > 1) problems.push(`${ref} is held by ${holders.join()}`);

  const notes = grouped('note');
  const said = new Map<string, number>();
  let comments = 0;
  for (const [ticketId, list] of store.comments) {
    for (const [place, comment] of list.entries()) {
      // The description is the project's own.
      if (place === 0) continue;
      comments += 1;
      const ref = `zendesk:comment:${ticketId}-${comment.id}`;
      const [note, ...more] = notes.byRef.get(ref) ?? [];
      if (more.length > 0) problems.push(`${ref} has ${more.length + 1} notes`);
      if (!note) {
        said.set(String(comment.plain_body), (said.get(String(comment.plain_body)) ?? 0) + 1);
        continue;
      }
      expect(`body of ${note.id}`, note['body'], comment.plain_body);
      expect(`project of ${note.id}`, note['projectId'], projectOf.get(ticketId));
    }
  }
  // Comments without a note of their own are those that notes of the PMS became.
  for (const note of pms.store.all('note')) {
    if (note.externalRef !== null) continue;
    const found = [...said].filter(([text]) => text.endsWith(String(note['body'])));
    if (found.length !== 1 || found[0]?.[1] !== 1)
      problems.push(
        `${note.id} is said ${found.reduce((sum, [, count]) => sum + count, 0)} times in Zendesk`,
      );
  }
  expect('notes', notes.all, comments);
  return problems;
}
