import type { Sandboxes } from './bed';

/** What people do in the two systems, one kind of change at a time, and whether it has arrived on the other side. */

const PERSON = 'U-1001';
const AGENT = 'ann@sandbox.example';

export interface Change {
  /** Which entity, and which way. */
  name: string;
  /** Makes one; each `n` concerns another record. @returns whether it has arrived */
  make: (n: number) => () => boolean;
}

/** Changes of every kind, over the records that both systems have. */
export function changes(sandboxes: Sandboxes): Change[] {
  const { zendesk, pms } = sandboxes;
  const { store, tickets, organizations } = zendesk;
  const agent = store.userByEmail.get(AGENT);
  if (!agent) throw new Error('the sandbox has no Ann');
  const { ticketPairs, organizationPairs } = pairsOf(sandboxes);
  const ticket = (n: number) => at(ticketPairs, n);
  const organization = (n: number) => at(organizationPairs, n);
  let edits = 0;
  const words = () => `Edit ${(edits += 1)} of ${Date.now()}`;
  const projectOf = (id: number) => pms.store.lookUp('project', 'externalRef', `zendesk:ticket:${id}`)[0];
  const ticketOf = (id: string) => tickets.byExternalId(`pms:project:${id}`)[0];
  return [
    {
      name: 'organization edited',
      make(n) {
        const [id, customer] = organization(n);
        const details = words();
        organizations.update(id, { details }, agent.id);
        return () => pms.store.find('customer', customer)?.['description'] === details;
      },
    },
    {
      name: 'customer edited',
      make(n) {
        const [id, customer] = organization(n);
        const notes = words();
        pms.store.update('customer', customer, { notes }, undefined, PERSON);
        return () => organizations.get(id).notes === notes;
      },
    },
    {
      name: 'ticket edited',
      make(n) {
        const [id, project] = ticket(n);
        const subject = words();
        tickets.update(id, { subject }, agent);
        return () => pms.store.find('project', project)?.['title'] === subject;
      },
    },
    {
      name: 'project edited',
      make(n) {
        const [id, project] = ticket(n);
        const title = words();
        pms.store.update('project', project, { title }, undefined, PERSON);
        return () => tickets.get(id).subject === title;
      },
    },
    {
      name: 'ticket made',
      make(n) {
        const [organizationId] = organization(n);
        const subject = words();
        const { ticket: made } = tickets.create(
          {
            subject,
            comment: { body: subject },
            organization_id: organizationId,
            requester_id: agent.id,
            assignee_id: agent.id,
          },
          agent,
        );
        return () => projectOf(made.id) !== undefined;
      },
    },
    {
      name: 'project made',
      make(n) {
        const [, customerId] = organization(n);
        const title = words();
        const input = { title, description: title, customerId, requesterId: PERSON, assigneeId: PERSON };
        const { id } = pms.store.create('project', input, PERSON);
        return () => ticketOf(id) !== undefined;
      },
    },
    {
      name: 'comment made',
      make(n) {
        const [id, project] = ticket(n);
        const body = words();
        tickets.update(id, { comment: { body, author_id: agent.id } }, agent);
        return () => pms.store.lookUp('note', 'projectId', project).some((note) => note['body'] === body);
      },
    },
    {
      name: 'note made',
      make(n) {
        const [id, project] = ticket(n);
        const body = words();
        pms.store.create('note', { projectId: project, body }, PERSON);
        return () => (store.comments.get(id) ?? []).some((comment) => comment.body.includes(body));
      },
    },
  ];
}

/** Records that were joined, by the marks that they carry. */
function pairsOf({ pms }: Sandboxes): {
  ticketPairs: [number, string][];
  organizationPairs: [number, string][];
} {
  const pairs = (kind: 'project' | 'customer', of: 'ticket' | 'organization') =>
    [...pms.store.all(kind)].flatMap(({ id, externalRef }): [number, string][] => {
      const [side, what, other] = externalRef?.split(':') ?? [];
      return side === 'zendesk' && what === of ? [[Number(other), id]] : [];
    });
  return { ticketPairs: pairs('project', 'ticket'), organizationPairs: pairs('customer', 'organization') };
}

function at<T>(items: readonly T[], n: number): T {
  const item = items[n];
  if (item === undefined)
    throw new Error(`the account is too small: ${items.length} records, expected more than ${n}`);
  return item;
}
