import { matchKey, refKey } from '../../sync/canonicalKey';
import type { Json, RecordRef, RefKey, SyncRecord } from '../../sync/record';
import type { ChangePage } from '../port';

/** Incremental exports answer some ten calls a minute, which polls need as well. */
const REFRESH_MS = 10_000;

/**
 * An index of organizations by the values of a property. The API finds organizations only by name and external id, and
 * its search lags by minutes. So, for match rules on other properties (a domain), all organizations are read once through
 * the incremental export, and their changes before a look-up, at most every ten seconds. The index keeps values and ids.
 * https://developer.zendesk.com/api-reference/ticketing/organizations/organizations/#search-organizations
 */
export class OrganizationIndex {
  private readonly byProperty = new Map<string, Map<string, Map<RefKey, RecordRef>>>();
  private cursor: string | null = null;
  private readAt = -Infinity;
  private reading: Promise<void> | null = null;

  constructor(private readonly changes: (cursor: string | null) => Promise<ChangePage>) {}

  /** @returns organizations that held the value at some reading; the caller checks their present values */
  async find(property: string, value: Json): Promise<RecordRef[]> {
    if (!this.byProperty.has(property)) {
      await this.reading;
      this.byProperty.set(property, new Map());
      this.cursor = null;
      this.readAt = -Infinity;
    }
    if (performance.now() - this.readAt > REFRESH_MS) {
      this.reading ??= this.read().finally(() => (this.reading = null));
      await this.reading;
    }
    return [...(this.byProperty.get(property)?.get(matchKey(value))?.values() ?? [])];
  }

  private async read(): Promise<void> {
    const startedAt = performance.now();
    for (;;) {
      const page = await this.changes(this.cursor);
      for (const record of page.records) this.keep(record);
      this.cursor = page.cursor;
      if (!page.more) break;
    }
    this.readAt = startedAt;
  }

  private keep(record: SyncRecord): void {
    for (const [property, byValue] of this.byProperty) {
      for (const value of [record.values[property] ?? null].flat()) {
        if (value === null || value === '') continue;
        const text = matchKey(value);
        const holders = byValue.get(text) ?? new Map<RefKey, RecordRef>();
        byValue.set(text, holders.set(refKey(record.ref), record.ref));
      }
    }
  }
}

/** Whether a record has the value now, alone or in a list, as match rules compare it. */
export function holdsValue(record: SyncRecord, property: string, value: Json): boolean {
  return [record.values[property] ?? null].flat().some((held) => matchKey(held) === matchKey(value));
}
