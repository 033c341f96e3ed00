/**
 * Edits by people on both sides while the sync runs. Each edit uses the public API of its system as that person, and
 * defines how its arrival on the other side is recognized.
 */
import * as edits from './edits';
import type { CompanyPair, Edit, Pair } from './edits';
import { Office, type PeopleOptions, type Project, type Ticket } from './office';

/** Chooses each pair for only one edit, so that edits do not affect each other. */
class Choice {
  private readonly used = new Set<number>();

  constructor(private readonly pairs: Pair[]) {}

  take(what: string, suits: (pair: Pair) => boolean = () => true): Pair {
    const found = this.pairs.find((pair) => !this.used.has(pair.ticket.id) && suits(pair));
    if (!found) throw new Error(`No linked ticket is left for "${what}": sync more data first`);
    this.used.add(found.ticket.id);
    return found;
  }
}

/**
 * Chooses linked records and writes the script for them. Call it after the first sync. The `marker` distinguishes the
 * texts from those of an earlier run on the same data.
 */
export async function scriptEdits(options: PeopleOptions, marker = '1'): Promise<Edit[]> {
  const office = new Office(options);
  const [tickets, projects, organizations, customers, users, people, notes] = await Promise.all([
    office.tickets(),
    office.projects(),
    office.organizations(),
    office.customers(),
    office.users(),
    office.people(),
    office.allNotes(),
  ]);
  const pairs = join(tickets, projects, 'ticket', 'project').map(([ticket, project]) => ({
    ticket,
    project,
  }));
  const companies: CompanyPair[] = join(organizations, customers, 'organization', 'customer').map(
    ([organization, customer]) => ({ organizationId: organization.id, customerId: customer.id }),
  );
  const live = pairs.filter(({ ticket: { status } }) => ['open', 'pending', 'hold', 'new'].includes(status));
  const choice = new Choice(live);

  const company = (n: number): CompanyPair => {
    const found = companies[n];
    if (!found) throw new Error('Too few linked organizations for the script: sync more data first');
    return found;
  };
  const edited = noteToEdit(notes, new Map(pairs.map((pair) => [pair.project.id, pair])), live);
  choice.take('edited note', (pair) => pair === edited.pair);

  const { dated, moved, started, assigned } = pickiest(choice);
  const target = companies.find(({ organizationId }) => organizationId !== moved.ticket.organization_id);
  const [retitled, shared, disputed, answered, noted] = [
    'subject and priority',
    'different properties',
    'conflict',
    'public comment',
    'internal note',
  ].map((what) => choice.take(what)) as [Pair, Pair, Pair, Pair, Pair];
  const renamed = company(0);
  const described = company(1);
  if (!target) throw new Error('The script needs a second linked organization: sync more data first');

  return [
    edits.subjectAndPriority(office, retitled, marker),
    edits.assignee(office, assigned, users, people),
    edits.status(office, started),
    edits.differentProperties(office, shared, marker),
    edits.publicComment(office, answered, marker),
    edits.internalNote(office, noted, marker),
    edits.organizationRenamed(office, renamed, marker),
    edits.customerDescribed(office, described, marker),
    edits.newOrganizationWithTicket(office, marker),
    edits.newCustomerWithProject(office, marker, people),
    edits.dueDateRemoved(office, dated),
    edits.conflictingTitles(office, disputed, marker),
    ...(options.reportsNoteEdits ? [edits.editedNote(office, edited.note, edited.pair, marker)] : []),
    edits.ticketMoved(office, moved, target),
  ];
}

/** Makes the choices first for which few pairs are suitable. */
function pickiest(choice: Choice): Record<'dated' | 'moved' | 'started' | 'assigned', Pair> {
  const dated = choice.take('due date removed', ({ ticket }) => ticket.due_at !== null);
  const moved = choice.take('ticket moved', ({ ticket }) => ticket.organization_id !== null);
  const started = choice.take(
    'status',
    ({ ticket }) => ticket.status === 'open' && ticket.assignee_id !== null,
  );
  const assigned = choice.take(
    'assignee',
    ({ ticket }) => ticket.status !== 'new' && ticket.assignee_id !== null,
  );
  return { dated, moved, started, assigned };
}

/** A note that was created from a comment, on a pair that is still open. */
function noteToEdit(
  notes: NoteList,
  pairOf: ReadonlyMap<string, Pair>,
  live: readonly Pair[],
): { note: NoteList[number]; pair: Pair } {
  const noteOnLivePair = notes
    .map((note) => ({ note, pair: pairOf.get(note.projectId) }))
    .find(
      ({ note, pair }) => note.externalRef?.startsWith('zendesk:comment:') && pair && live.includes(pair),
    );
  if (!noteOnLivePair?.pair) throw new Error('No linked comment for the script: sync more data first');
  return { note: noteOnLivePair.note, pair: noteOnLivePair.pair };
}

type NoteList = Awaited<ReturnType<Office['allNotes']>>;

/** Small edits on alternating sides, to measure the time until an edit arrives. */
export async function quickEdits(options: PeopleOptions, count: number, marker = '1'): Promise<Edit[]> {
  const office = new Office(options);
  const pairs = join(await office.tickets(), await office.projects(), 'ticket', 'project').filter(
    ([{ status }]) => status !== 'closed',
  );
  if (pairs.length === 0) throw new Error('No linked ticket for quick edits: sync more data first');
  return Array.from({ length: count }, (_, n): Edit => {
    const [ticket, project] = pairs[n % pairs.length] as [Ticket, Project];
    const text = `Retitled in passing, no. ${n + 1} (${marker})`;
    return n % 2 === 0
      ? {
          title: `ticket ${ticket.id} retitled`,
          where: 'zendesk',
          act: () => office.editTicket(n, ticket.id, { subject: text }),
          arrived: async () => ((await office.project(project.id)).title === text ? text : null),
        }
      : {
          title: `project ${project.id} retitled`,
          where: 'pms',
          act: () => office.editPms(n, `/projects/${project.id}`, { title: text }),
          arrived: async () => ((await office.ticket(ticket.id)).subject === text ? text : null),
        };
  });
}

/** Joins two lists by the back-reference that either record carries. */
function join<
  Z extends { id: number; external_id: string | null },
  P extends { id: string; externalRef: string | null },
>(zendesk: Z[], pms: P[], zendeskKind: string, pmsKind: string): [Z, P][] {
  const byId = new Map(pms.map((each) => [`pms:${pmsKind}:${each.id}`, each]));
  const byRef = new Map(pms.map((each) => [each.externalRef, each]));
  return zendesk.flatMap((each): [Z, P][] => {
    const other = byId.get(each.external_id ?? '') ?? byRef.get(`zendesk:${zendeskKind}:${each.id}`);
    return other ? [[each, other]] : [];
  });
}
