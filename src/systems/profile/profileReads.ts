import { refKey } from '../../sync/canonicalKey';
import type { Json, RecordRef, RefKey, SyncRecord } from '../../sync/record';
import { textOf } from '../../sync/values';
import { chunks } from '../chunks';
import { NeedsHuman, RecordGone } from '../errors';
import type { Request } from '../http';
import { inParallel } from '../inParallel';
import type { ReadResult, WalkPage } from '../port';
import { isOfOneRecord, isUnreadable, unreadable, type Parsed, type Unreadable } from '../unreadable';
import type { Entries, Entry } from './entries';
import { readPage, readPages, type List, type Page } from './pages';
import type { Api, ApiAnswer } from './profileApi';
import type { Raw, Records } from './profileRecords';
import type { Kind } from './kindSchema';
import type { RequestTemplate, Scope } from './template';

const READ_AT_ONCE = 8;

/** Reads records – by id, inside others and as lists – and parses each answer into `SyncRecord`s. */
export class ProfileReads {
  constructor(
    readonly api: Api,
    private readonly kinds: ReadonlyMap<string, Records>,
  ) {}

  /** The {@link Records} of each kind. */
  all(): Iterable<Records> {
    return this.kinds.values();
  }

  kindOf(kind: string): Kind {
    return this.recordsOf(kind).kind;
  }

  recordsOf(kind: string): Records {
    const records = this.kinds.get(kind);
    if (records) return records;
    const known = [...this.kinds.keys()].join(', ');
    throw new NeedsHuman('unknown_kind', `the PMS has no "${kind}": expected one of ${known}`);
  }

  async read(refs: RecordRef[]): Promise<ReadResult[]> {
    const found = new Map<RefKey, SyncRecord>();
    for (const name of new Set(refs.map(({ kind }) => kind))) {
      const records = this.recordsOf(name);
      const raws = await this.rawsOf(
        records,
        refs.filter(({ kind }) => kind === name),
      );
      for (const record of await this.parse(raws)) found.set(refKey(record.ref), record);
    }
    return refs.map((ref) => ({ ref, record: found.get(refKey(ref)) ?? null }));
  }

  private async rawsOf(records: Records, refs: readonly RecordRef[]): Promise<Raw[]> {
    const { kind } = records;
    if (kind.within) {
      const wanted = new Set(refs.map(({ id }) => records.scopeOf({ id }).within));
      return this.insideOf(records, [...wanted].map(textOrEmpty));
    }
    const { read } = kind;
    if (!read) throw new Error(`"${kind.name}" cannot be read`);
    if (!read.names.has('ids'))
      return this.stillListed(
        records,
        (
          await inParallel(refs, READ_AT_ONCE, async (ref) => {
            const answer = await this.api.ask(read, records.scopeOf(ref));
            return answer ? [this.rawOf(kind, answer, null)] : [];
          })
        ).flat(),
      );
    const raws: Raw[] = [];
    for (const some of chunks(refs, this.api.profile.idsPerCall)) {
      const request = this.api.request(read, { ...scopeOf(kind), ids: some.map(({ id }) => id) });
      const missing = new Set(some.map(({ id }) => id));
      await this.allOf(kind, request, read, (page) => {
        raws.push(...page);
        for (const { raw } of page) missing.delete(textOrEmpty(kind.id.of(raw)));
        return missing.size === 0;
      });
    }
    return this.stillListed(records, raws);
  }

  /** Drops deleted records: some systems still return a deleted record by its address, but no longer in a list. */
  async stillListed({ kind }: Records, raws: readonly Raw[]): Promise<Raw[]> {
    const { listed } = kind;
    if (!listed || raws.length === 0) return [...raws];
    const idOf = ({ raw }: Raw) => textOrEmpty(kind.id.of(raw));
    const listedIds = new Set<string>();
    const ids = raws.map(idOf);
    const ask = async (scope: Scope) => {
      const request = this.api.request(listed, { ...scopeOf(kind), ...scope });
      await this.allOf(kind, request, listed, (page) => {
        for (const each of page) listedIds.add(idOf(each));
        return ids.every((id) => listedIds.has(id));
      });
    };
    if (listed.names.has('id')) await inParallel(ids, READ_AT_ONCE, (id) => ask({ id }));
    else for (const some of chunks(ids, this.api.profile.idsPerCall)) await ask({ ids: some });
    return raws.filter((raw) => listedIds.has(idOf(raw)));
  }

  /** All records inside the given ones. A parent that was deleted contains none. */
  async insideOf(records: Records, parents: readonly string[]): Promise<Raw[]> {
    const lists = await inParallel(parents, READ_AT_ONCE, (within) => this.insideOne(records, within));
    return lists.flat();
  }

  /** {@link insideOf} for a page of a list or a stream: one parent that cannot be read does not hide the others. */
  async insideEach(records: Records, parents: readonly string[]): Promise<Parsed<SyncRecord>> {
    const refused: Unreadable[] = [];
    const lists = await inParallel(parents, READ_AT_ONCE, async (within) => {
      try {
        return await this.insideOne(records, within);
      } catch (error) {
        if (!isOfOneRecord(error)) throw error;
        const name = `${records.kind.name} records of pms:${records.kind.within?.kind}:${within}`;
        refused.push({ ref: null, name, reason: error.message, bytes: 0 });
        return [];
      }
    });
    const parsed = await this.parseEach(lists.flat());
    return { records: parsed.records, unreadable: [...refused, ...parsed.unreadable] };
  }

