import type { Json } from '../../sync/record';
import { textOf } from '../../sync/values';
import { LRUCache } from 'lru-cache';
import { chunks } from '../chunks';
import { AlreadyExists, NeedsHuman, RecordGone } from '../errors';
import type { Entries, Entry, Found, Wanted } from './entries';
import { readPages } from './pages';
import type { Api } from './profileApi';
import type { Directory as Definition } from './profileSchema';
import type { RequestTemplate } from './template';

/** A list whose entries records reference by id, and values name by a key: people, by their e-mail addresses. */

/** A cached entry expires after a few minutes, because a person's address or role may have changed. */
const CACHED = { max: 10_000, ttl: 5 * 60_000 };
const KEYS_PER_CALL = 100;
/** How long an unknown key is cached as unknown. Short, because a value left out meanwhile may never be written. */
const MISSED_MS = 10_000;
const MISSED_TO_MAKE_MS = 5_000;
/** How long a refused entry is not created again. */
const REFUSED_MS = 60_000;

export class Directory implements Entries {
  private readonly byId = new LRUCache<string, Entry>(CACHED);
  /** The entries by lower-case key. */
  private readonly byKey = new LRUCache<string, Entry>(CACHED);
  /** When a look-up of each key last found nothing, in milliseconds since the epoch. */
  private readonly missedAt = new LRUCache<string, number>({ ...CACHED, ttl: MISSED_MS });
  /** The system's error message for each key that it refused to create an entry for. */
  private readonly refused = new LRUCache<string, string>({ ...CACHED, ttl: REFUSED_MS });
  private readonly asking = new Map<string, Promise<Entry | string>>();

  constructor(
    private readonly definition: Definition,
    private readonly api: Api,
  ) {}

  async entries(ids: readonly string[]): Promise<Map<string, Entry>> {
    const known = new Map<string, Entry>();
    const unknown: string[] = [];
    for (const id of new Set(ids)) {
      const entry = this.byId.get(id);
      if (entry) known.set(id, entry);
      else unknown.push(id);
    }
    await this.askByIds(unknown);
    for (const id of unknown) {
      const entry = this.byId.get(id);
      if (entry) known.set(id, entry);
    }
    return known;
  }

  private async askByIds(ids: readonly string[]): Promise<void> {
    const { byIds } = this.definition;
    if (byIds.names.has('id')) {
      await Promise.all(ids.map((id) => this.askOne(byIds, { id })));
      return;
    }
    for (const some of chunks(ids, this.api.profile.idsPerCall)) {
      const missing = new Set(some);
      await this.ask(byIds, { ids: some }, (entry) => missing.delete(entry.id) && missing.size === 0);
    }
  }

  async prefetch(keys: readonly string[], make: boolean): Promise<void> {
    const { byKeys } = this.definition;
    if (!byKeys) return;
    const wanted = new Set(keys.map(lower).filter((key) => !this.byKey.get(key) && !this.missed(key, make)));
    for (const some of chunks([...wanted], KEYS_PER_CALL)) {
      // For a single key, find() costs the same call.
      if (some.length < 2) continue;
      const missing = new Set(some);
      await this.ask(byKeys, { keys: some }, ({ key }) => missing.delete(lower(key)) && missing.size === 0);
      for (const key of some) if (!this.byKey.get(key)) this.missedAt.set(key, Date.now());
    }
  }

  /** Looks up one key. Concurrent look-ups of the same key share one call. */
  async find(key: string, wanted: Wanted): Promise<Found> {
    const at = lower(key);
    const known = wanted.again ? undefined : this.byKey.get(at);
    if (known) return { id: known.id };
    const question = `${wanted.make} ${wanted.again === true} ${at}`;
    const asked = this.asking.get(question) ?? this.lookUp(key, wanted);
    this.asking.set(question, asked);
    try {
      const found = await asked;
      return typeof found === 'string' ? { missing: found } : { id: found.id };
    } finally {
      this.asking.delete(question);
    }
  }

  /** @returns the entry, or the reason why there is none */
  private async lookUp(key: string, { make, name, again = false }: Wanted): Promise<Entry | string> {
    const at = lower(key);
    if (again || !this.missed(at, make)) {
      this.byKey.delete(at);
      await this.askByKey(key);
      const found = this.byKey.get(at);
      if (found) return found;
      this.missedAt.set(at, Date.now());
    }
    if (!make || !this.definition.make) return `${this.api.profile.name} has no entry with this key`;
    return this.refused.get(at) ?? (await this.makeOrReason(key, name ?? key, this.definition.make));
  }

  private askByKey(key: string): Promise<void> {
    return this.ask(this.definition.byKey, { key }, (entry) => lower(entry.key) === lower(key));
  }

