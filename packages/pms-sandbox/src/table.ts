import { byId, numberOf, type Kind, type PmsRecord } from './model';

const PREFIX: Record<Kind, string> = { customer: 'C', project: 'P', note: 'N' };
/** The indexed fields, which can be looked up without a scan. */
const INDEXED: Record<Kind, readonly string[]> = {
  customer: ['name', 'domains', 'externalRef'],
  project: ['customerId', 'parentId', 'title', 'externalRef'],
  note: ['projectId', 'externalRef'],
};
/** Fields that are compared exactly; the others ignore case. */
const EXACT = new Set(['customerId', 'parentId', 'projectId', 'externalRef']);
const FIRST_NUMBER = 1001;

/** The records of one kind, by id, in the order of their numbers, and by their indexed fields. */
export class Table {
  private readonly records = new Map<string, PmsRecord>();
  /** Ascending; numbers of deleted records stay. */
  private readonly numbers: number[] = [];
  private readonly indexes = new Map<string, Set<string>>();

  constructor(
    private readonly kind: Kind,
    private readonly idsAfter: number,
  ) {}

  /** The number of records ever made, including deleted ones. */
  get everMade(): number {
    return this.numbers.length;
  }

  nextId(): string {
    return `${PREFIX[this.kind]}-${(this.numbers.at(-1) ?? this.idsAfter + FIRST_NUMBER - 1) + 1}`;
  }

  /** Whether an id from elsewhere has this table's form. */
  accepts(id: string): boolean {
    return new RegExp(`^${PREFIX[this.kind]}-[1-9]\\d{0,11}$`).test(id);
  }

  get(id: string): PmsRecord | undefined {
    return this.records.get(id);
  }

  has(id: string): boolean {
    return this.records.has(id);
  }

  put(record: PmsRecord): void {
    const before = this.records.get(record.id);
    const keys = this.keysOf(record);
    if (before) this.unindex(before, keys);
    else this.addNumber(numberOf(record.id));
    this.records.set(record.id, record);
    for (const key of keys) {
      const ids = this.indexes.get(key) ?? new Set<string>();
      this.indexes.set(key, ids.add(record.id));
    }
  }

  delete(record: PmsRecord): void {
    this.unindex(record, new Set());
    this.records.delete(record.id);
  }

  /** A copy of all records by id. A later change does not affect it, because records are replaced, never mutated. */
  copy(): ReadonlyMap<string, PmsRecord> {
    return new Map(this.records);
  }

  /** Replaces all records. Numbers that were used are not used again. */
  replaceAll(records: ReadonlyMap<string, PmsRecord>): void {
    for (const record of [...this.records.values()]) this.delete(record);
    for (const record of records.values()) this.put(record);
  }

  /** Records after a number, in order. Lazy, so that a page does not read the whole table. */
  *after(number: number): Generator<PmsRecord> {
    for (let at = this.placeAfter(number); at < this.numbers.length; at += 1) {
      const record = this.records.get(`${PREFIX[this.kind]}-${this.numbers[at]}`);
      if (record) yield record;
    }
  }

  /** Records whose indexed field has the value, in order. */
  lookUp(field: string, value: string): PmsRecord[] {
    const ids = this.indexes.get(keyOf(field, value)) ?? new Set<string>();
    return [...ids].flatMap((id) => this.records.get(id) ?? []).sort(byId);
  }

  private unindex(record: PmsRecord, keep: Set<string>): void {
    for (const key of this.keysOf(record)) {
      if (keep.has(key)) continue;
      const ids = this.indexes.get(key);
      ids?.delete(record.id);
      if (ids?.size === 0) this.indexes.delete(key);
    }
  }

  private keysOf(record: PmsRecord): Set<string> {
    const keys = INDEXED[this.kind].flatMap((field) =>
      valuesOf(record, field).map((each) => keyOf(field, each)),
    );
    return new Set(keys);
  }

  private addNumber(number: number): void {
    // Only loaded records come out of order, and only restored ones had their number before.
    if (number > (this.numbers.at(-1) ?? 0)) this.numbers.push(number);
    else {
      const place = this.placeAfter(number);
      if (this.numbers[place - 1] !== number) this.numbers.splice(place, 0, number);
    }
  }

  private placeAfter(number: number): number {
    let low = 0;
    let high = this.numbers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.numbers[middle] ?? 0) <= number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export function hasValue(record: PmsRecord, field: string, value: string): boolean {
  return valuesOf(record, field).some((each) => keyOf(field, each) === keyOf(field, value));
}

function valuesOf(record: PmsRecord, field: string): string[] {
  const value = record[field];
  return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string');
}

function keyOf(field: string, value: string): string {
  return `${field}/${EXACT.has(field) ? value : sameToPeople(value)}`;
}

/** Normalizes a value, because people do not see its Unicode form or the number of blanks. */
function sameToPeople(value: string): string {
  return value.normalize('NFC').replace(/\s+/g, ' ').trim().toLowerCase();
}
