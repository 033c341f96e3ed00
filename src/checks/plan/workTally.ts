import type { Collection, Db } from 'mongodb';
import { noWork, type SyncWork } from '../../sync/forecast';
import type { SyncRecord } from '../../sync/record';
import type { SimulatedWrite } from './simulatedSystem';

interface TicketDocument {
  /** The ticket's id. */
  _id: string;
  updates: number;
}

/** Counts the reads and writes of a dry run, to forecast the duration of a real sync. */
export class WorkTally {
  private readonly work = noWork();
  /** The updates of each ticket. In the database, because an account's tickets may not fit into memory. */
  private readonly tickets: Collection<TicketDocument>;

  constructor(db: Db, prefix: string) {
    this.tickets = db.collection(`${prefix}ticketUpdates`);
  }

  read(records: readonly SyncRecord[]): void {
    const { zendesk, pms } = this.work;
    for (const { ref } of records) {
      if (ref.side === 'pms') pms.records += 1;
      else if (ref.kind === 'organization') zendesk.organizations += 1;
      else if (ref.kind === 'ticket') zendesk.tickets += 1;
      else zendesk.comments += 1;
    }
  }

  async wrote(writes: readonly SimulatedWrite[]): Promise<void> {
    const updates = new Map<string, number>();
    for (const write of writes) {
      if (write.side === 'pms') this.countPms(write);
      else this.countZendesk(write);
      if (write.ticket !== null) updates.set(write.ticket, (updates.get(write.ticket) ?? 0) + 1);
    }
    for (const [_id, count] of updates)
      await this.tickets.updateOne({ _id }, { $inc: { updates: count } }, { upsert: true });
  }

  /** The totals. Call it after all writes were counted. */
  async sum(): Promise<SyncWork> {
    const [busiest] = await this.tickets.find().sort({ updates: -1 }).limit(1).toArray();
    return { ...this.work, zendesk: { ...this.work.zendesk, busiestTicket: busiest?.updates ?? 0 } };
  }

  private countPms({ op }: SimulatedWrite): void {
    const { pms } = this.work;
    if (op === 'create') pms.created += 1;
    else if (op === 'attach' || op === 'detach') pms.files += 1;
    else pms.updated += 1;
  }

  private countZendesk({ op, kind }: SimulatedWrite): void {
    this.work.zendesk[counterOf(op, kind)] += 1;
  }
}

type Counter = keyof SyncWork['zendesk'];

/** The counter of each write to Zendesk, by kind of record if it matters. */
const COUNTERS: Record<SimulatedWrite['op'], Partial<Record<string, Counter>> & { other: Counter }> = {
  create: { organization: 'newOrganizations', ticket: 'newTickets', other: 'newComments' },
  update: { organization: 'organizationUpdates', other: 'ticketUpdates' },
  archive: { organization: 'organizationUpdates', other: 'ticketUpdates' },
  followUp: { other: 'followUps' },
  attach: { other: 'files' },
  detach: { other: 'redactions' },
  redact: { other: 'redactions' },
};

const counterOf = (op: SimulatedWrite['op'], kind: string): Counter =>
  COUNTERS[op][kind] ?? COUNTERS[op].other;
