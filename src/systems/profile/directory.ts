import type { Json } from '../../sync/record';
import { textOf } from '../../sync/values';
import { LRUCache } from 'lru-cache';
import { chunks } from '../chunks';
import { AlreadyExists, NeedsHuman } from '../errors';
import type { Api } from './profileApi';
import type { Directory as Definition } from './profileSchema';
import type { RequestTemplate } from './template';

/** A list that records point into by id, and that values name by a key: people, by their e-mail addresses. */

/** An entry is read again after a few minutes: a person's address or role may have changed. */
const CACHED = { max: 10_000, ttl: 5 * 60_000 };
const KEYS_PER_CALL = 100;
/** How long a key that the system does not know is taken for unknown: what is left out meanwhile may stay so. */
const MISSED_MS = 10_000;
const MISSED_TO_MAKE_MS = 5_000;
/** How long the system is not asked again to make an entry that it refused. */
const REFUSED_MS = 60_000;

export interface Entry {
  id: string;
  key: string;
  /** What people call it; null where the system does not tell. */
  name: string | null;
  /** As the system tells it, for expressions. */
  raw: Json;
}

/** How an entry is looked up. */
export interface Wanted {
  /** Whether it is made where there is none. */
  make: boolean;
  /** The name that it is made with; its key where none is known. */
  name?: string | undefined;
  /** Asks the system, whatever the cache holds. */
  again?: boolean;
}

/** An entry's id, or why there is none. */
export type Found = { id: string } | { missing: string };

export class Directory {
  private readonly byId = new LRUCache<string, Entry>(CACHED);
  /** By lower-case key. */
  private readonly byKey = new LRUCache<string, Entry>(CACHED);
  /** When each key was last looked for in vain, in milliseconds since the epoch. */
  private readonly missedAt = new LRUCache<string, number>({ ...CACHED, ttl: MISSED_MS });
  /** The system's words on keys that it made no entry for. */
  private readonly refused = new LRUCache<string, string>({ ...CACHED, ttl: REFUSED_MS });
  private readonly asking = new Map<string, Promise<Entry | string>>();

  constructor(
    private readonly definition: Definition,
    private readonly api: Api,
  ) {}

  /** Those of the ids that the system knows. */
  async entries(ids: readonly string[]): Promise<Map<string, Entry>> {
    const known = new Map<string, Entry>();
    const unknown: string[] = [];
    for (const id of new Set(ids)) {
      const entry = this.byId.get(id);
      if (entry) known.set(id, entry);
      else unknown.push(id);
    }
    const { byIds } = this.definition;
    if (byIds.names.has('id')) await Promise.all(unknown.map((id) => this.ask(byIds, { id })));
    else
      for (const some of chunks(unknown, this.api.profile.idsPerCall)) await this.ask(byIds, { ids: some });
    for (const id of unknown) {
      const entry = this.byId.get(id);
      if (entry) known.set(id, entry);
    }
    return known;
  }

  /** Looks up at once all keys that nobody here knows yet; who is not found is asked for alone. */
  async meet(keys: readonly string[], make: boolean): Promise<void> {
    const { byKeys } = this.definition;
    if (!byKeys) return;
    const wanted = new Set(keys.map(lower).filter((key) => !this.byKey.get(key) && !this.missed(key, make)));
    for (const some of chunks([...wanted], KEYS_PER_CALL)) {
      // One alone is as well asked for by itself.
      if (some.length < 2) continue;
      await this.ask(byKeys, { keys: some });
      for (const key of some) if (!this.byKey.get(key)) this.missedAt.set(key, Date.now());
    }
  }

  /** Asked once for all who ask at the same time. */
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

  /** @returns why there is none where there is none */
  private async lookUp(key: string, { make, name, again = false }: Wanted): Promise<Entry | string> {
    const at = lower(key);
    if (again || !this.missed(at, make)) {
      this.byKey.delete(at);
      await this.ask(this.definition.byKey, { key });
      const found = this.byKey.get(at);
      if (found) return found;
      this.missedAt.set(at, Date.now());
    }
    if (!make || !this.definition.make) return `${this.api.profile.name} knows nobody by this key`;
    return this.refused.get(at) ?? (await this.made(key, name ?? key, this.definition.make));
  }

  /** An entry that the system does not take is left out of what names it, and stops nothing else. */
  private async made(
    key: string,
    name: string,
    { request, record }: NonNullable<Definition['make']>,
  ): Promise<Entry | string> {
    try {
      const { call, body } = await this.api.send(request, { key, name });
      const made = this.entryOf(record.of(body));
      if (!made) throw this.api.unexpected(call, record.text, null, 'the entry that was made');
      return this.remember(made);
    } catch (error) {
      if (error instanceof AlreadyExists) {
        // Somebody else made it meanwhile.
        await this.ask(this.definition.byKey, { key });
        return this.byKey.get(lower(key)) ?? error.message;
      }
      if (!(error instanceof NeedsHuman) || !REFUSALS.has(error.code)) throw error;
      this.refused.set(lower(key), error.message);
      return error.message;
    }
  }

  private async ask(request: RequestTemplate, scope: Record<string, Json>): Promise<void> {
    // Whom the system does not know, it may call gone.
    const answer = await this.api.ask(request, scope);
    if (!answer) return;
    for (const raw of this.api.itemsOf(answer, request.items ?? this.definition.items)) {
      const entry = this.entryOf(raw);
      if (entry) this.remember(entry);
    }
  }

  /** Null for one that has no key that we may see: nobody can name it. */
  private entryOf(raw: Json): Entry | null {
    const [id, key] = [this.definition.id.of(raw), this.definition.key.of(raw)];
    if (id === null || typeof key !== 'string' || key === '') return null;
    const name = this.nameOf(raw);
    return { id: textOf(id), key, name: typeof name === 'string' && name !== '' ? name : null, raw };
  }

  /** A name that cannot be told stops nothing. */
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

  /** Whether there is none of a key, as far as is known; who would be made is looked for again at once. */
  private missed(key: string, make: boolean): boolean {
    return Date.now() - (this.missedAt.get(key) ?? 0) < (make ? MISSED_TO_MAKE_MS : MISSED_MS);
  }
}

/** What says something of the entry, rather than of the call. */
const REFUSALS: ReadonlySet<string> = new Set(['invalid_field', 'refused', 'too_long']);

function lower(key: string): string {
  return key.toLowerCase();
}
