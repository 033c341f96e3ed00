import { textOf } from '../../sync/values';
import type { ReadResult } from '../port';
import type { RecordRef, SyncRecord } from '../../sync/record';
import type { BulkAnswer, BulkCreate, BulkWrites } from '../bulkWrites';
import { AlreadyExists, NeedsHuman, RecordGone, ReferenceGone } from '../errors';
import type { HttpClient } from '../http';
import { Admissions } from './admissions';
import { Jobs } from './jobs';
import { IDS_PER_CALL } from './zendeskCalls';
import { newOrganization } from './zendeskOrganizations';
import type { Membership } from './zendeskMemberships';
import { NOT_A_MEMBER, isPublic, type ZendeskTickets } from './zendeskTickets';

/**
 * Bulk creates of tickets and organizations. Comments are created one by one, because bulk calls cannot set their marks;
 * updates are, because a bulk answer does not contain the replaced values.
 * https://developer.zendesk.com/api-reference/ticketing/ticket-management/job_statuses/
 */
export class ZendeskBulk implements BulkWrites {
  readonly most = IDS_PER_CALL;
  private readonly jobs: Jobs;
  private readonly admissions: Admissions;

  constructor(
    http: HttpClient,
    private readonly tickets: ZendeskTickets,
    private readonly read: (refs: RecordRef[]) => Promise<ReadResult[]>,
  ) {
    this.jobs = new Jobs(http);
    this.admissions = new Admissions(tickets);
  }

  canCreate(kind: string): boolean {
    return kind === 'ticket' || kind === 'organization';
  }

  canUpdate(): boolean {
    return false;
  }

  async update(): Promise<never> {
    throw new NeedsHuman('unsupported', 'Zendesk records are changed one by one');
  }

  settled(): Promise<void> {
    return this.jobs.settled();
  }

  async create(kind: string, items: readonly BulkCreate[]): Promise<BulkAnswer[]> {
    if (kind !== 'ticket') return this.send(kind, items);
    await this.admissions.ofOwnTickets(items);
    return this.withoutRefused(items, await this.send(kind, items));
  }

  private async send(kind: string, items: readonly BulkCreate[]): Promise<BulkAnswer[]> {
    const name = kind === 'ticket' ? 'tickets' : 'organizations';
    const bodies: unknown[] = [];
    for (const item of items)
      bodies.push(kind === 'ticket' ? await this.tickets.newTicket(item) : newOrganization(item));
    const path = `/api/v2/${name}/create_many`;
    const results = await this.jobs.run({ method: 'POST', path, body: { [name]: bodies } }, items.length);
    if (kind === 'ticket') {
      const made = results.flatMap(({ id }, place) => {
        const item = items[place];
        return id === null || !item ? [] : [[id, isPublic(item)] as const];
      });
      await this.tickets.visibility.noteMade(new Map(made));
    }
    const refs = results.flatMap(({ id }) => (id === null ? [] : { side: 'zendesk' as const, kind, id }));
    const read = new Map((await this.read(refs)).map(({ ref, record }) => [ref.id, record]));
    return results.map((result) => {
      if (result.id === null) return { error: result.error };
      const record = read.get(result.id);
      return record ? { record } : { error: new RecordGone(`zendesk:${kind}:${result.id} is gone`) };
    });
  }

  /**
   * The result of a job explains a refused ticket only by a text. So each requester is made a member of the ticket's
   * organization, once per requester and organization, and these tickets are sent again. If a requester cannot become a
   * member, e.g. of more than 300 organizations, the ticket is sent without its organization. A ticket that is refused
   * again is written by itself: that refusal names the property, which is then left out.
   */
  private async withoutRefused(
    items: readonly BulkCreate[],
    first: readonly BulkAnswer[],
  ): Promise<BulkAnswer[]> {
    const answers = [...first];
    const resend = async (again: Refused[]): Promise<void> => {
      if (again.length === 0) return;
      const sent = (
        await this.send(
          'ticket',
          again.map(({ item }) => item),
        )
      ).values();
      for (const { place } of again) answers[place] = sent.next().value ?? { error: new Error('no result') };
    };
    const refused = await this.refused(items, answers);
    const admitted = refused.filter(({ membership }) => membership !== null && membership !== 'refused');
    // A membership that exists already may be another call's, just made; or the refusal concerns another property.
    if (admitted.length > ALONE_AT_MOST || admitted.some(({ membership }) => membership === 'joined'))
      await resend(admitted);
    const outside = await this.withoutOrganization(refused.filter(({ place }) => isRefused(answers[place])));
    await resend(outside);
    const leftOut = new Set(outside.map(({ place }) => place));
    for (const [place, item] of items.entries()) {
      const answer = answers[place];
      if (isRefused(answer)) answers[place] = await alone(() => this.tickets.create(item));
      else if (!answer || !('record' in answer)) continue;
      else if (leftOut.has(place))
        answers[place] = { record: { ...answer.record, leftOut: { organization_id: NOT_A_MEMBER } } };
      else answers[place] = { record: await this.tickets.placed(answer.record, item.values) };
    }
    return answers;
  }

  private async refused(items: readonly BulkCreate[], answers: readonly BulkAnswer[]): Promise<Refused[]> {
    const places = [...items.entries()].filter(([place]) => isRefused(answers[place]));
    const memberships = await this.admissions.of(places.map(([, item]) => item));
    return places.map(([place, item], n) => ({ place, item, membership: memberships[n] ?? null }));
  }

  /** The tickets whose requesters could not become members, without their organizations. Those of deleted ones wait. */
  private async withoutOrganization(refused: readonly Refused[]): Promise<Refused[]> {
    const outside = refused.filter(({ membership }) => membership === 'maybe' || membership === 'refused');
    const ids = new Set(outside.map(({ item }) => textOf(item.values['organization_id'] ?? null)));
    const refs = [...ids].map((id) => ({ side: 'zendesk', kind: 'organization', id }) as const);
    const read = refs.length > 0 ? await this.read(refs) : [];
    const live = new Set(read.flatMap(({ ref, record }) => (record?.state === 'live' ? [ref.id] : [])));
    return outside.flatMap(({ item, ...rest }) => {
      const { organization_id: organization = null } = item.values;
      const without = { ...item, values: { ...item.values, organization_id: null } };
      return live.has(textOf(organization)) ? [{ ...rest, item: without }] : [];
    });
  }
}

/** Sending tickets again in bulk takes as many calls as about this many single tickets. */
const ALONE_AT_MOST = 2;

/** A ticket that was not created because Zendesk refused one of its values. */
interface Refused {
  place: number;
  item: BulkCreate;
  /** The membership of its requester in its organization; null if it has none. */
  membership: Membership | null;
}

/** Whether the ticket was not created because Zendesk refused one of its values. */
function isRefused(answer: BulkAnswer | undefined): boolean {
  return answer !== undefined && 'error' in answer && answer.error instanceof NeedsHuman;
}

/** @throws every error that concerns more than this ticket: the system cannot be reached, or does not let us in */
async function alone(create: () => Promise<SyncRecord>): Promise<BulkAnswer> {
  try {
    return { record: await create() };
  } catch (error) {
    const isOwn =
      (error instanceof NeedsHuman && error.code !== 'unauthorized') ||
      error instanceof ReferenceGone ||
      error instanceof AlreadyExists;
    if (isOwn) return { error };
    throw error;
  }
}
