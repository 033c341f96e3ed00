import type { RecordShelf } from '../../links/shelf';
import { parseRef, refKey } from '../../sync/canonicalKey';
import type { Json, RecordRef, RefKey, Side, SyncRecord, Values } from '../../sync/record';
import { textOf } from '../../sync/values';
import { AlreadyExists, NeedsHuman, RecordGone } from '../../systems/errors';
import type {
  AttachOptions,
  ChangePage,
  CreateOptions,
  OpenFile,
  PropertyInfo,
  ReadResult,
  SystemPort,
  UpdateOptions,
  Updated,
  WalkPage,
} from '../../systems/port';

/** A write that a real sync would have sent. */
export interface SimulatedWrite {
  side: Side;
  op: 'create' | 'update' | 'followUp' | 'archive' | 'redact' | 'attach' | 'detach';
  kind: string;
  /** The Zendesk ticket that the write updates, for the limit per ticket; null for any other write. */
  ticket: string | null;
  /** The side's names of the properties that the write sets. */
  properties: string[];
}

/**
 * Simulates a system behind the port. It answers from the shelf, which holds the records as they were read; writes change
 * only the shelf. It refuses writes that the real system is known to refuse.
 */
export class SimulatedSystem implements SystemPort {
  readonly side: Side;
  readonly exactOrder: boolean;
  readonly streams: readonly string[] = [];
  readonly follows = {};
  readonly histories: readonly string[] = [];
  private made = 0;

  constructor(
    private readonly real: SystemPort,
    private readonly shelf: RecordShelf,
    private readonly onWrite: (write: SimulatedWrite) => void,
    /** The reasons why existing records could not be read or stored. */
    private readonly unread: ReadonlyMap<RefKey, string> = new Map(),
  ) {
    this.side = real.side;
    this.exactOrder = real.exactOrder;
  }

  uniqueBackRef(kind: string): boolean {
    return this.real.uniqueBackRef(kind);
  }

  hasIdempotencyKeys(kind: string): boolean {
    return this.real.hasIdempotencyKeys(kind);
  }

  /** True, because no other writer changes the shelf. */
  hasPrecondition(): boolean {
    return true;
  }

  canFind(kind: string, property: string): boolean {
    return this.real.canFind(kind, property);
  }

  properties(kind: string): Promise<PropertyInfo[]> {
    return this.real.properties(kind);
  }

  whoAmI(): Promise<string> {
    return this.real.whoAmI();
  }

  ownId(): Promise<string> {
    return this.real.ownId();
  }

  async read(refs: RecordRef[]): Promise<ReadResult[]> {
    for (const ref of refs) {
      const why = this.unread.get(refKey(ref));
      if (why !== undefined) throw new NeedsHuman('unexpected_response', why);
    }
    const found = await this.shelf.get(refs.map(refKey));
    return refs.map((ref) => ({ ref, record: found.get(refKey(ref)) ?? null }));
  }

  async findByBackRef(kind: string, backRef: RefKey): Promise<SyncRecord[]> {
    const found = await this.shelf.naming([backRef]);
    return found.filter(({ ref }) => ref.side === this.side && ref.kind === kind);
  }

  findByProperty(kind: string, property: string, value: Json): Promise<SyncRecord[]> {
    return this.shelf.holding(this.side, kind, property, value);
  }

  async create(kind: string, values: Values, { backRef }: CreateOptions): Promise<SyncRecord> {
    await this.expectOpen(kind === 'comment' ? values['ticket_id'] : null);
    if (this.uniqueBackRef(kind) && (await this.findByBackRef(kind, backRef)).length > 0)
      throw new AlreadyExists(`${this.side}: ${backRef} has a ${kind} already`, 'backRef');
    for (const property of UNIQUE[`${this.side}:${kind}`] ?? []) {
      const value = values[property] ?? null;
      if (value !== null && (await this.findByProperty(kind, property, value)).length > 0)
        throw new AlreadyExists(`${this.side}: the ${property} of a ${kind} is taken`, property);
    }
    this.wrote('create', { kind, id: null }, values, Object.keys(values));
    this.made += 1;
    const now = new Date().toISOString();
    return this.keep({
      ref: { side: this.side, kind, id: `new-${this.made}` },
      version: '1',
      order: 1,
      createdAt: now,
      updatedAt: now,
      state: 'live',
      values,
      backRef,
      foreignBackRef: false,
      skip: null,
    });
  }

