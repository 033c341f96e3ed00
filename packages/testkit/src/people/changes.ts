import { SYNC_PERSON } from 'pms-sandbox';
import { InsidePeople, refOf, type Kind, type SandboxPair, type Side } from './insidePeople';

/** The kinds of changes that people make in the two systems, each with a test of its arrival on the other side. */

const AGENT = 'ann@sandbox.example';

export interface Change {
  /** The entity and the direction. */
  name: string;
  /** Makes the change; each `n` concerns another record. @returns a test of the arrival */
  make: (n: number) => () => boolean;
}

/** Changes of every kind, over the records that both systems have. */
export function changes(sandboxes: SandboxPair): Change[] {
  // Earlier runs were measured with this person; another one would add the calls that create a user in Zendesk.
  const people = new InsidePeople(sandboxes, { agent: AGENT, person: SYNC_PERSON });
  const { agent, person } = people;
  const assignee = sandboxes.pms.store.people.upsert({ email: AGENT, name: agent.name }).person.id;
  const pairs = { ticket: joined(sandboxes, 'ticket'), org: joined(sandboxes, 'org') };
  const other = (side: Side): Side => (side === 'zendesk' ? 'pms' : 'zendesk');
  const pair = (kind: Kind, n: number): Record<Side, string> => at(pairs[kind], n);
  let edits = 0;
  const words = () => `Edit ${(edits += 1)} of ${Date.now()}`;

  /** Changes one text; `fields` are its names on the side of the edit and on the other. */
  const edited = (name: string, kind: Kind, side: Side, [from, to]: [string, string]): Change => ({
    name,
    make(n) {
      const ids = pair(kind, n);
      const text = words();
      people.change(kind, side, ids[side], { [from]: text });
      return () => people.read(kind, other(side), ids[other(side)])[to] === text;
    },
  });
  const made = (name: string, side: Side, fields: (text: string, org: string) => object): Change => ({
    name,
    make(n) {
      // Zendesk knows most requesters, and as members: creating a user or a membership is not measured here.
      sandboxes.zendesk.store.personOf(SYNC_PERSON.email, SYNC_PERSON.name);
      people.join(SYNC_PERSON.email, Number(pair('org', n).zendesk));
      const id = people.create('ticket', side, { ...fields(words(), pair('org', n)[side]) });
      return () => people.counterpart('ticket', side, id) !== undefined;
    },
  });
  return [
    edited('organization edited', 'org', 'zendesk', ['details', 'description']),
    edited('customer edited', 'org', 'pms', ['notes', 'notes']),
    edited('ticket edited', 'ticket', 'zendesk', ['subject', 'title']),
    edited('project edited', 'ticket', 'pms', ['title', 'subject']),
    made('ticket made', 'zendesk', (subject, organization) => ({
      subject,
      comment: { body: subject },
      organization_id: Number(organization),
      requester_id: agent.id,
      assignee_id: agent.id,
    })),
    made('project made', 'pms', (title, customerId) => ({
      title,
      description: title,
      customerId,
      requesterId: person,
      assigneeId: assignee,
    })),
    ...commentChanges(sandboxes, people, { pair: (n) => pair('ticket', n), words }),
  ];
}

function commentChanges(
  { zendesk, pms }: SandboxPair,
  people: InsidePeople,
  { pair, words }: { pair: (n: number) => Record<Side, string>; words: () => string },
): Change[] {
  return [
    {
      name: 'comment made',
      make(n) {
        const { zendesk: ticket, pms: project } = pair(n);
        const body = words();
        people.comment('zendesk', ticket, body);
        return () => pms.store.lookUp('note', 'projectId', project).some((note) => note['body'] === body);
      },
    },
    {
      name: 'note made',
      make(n) {
        const { zendesk: ticket, pms: project } = pair(n);
        const body = words();
        people.comment('pms', project, body);
        const comments = () => zendesk.store.comments.get(Number(ticket)) ?? [];
        return () => comments().some((comment) => comment.body.includes(body));
      },
    },
  ];
}

/** The ids of linked records, by the back-references of the PMS records. */
function joined({ pms }: SandboxPair, kind: Kind): Record<Side, string>[] {
  const collection = kind === 'ticket' ? 'project' : 'customer';
  const prefix = refOf(kind, 'zendesk', '');
  return [...pms.store.all(collection)].flatMap(({ id, externalRef }) =>
    externalRef?.startsWith(prefix) ? [{ zendesk: externalRef.slice(prefix.length), pms: id }] : [],
  );
}

function at<T>(items: readonly T[], n: number): T {
  const item = items[n];
  if (item === undefined)
    throw new Error(`the account is too small: ${items.length} records, expected more than ${n}`);
  return item;
}
