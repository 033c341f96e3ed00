import type { ReadResult } from '../port';
import type { RecordRef } from '../../sync/record';
import type { BulkAnswer, BulkCreate, BulkWrites } from '../bulkWrites';
import { NeedsHuman, RecordGone } from '../errors';
import type { HttpClient } from '../http';
import { Jobs } from './jobs';
import { IDS_PER_CALL } from './zendeskCalls';
import { newOrganization } from './zendeskOrganizations';
import { isPublic, type ZendeskTickets } from './zendeskTickets';

/**
 * Comments cannot be made in bulk with their marks, and an update's answer does not say what it replaced: both go
 * one by one. https://developer.zendesk.com/api-reference/ticketing/ticket-management/job_statuses/
 */
export class ZendeskBulk implements BulkWrites {
  readonly most = IDS_PER_CALL;
  private readonly jobs: Jobs;

  constructor(
    http: HttpClient,
    private readonly tickets: ZendeskTickets,
    private readonly read: (refs: RecordRef[]) => Promise<ReadResult[]>,
  ) {
    this.jobs = new Jobs(http);
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
      await this.tickets.noteMade(new Map(made));
    }
    const refs = results.flatMap(({ id }) => (id === null ? [] : { side: 'zendesk' as const, kind, id }));
    const read = new Map((await this.read(refs)).map(({ ref, record }) => [ref.id, record]));
    return results.map((result) => {
      if (result.id === null) return { error: result.error };
      const record = read.get(result.id);
      return record ? { record } : { error: new RecordGone(`zendesk:${kind}:${result.id} is gone`) };
    });
  }
}