  private async insideOne(records: Records, within: string): Promise<Raw[]> {
    const { kind } = records;
    const items = kind.list.items ?? kind.items;
    const raws: Raw[] = [];
    const request: Request = { ...this.api.request(kind.list, { ...scopeOf(kind), within }), readsOne: true };
    const list = { ...this.listOf(kind, items), send: (each: Request) => this.api.write(each) };
    try {
      await readPages(this.api, request, list, (page) =>
        raws.push(...rawsIn(kind, page, items.text, page.items, within)),
      );
    } catch (error) {
      if (error instanceof RecordGone) return [];
      throw error;
    }
    return raws;
  }

  async walk(kind: string, cursor: string | null): Promise<WalkPage> {
    const records = this.recordsOf(kind);
    const listed = records.kind.within ? this.recordsOf(records.kind.within.kind) : records;
    const { list } = listed.kind;
    const page = await this.page(listed.kind, this.api.request(list, scopeOf(listed.kind)), list, cursor);
    const parsed =
      listed === records
        ? await this.parseEach(page.raws)
        : await this.insideEach(
            records,
            page.raws.map(({ raw }) => textOrEmpty(listed.kind.id.of(raw))),
          );
    return { ...parsed, cursor: page.next };
  }

  async page(
    kind: Kind,
    request: Request,
    template: RequestTemplate,
    cursor: string | null,
  ): Promise<{ raws: Raw[]; next: string | null }> {
    const items = template.items ?? kind.items;
    const page = await readPage(this.api, request, { ...this.listOf(kind, items), cursor });
    return { raws: rawsIn(kind, page, items.text, page.items, null), next: page.next };
  }

  /** Reads the pages of a request until the last, or until `onPage` returns true. */
  async allOf(
    kind: Kind,
    request: Request,
    template: RequestTemplate,
    onPage: (raws: Raw[]) => boolean | Promise<boolean>,
  ): Promise<void> {
    const items = template.items ?? kind.items;
    let enough = false;
    // A search by a value or by ids may not be paged, and may refuse the parameter for the page size.
    const list: List = { ...this.listOf(kind, items), pageSize: undefined, lenient: true };
    await readPages(
      this.api,
      request,
      list,
      async (page: Page) => {
        enough = await onPage(rawsIn(kind, page, items.text, page.items, null));
      },
      () => enough,
    );
  }

  private listOf(kind: Kind, items: List['items']): List {
    const { paging, pageSize } = kind;
    return { paging, pageSize, items, idOf: (item) => kind.id.of(item) };
  }

  rawOf({ name, record }: Kind, { call, body }: ApiAnswer, within: string | null): Raw {
    return { kind: name, raw: this.api.valueOf(record, body, call), call, at: record.text, within };
  }

  /** Parses records of any kinds, after loading the directory entries that they reference in as few calls as possible. */
  async parse(raws: readonly Raw[]): Promise<SyncRecord[]> {
    const wanted = new Map<Entries, string[]>();
    for (const kind of new Set(raws.map((raw) => raw.kind))) {
      const those = raws.filter((raw) => raw.kind === kind);
      for (const [directory, ids] of this.recordsOf(kind).pointsTo(those))
        wanted.set(directory, [...(wanted.get(directory) ?? []), ...ids]);
    }
    const known = new Map<Entries, ReadonlyMap<string, Entry>>();
    for (const [directory, ids] of wanted) known.set(directory, await directory.entries(ids));
    return raws.map((raw) => this.recordsOf(raw.kind).toRecord(raw, known));
  }

  /** {@link parse} for a page of a list or a stream: one record that cannot be parsed does not hide the others. */
  async parseEach(raws: readonly Raw[]): Promise<Parsed<SyncRecord>> {
    try {
      return { records: await this.parse(raws), unreadable: [] };
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
    const all: Parsed<SyncRecord> = { records: [], unreadable: [] };
    for (const raw of raws) {
      try {
        all.records.push(...(await this.parse([raw])));
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        all.unreadable.push(this.whyNot(raw, error));
      }
    }
    return all;
  }

  private whyNot({ kind, raw, within }: Raw, error: NeedsHuman): Unreadable {
    let id: Json = null;
    try {
      id = this.kindOf(kind).id.of(raw);
    } catch {
      // The id may be unreadable, too; then the report names the record by its digest.
    }
    const refOf = (own: string): RecordRef => ({
      side: 'pms',
      kind,
      id: within === null ? own : `${within}.${own}`,
    });
    const { name, bytes } = unreadable(raw, `pms ${kind}`, '', refOf);
    const known = typeof id === 'string' || typeof id === 'number' ? refOf(String(id)) : null;
    return { ref: known, name: known ? refKey(known) : name, reason: error.message, bytes };
  }

  /** @throws RecordGone */
  async mustRead(ref: RecordRef): Promise<SyncRecord> {
    const [found] = await this.read([ref]);
    if (!found?.record) throw new RecordGone(`${refKey(ref)} is gone`);
    return found.record;
  }
}

export function scopeOf({ collection }: Kind): Scope {
  return { collection: collection ?? null };
}

export function rawsIn(
  { name: kind }: Kind,
  { call }: ApiAnswer,
  items: string,
  raws: readonly Json[],
  within: string | null,
): Raw[] {
  return raws.map((raw, n) => ({ kind, raw, call, at: `${items}.${n}`, within }));
}

export function textOrEmpty(value: Json): string {
  return value === null ? '' : textOf(value);
}
