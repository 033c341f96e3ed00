import type { Json } from '../../sync/record';
import { textOf } from '../../sync/values';
import { LRUCache } from 'lru-cache';
import { chunks } from '../chunks';
import { RecordGone } from '../errors';
import { readPages } from './pages';
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

  /** Looks up at once all keys that nobody here knows yet; who is not found is asked for alone. */
  async meet(keys: readonly string[], make: boolean): Promise<void> {
    const { byKeys } = this.definition;
    if (!byKeys) return;
    const wanted = new Set(keys.map(lower).filter((key) => !this.byKey.get(key) && !this.missed(key, make)));
    for (const some of chunks([...wanted], KEYS_PER_CALL)) {
      // One alone is as well asked for by itself.
      if (some.length < 2) continue;
      const missing = new Set(some);
      await this.ask(byKeys, { keys: some }, ({ key }) => missing.delete(lower(key)) && missing.size === 0);
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
      await this.ask(this.definition.byKey, { key }, (entry) => lower(entry.key) === lower(key));
      const found = this.byKey.get(lower(key));
      if (found) return found;
      this.missedAt.set(lower(key), Date.now());
    }
    if (!make || !this.definition.make) return undefined;
    return this.make(key, this.definition.make);
  }

  private async make(
    key: string,
    { request, record, made }: NonNullable<Definition['make']>,
  ): Promise<Entry> {
    const { call, body } = await this.api.send(request, { key });
    const raw = record ? this.api.valueOf(record, body, call) : null;
    const id = made ? this.api.valueOf(made, body, call) : this.api.valueOf(this.definition.id, raw, call);
    if (id === null) throw this.api.unexpected(call, (made ?? this.definition.id).text, null, 'the new id');
    const told = made ? null : this.entryOf(raw, call, record?.text ?? '');
    if (told) return this.remember(told);
    // The answer has no more than the id: the rest is read.
    await this.askByIds([textOf(id)]);
    return this.byId.get(textOf(id)) ?? this.remember({ id: textOf(id), key, raw: { id } });
  }

  private async askOne(request: RequestTemplate, scope: Record<string, Json>): Promise<void> {
    // Whom the system does not know, it may call gone.
    const answer = await this.api.ask(request, scope);
    if (!answer) return;
    const items = request.items ?? this.definition.items;
    this.rememberAll(this.api.itemsOf(answer, items), answer.call, items.text);
  }

  /** @param isEnough whether an entry is the last that is needed of a long list */
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
          // Each is looked at: several may be wanted.
          for (const entry of this.rememberAll(page.items, page.call, items.text))
            if (isEnough(entry)) enough = true;
        },
        () => enough,
      );
    } catch (error) {
      // Whom the system does not know, it may call gone.
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
   * Null for one that has no key that we may see: nobody can name it.
   * @throws NeedsHuman for one without an id, which would be taken for nobody
   */
  private entryOf(raw: Json, call: string, at: string): Entry | null {
    if (raw === null) return null;
    const { id: idOf, key: keyOf } = this.definition;
    const [id, key] = [idOf, keyOf].map((each) => this.api.valueOf(each, raw, call, at)) as [Json, Json];
    if (typeof id !== 'string' && typeof id !== 'number')
      throw this.api.unexpected(call, `${at}.${idOf.text}`, id, 'the id of an entry');
    if (key === null || key === '') return null;
    if (typeof key === 'object') throw this.api.unexpected(call, `${at}.${keyOf.text}`, key, 'a text');
    return { id: textOf(id), key: textOf(key), raw };
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
