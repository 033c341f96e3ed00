import type { Json } from '../../sync/record';
import { textOf } from '../../sync/values';
import { LRUCache } from 'lru-cache';
import { chunks } from '../chunks';
import type { Api } from './profileApi';
import type { Directory as Definition } from './profileSchema';
import type { RequestTemplate } from './template';

/** A list that records point into by id, and that values name by a key: people, by their e-mail addresses. */

/** An entry is read again after a few minutes: a person's address or role may have changed. */
const CACHED = { max: 10_000, ttl: 5 * 60_000 };
const KEYS_PER_CALL = 100;
/** How long somebody whom the system does not know is taken for unknown. */
const MISSED_MS = 60_000;
const MISSED_TO_MAKE_MS = 5_000;

export interface Entry {
  id: string;
  key: string;
  /** As the system tells it, for expressions. */
  raw: Json;
}

export class Directory {
  private readonly byId = new LRUCache<string, Entry>(CACHED);
  /** By lower-case key. */
  private readonly byKey = new LRUCache<string, Entry>(CACHED);
  /** When each key was last looked for in vain, in milliseconds since the epoch. */
  private readonly missedAt = new LRUCache<string, number>({ ...CACHED, ttl: MISSED_MS });
  private readonly asking = new Map<string, Promise<Entry | undefined>>();

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

  /** Asked once for all who ask at the same time. @returns undefined where there is none of this key */
  async idOf(key: string, make: boolean): Promise<string | undefined> {
    const known = this.byKey.get(lower(key));
    if (known) return known.id;
    const question = `${make} ${lower(key)}`;
    const asked = this.asking.get(question) ?? this.find(key, make);
    this.asking.set(question, asked);
    try {
      return (await asked)?.id;
    } finally {
      this.asking.delete(question);
    }
  }

  private async find(key: string, make: boolean): Promise<Entry | undefined> {
    if (!this.missed(lower(key), make)) {
      await this.ask(this.definition.byKey, { key });
      const found = this.byKey.get(lower(key));
      if (found) return found;
      this.missedAt.set(lower(key), Date.now());
    }
    if (!make || !this.definition.make) return undefined;
    const { request, record } = this.definition.make;
    const { call, body } = await this.api.send(request, { key });
    const made = this.entryOf(record.of(body));
    if (!made) throw this.api.unexpected(call, record.text, null, 'the entry that was made');
    return this.remember(made);
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
    return id === null || typeof key !== 'string' || key === '' ? null : { id: textOf(id), key, raw };
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

function lower(key: string): string {
  return key.toLowerCase();
}
