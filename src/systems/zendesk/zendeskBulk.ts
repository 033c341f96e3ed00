import type { ReadResult } from '../port';
import type { RecordRef, SyncRecord } from '../../sync/record';
import type { BulkAnswer, BulkCreate, BulkWrites } from '../bulkWrites';
import { NeedsHuman, RecordGone } from '../errors';
import type { HttpClient } from '../http';
import { Admissions } from './admissions';
import { Jobs } from './jobs';
import { IDS_PER_CALL } from './zendeskCalls';
import { newOrganization } from './zendeskOrganizations';
import { isPublic, type ZendeskTickets } from './zendeskTickets';

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
   * organization, once per requester and organization, and these tickets are sent again. A ticket that is refused again
   * is written by itself: that refusal names the property, which is then left out.
   */
  private async withoutRefused(
    items: readonly BulkCreate[],
    first: readonly BulkAnswer[],
  ): Promise<BulkAnswer[]> {
    const answers = [...first];
    const refused = [...items.keys()].filter((place) => isRefused(answers[place]));
    const admitted = await this.admissions.of(refused.flatMap((place) => items[place] ?? []));
    const again = refused.filter((_, n) => admitted[n]);
    const sent = again.flatMap((place) => items[place] ?? []);
    if (sent.length > 0)
      for (const [n, answer] of (await this.send('ticket', sent)).entries()) {
        const place = again[n];
        if (place !== undefined) answers[place] = answer;
      }
    for (const [place, item] of items.entries()) {
      const answer = answers[place];
      if (isRefused(answer)) answers[place] = await alone(() => this.tickets.create(item));
      else if (answer && 'record' in answer)
        answers[place] = { record: await this.tickets.placed(answer.record, item.values) };
    }
    return answers;
  }
}

/** Whether the ticket was not created because Zendesk refused one of its values. */
function isRefused(answer: BulkAnswer | undefined): boolean {
  return answer !== undefined && 'error' in answer && answer.error instanceof NeedsHuman;
}

/** @throws every error that concerns more than this ticket */
async function alone(create: () => Promise<SyncRecord>): Promise<BulkAnswer> {
  try {
    return { record: await create() };
  } catch (error) {
    if (error instanceof NeedsHuman && error.code !== 'unauthorized') return { error };
    throw error;
  }
}