  /** @returns the new entry, or the refusal as text: a refused entry is left out, and the record is still written */
  private async makeOrReason(
    key: string,
    name: string,
    make: NonNullable<Definition['make']>,
  ): Promise<Entry | string> {
    try {
      return await this.make(key, name, make);
    } catch (error) {
      if (error instanceof AlreadyExists) {
        // The entry was created concurrently.
        await this.askByKey(key);
        return this.byKey.get(lower(key)) ?? error.message;
      }
      if (!(error instanceof NeedsHuman) || !REFUSALS.has(error.code)) throw error;
      this.refused.set(lower(key), error.message);
      return error.message;
    }
  }

  private async make(
    key: string,
    name: string,
    { request, record, made }: NonNullable<Definition['make']>,
  ): Promise<Entry> {
    const { call, body } = await this.api.send(request, { key, name });
    const raw = record ? this.api.valueOf(record, body, call) : null;
    const id = made ? this.api.valueOf(made, body, call) : this.api.valueOf(this.definition.id, raw, call);
    if (id === null) throw this.api.unexpected(call, (made ?? this.definition.id).text, null, 'the new id');
    const answered = made ? null : this.entryOf(raw, call, record?.text ?? '');
    if (answered) return this.remember(answered);
    // The answer holds only the id, so the entry is read.
    await this.askByIds([textOf(id)]);
    return this.byId.get(textOf(id)) ?? this.remember({ id: textOf(id), key, name, raw: { id } });
  }

  private async askOne(request: RequestTemplate, scope: Record<string, Json>): Promise<void> {
    // A system may answer 404 or 410 for an unknown entry.
    const answer = await this.api.ask(request, scope);
    if (!answer) return;
    const items = request.items ?? this.definition.items;
    this.rememberAll(this.api.itemsOf(answer, items), answer.call, items.text);
  }

  /** @param isEnough true for the last entry that is needed, so that the rest of a long list is not read */
  private async ask(
    request: RequestTemplate,
    scope: Record<string, Json>,
    isEnough: (entry: Entry) => boolean,
  ): Promise<void> {
    const items = request.items ?? this.definition.items;
    let enough = false;
    try {
      await readPages(
        this.api,
        this.api.request(request, scope),
        {
          paging: this.definition.paging ?? this.api.profile.paging,
          items,
          idOf: (item) => this.definition.id.of(item),
          lenient: true,
          send: (each) => this.api.write(each),
        },
        (page) => {
          // No early exit: `isEnough` counts every entry of the page.
          for (const entry of this.rememberAll(page.items, page.call, items.text))
            if (isEnough(entry)) enough = true;
        },
        () => enough,
      );
    } catch (error) {
      // A system may answer 404 or 410 for an unknown entry.
      if (!(error instanceof RecordGone)) throw error;
    }
  }

  private rememberAll(raws: readonly Json[], call: string, items: string): Entry[] {
    return raws.flatMap((raw, n) => {
      const entry = this.entryOf(raw, call, `${items}.${n}`);
      return entry ? [this.remember(entry)] : [];
    });
  }

  /**
   * @returns null for an entry without a visible key, because no value can name it
   * @throws NeedsHuman for an entry without an id, because its records would look as if they referenced nobody
   */
  private entryOf(raw: Json, call: string, at: string): Entry | null {
    if (raw === null) return null;
    const { id: idOf, key: keyOf } = this.definition;
    const [id, key] = [idOf, keyOf].map((each) => this.api.valueOf(each, raw, call, at)) as [Json, Json];
    if (typeof id !== 'string' && typeof id !== 'number')
      throw this.api.unexpected(call, `${at}.${idOf.text}`, id, 'the id of an entry');
    if (key === null || key === '') return null;
    if (typeof key === 'object') throw this.api.unexpected(call, `${at}.${keyOf.text}`, key, 'a text');
    const name = this.nameOf(raw);
    const displayName = typeof name === 'string' && name !== '' ? name : null;
    return { id: textOf(id), key: textOf(key), name: displayName, raw };
  }

  /** A name is optional: an expression that fails gives null. */
  private nameOf(raw: Json): Json {
    try {
      return this.definition.name?.of(raw) ?? null;
    } catch {
      return null;
    }
  }

  private remember(entry: Entry): Entry {
    this.byId.set(entry.id, entry);
    this.byKey.set(lower(entry.key), entry);
    return entry;
  }

  /** Whether a key was looked up in vain lately. Before a create, the cached result expires sooner. */
  private missed(key: string, make: boolean): boolean {
    return Date.now() - (this.missedAt.get(key) ?? 0) < (make ? MISSED_TO_MAKE_MS : MISSED_MS);
  }
}

/** Error codes that concern the entry itself, rather than the call. */
const REFUSALS: ReadonlySet<string> = new Set(['invalid_field', 'refused', 'too_long']);

function lower(key: string): string {
  return key.toLowerCase();
}
