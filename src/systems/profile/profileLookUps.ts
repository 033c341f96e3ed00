import type { Json, RefKey, SyncRecord, Values } from '../../sync/record';
import { matchKey, refKey, spellings } from '../../sync/canonicalKey';
import { isEmpty, textOf } from '../../sync/values';
import { NeedsHuman } from '../errors';
import { scopeOf, type ProfileReads } from './profileReads';
import type { Raw, Records } from './profileRecords';
import type { LookUp } from './requestSchemas';
import type { Scope } from './template';

/** The most records that a look-up returns. */
const FOUND = 10;

/** Looks for records by their back-reference or by a property. */
export class ProfileLookUps {
  constructor(private readonly reads: ProfileReads) {}

  findByBackRef(kind: string, backRef: RefKey, near: Values): Promise<SyncRecord[]> {
    const records = this.reads.recordsOf(kind);
    const { findByBackRef, within } = records.kind;
    if (within) {
      const parent = near[within.property] ?? null;
      return parent === null ? Promise.resolve([]) : this.insideWith(records, textOf(parent), backRef);
    }
    if (!findByBackRef)
      throw new NeedsHuman('cannot_look_up', `the PMS cannot look for a ${kind} by its back-reference`);
    return this.lookUp(records, findByBackRef, { backRef }, (record) => record.backRef === backRef);
  }

  private async insideWith(records: Records, parent: string, backRef: RefKey): Promise<SyncRecord[]> {
    const all = await this.reads.parse(await this.reads.insideOf(records, [parent]));
    return all.filter((record) => record.backRef === backRef);
  }

  async findByProperty(kind: string, property: string, value: Json): Promise<SyncRecord[]> {
    const records = this.reads.recordsOf(kind);
    const lookUp = records.kind.find[property];
    if (!lookUp)
      throw new NeedsHuman('unsupported_match', `the PMS cannot look for a ${kind} by "${property}"`);
    const holds = ({ values }: SyncRecord) =>
      [values[property] ?? null].flat().some((each) => isAlike(each, value));
    const found = new Map<RefKey, SyncRecord>();
    // A list that is filtered here is compared regardless of spelling. The system's own search may be exact, so it
    // is called once per spelling.
    for (const spelling of lookUp.pages ? [value] : spellings(value))
      for (const record of await this.lookUp(records, lookUp, { value: textOf(spelling) }, holds))
        if (record.state === 'live') found.set(refKey(record.ref), record);
    return [...found.values()].slice(0, FOUND);
  }

  private async lookUp(
    records: Records,
    { request, compare, pages }: LookUp,
    scope: Scope,
    fits: (record: SyncRecord) => boolean,
  ): Promise<SyncRecord[]> {
    const { kind } = records;
    const filled = this.reads.api.request(request, { ...scopeOf(kind), ...scope });
    const found: SyncRecord[] = [];
    const take = async (raws: readonly Raw[]) => {
      const all = await this.reads.parse(raws);
      found.push(...(compare ? all.filter(fits) : all));
    };
    if (pages) {
      let cursor: string | null = null;
      do {
        const page: { raws: Raw[]; next: string | null } = await this.reads.page(
          kind,
          filled,
          request,
          cursor,
        );
        await take(page.raws);
        cursor = page.next;
      } while (cursor !== null);
      return found;
    }
    // The system filtered the list already, so its first pages hold enough matches.
    await this.reads.allOf(kind, filled, request, async (raws) => {
      await take(raws);
      return found.length >= FOUND;
    });
    return found;
  }
}

function isAlike(found: Json, sought: Json): boolean {
  return !isEmpty(found) && matchKey(found) === matchKey(sought);
}