  async update(ref: RecordRef, changes: Values, { backRef }: UpdateOptions): Promise<Updated> {
    const before = await this.current(ref);
    await this.expectOpen(ref.kind === 'ticket' ? ref.id : null);
    const properties = [...Object.keys(changes), ...(backRef === null ? [] : [BACK_REFERENCE])];
    this.wrote('update', ref, before.values, properties);
    const values = { ...before.values, ...changes };
    const record = await this.keep({ ...moved(before), values, backRef: backRef ?? before.backRef });
    return { record, replaced: {} };
  }

  async followUp(ref: RecordRef, _values: Values, _options: CreateOptions): Promise<SyncRecord> {
    const record = await this.current(ref);
    const ticket = ref.kind === 'ticket' ? ref.id : record.values['ticket_id'];
    await this.expectOpen(this.side === 'zendesk' ? ticket : null);
    this.wrote('followUp', ref, record.values);
    return record;
  }

  async archive(ref: RecordRef): Promise<SyncRecord> {
    const before = await this.current(ref);
    if (this.side === 'zendesk') throw new NeedsHuman('cannot_archive', 'Zendesk cannot archive a record');
    this.wrote('archive', ref, before.values);
    return this.keep({ ...moved(before), state: 'archived' });
  }

  async redact(ref: RecordRef): Promise<SyncRecord> {
    const before = await this.current(ref);
    this.wrote('redact', ref, before.values);
    return this.keep({ ...moved(before), state: 'redacted' });
  }

  async openFile(): Promise<OpenFile> {
    throw new Error('a simulation reads no files');
  }

  async attach(ref: RecordRef, _open: () => Promise<OpenFile>, { idempotencyKey }: AttachOptions) {
    this.wrote('attach', ref, (await this.current(ref)).values);
    return { id: `new-${idempotencyKey}`, record: null };
  }

  async detach(ref: RecordRef): Promise<null> {
    this.wrote('detach', ref, (await this.current(ref)).values);
    return null;
  }

  async changes(): Promise<ChangePage> {
    throw new Error('a simulated system has no changes of its own');
  }

  async cursorAt(): Promise<null> {
    return null;
  }

  async cursorNow(): Promise<null> {
    return null;
  }

  async walk(): Promise<WalkPage> {
    throw new Error('a simulated system is not walked: its shelf was filled by a walk');
  }

  private wrote(
    op: SimulatedWrite['op'],
    { kind, id }: { kind: string; id: string | null },
    values: Values,
    properties: string[] = [],
  ): void {
    const owner = { ticket: id, comment: textOf(values['ticket_id'] ?? null) }[kind] ?? null;
    const ticket = this.side === 'zendesk' ? owner : null;
    this.onWrite({ side: this.side, op, kind, ticket, properties });
  }

  private async current(ref: RecordRef): Promise<SyncRecord> {
    const found = (await this.shelf.get([refKey(ref)])).get(refKey(ref));
    if (!found) throw new RecordGone(`${refKey(ref)} is gone`);
    return found;
  }

  /** A closed Zendesk ticket takes neither a change nor a comment. @throws NeedsHuman */
  private async expectOpen(ticketId: Json | undefined): Promise<void> {
    if (this.side !== 'zendesk' || typeof ticketId !== 'string') return;
    const ref = `zendesk:ticket:${ticketId}`;
    const ticket = (await this.shelf.get([ref])).get(ref);
    if (ticket?.values['status'] === 'closed')
      throw new NeedsHuman('closed_ticket', `${ref} is closed: Zendesk takes no change of it`, 'status');
  }

  private async keep(record: SyncRecord): Promise<SyncRecord> {
    await this.shelf.put([record]);
    return record;
  }
}

/** The name of the back-reference among the properties of a write. */
export const BACK_REFERENCE = '(back-reference)';

/** Properties whose values are unique among the records of a kind. */
const UNIQUE: Record<string, readonly string[]> = { 'zendesk:organization': ['name'] };

function moved(record: SyncRecord): SyncRecord {
  return { ...record, order: record.order + 1, version: `${record.version}+` };
}

/** Whether a record exists in the simulation only. */
export function isSimulated(ref: RefKey): boolean {
  return parseRef(ref).id.startsWith('new-');
}
