import { z } from 'zod';
import type { Json, RecordRef, SyncRecord } from '../../sync/record';
import { textOf } from '../../sync/values';
import { NeedsHuman } from '../errors';
import type { ChangePage } from '../port';
import { unreadable, type Parsed, type Unreadable } from '../unreadable';
import type { Api, ApiAnswer } from './profileApi';
import { isTrue } from './expression';
import { readPage } from './pages';
import { rawsIn, textOrEmpty, type ProfileReads } from './profileReads';
import type { Raw } from './profileRecords';
import type { Feed } from './profileSchema';
import type { Kind } from './kindSchema';
import { Times } from './times';

/** A change stream of the PMS. */
export interface Stream {
  changes(cursor: string | null): Promise<ChangePage>;
  cursorAt(since: Date): Promise<string | null>;
  cursorNow(): Promise<string | null>;
}

/** The streams of a profile: one feed of all changes, or a list for each kind. */
export function streamsOf(reads: ProfileReads): Map<string, Stream> {
  const { api } = reads;
  const { changes } = api.profile;
  const kinds = new Map([...reads.all()].map(({ kind }) => [kind.name, kind]));
  if (!changes) return new Map();
  if ('feed' in changes) {
    const parse = (raws: readonly Raw[]) => reads.parseEach(raws);
    return new Map([['changes', new FeedStream(changes.feed, api, kinds, parse)]]);
  }
  return new Map(
    [...reads.all()].flatMap((records): [string, Stream][] => {
      const { kind } = records;
      const listed = kind.within ? kinds.get(kind.within.kind) : kind;
      if (!listed?.changed) return [];
      const stream = new SinceStream(
        listed,
        changes.since.lagSeconds * 1000,
        api,
        new Times(listed.dates),
        async (page, since) => {
          if (listed === kind) {
            const raws = rawsIn(kind, page, kind.items.text, page.items, null);
            const { records: all, unreadable: faulty } = await reads.parseEach(raws);
            // Without {since}, the request returns all records; the unchanged ones are dropped here.
            const news =
              since === null ? all : all.filter(({ updatedAt }) => Date.parse(updatedAt) >= since.getTime());
            return { records: news, unreadable: faulty };
          }
          const parents = page.items.map((item) => textOrEmpty(listed.id.of(item)));
          return reads.insideEach(records, parents);
        },
      );
      return [[kind.name, stream]];
    }),
  );
}

/** Parses records of several kinds, each in the API's form. */
export type Parse = (raws: readonly Raw[]) => Promise<Parsed<SyncRecord>>;

/** One feed with the changes of all kinds, read by the feed's own cursor. */
export class FeedStream implements Stream {
  constructor(
    private readonly feed: Feed,
    private readonly api: Api,
    private readonly kinds: ReadonlyMap<string, Kind>,
    private readonly parse: Parse,
  ) {}

  async changes(cursor: string | null): Promise<ChangePage> {
    const { feed, api } = this;
    const page = await this.page(cursor);
    const nameless: Unreadable[] = [];
    const latest = new Map<string, { at: string; item: Json; ref: RecordRef }>();
    page.items.forEach((item, n) => {
      const at = `${feed.items.text}.${n}`;
      const [kind, id] = [feed.kind, feed.id].map((each) => api.valueOf(each, item, page.call, at));
      if (kind == null || id == null) {
        const { message } = api.unexpected(page.call, at, null, 'a kind and an id');
        nameless.push({ ...unreadable(item, page.call, message, NO_REF), ref: null, reason: message });
        return;
      }
      // Later entries of a page replace earlier ones: only a record's latest state matters.
      if (this.kinds.has(textOf(kind)))
        latest.set(`${textOf(kind)}:${textOf(id)}`, {
          at,
          item,
          ref: { side: 'pms', kind: textOf(kind), id: textOf(id) },
        });
    });
    const gone: RecordRef[] = [];
    const live: Raw[] = [];
    for (const { at, item, ref } of latest.values()) {
      if (isTrue(api.valueOf(feed.gone, item, page.call, at))) gone.push(ref);
      else {
        const raw = api.valueOf(feed.record, item, page.call, at);
        live.push({ raw, call: page.call, at: `${at}.${feed.record.text}`, within: null, kind: ref.kind });
      }
    }
    const { records, unreadable: faulty } = await this.parse(live);
    return { records, unreadable: [...nameless, ...faulty], gone, cursor: page.next, more: page.more };
  }

  /** A feed cannot be searched by time, so it is read from the beginning to the first entry at or after `since`. */
  async cursorAt(since: Date): Promise<string | null> {
    for (let cursor: string | null = null; ;) {
      const page: FeedPage = await this.page(cursor);
      const isNew = (item: Json) =>
        Date.parse(textOf(this.api.valueOf(this.feed.at, item, page.call, 'at'))) >= since.getTime();
      if (!page.more || page.items.some(isNew)) return cursor;
      cursor = page.next;
    }
  }

  async cursorNow(): Promise<string> {
    return (await this.page(this.feed.now)).next;
  }

  private async page(cursor: string | null): Promise<FeedPage> {
    const { feed, api } = this;
    const answer = await api.get(api.request(feed.request, { cursor }));
    const next = api.valueOf(feed.next, answer.body, answer.call);
    if (next === null) throw api.unexpected(answer.call, feed.next.text, next, 'a cursor');
    return {
      ...answer,
      items: api.itemsOf(answer, feed.items),
      next: textOf(next),
      more: isTrue(api.valueOf(feed.more, answer.body, answer.call)),
    };
  }
}

const NO_REF = (): RecordRef => ({ side: 'pms', kind: 'entry', id: '' });

interface FeedPage extends ApiAnswer {
  items: Json[];
  next: string;
  more: boolean;
}

const positionSchema = z.object({
  /** ISO time. All changes before it were returned; null: the first pass returns everything. */
  since: z.string().nullable(),
  /** When this pass over the list began, by the system's clock; null between passes. */
  began: z.string().nullable(),
  page: z.string().nullable(),
});
type Position = z.output<typeof positionSchema>;

/**
 * Reads the list of records that changed since a time, pass after pass. The list may be in any order and its clock may
 * be coarse. So each pass asks for changes since some time before the previous pass began: it also returns records that
 * changed or were stored late. The caller skips a change that is returned twice.
 */
export class SinceStream implements Stream {
  constructor(
    private readonly kind: Kind,
    private readonly lagMs: number,
    private readonly api: Api,
    private readonly times: Times,
    /** @param since parse only records changed since then, as the request did not filter; null: parse all */
    private readonly records: (
      page: ApiAnswer & { items: Json[] },
      since: Date | null,
    ) => Promise<Parsed<SyncRecord>>,
  ) {}

  async changes(cursor: string | null): Promise<ChangePage> {
    const position = positionOf(cursor);
    const { since } = position;
    const page = await this.page(position);
    const began = position.began ?? serverTime(page).toISOString();
    const isAsked = since === null || this.kind.changed?.names.has('since') === true;
    const parsed = await this.records(page, isAsked ? null : new Date(since));
    const next: Position =
      page.next === null
        ? { since: this.before(new Date(began)), began: null, page: null }
        : { since, began, page: page.next };
    return { ...parsed, gone: [], cursor: JSON.stringify(next), more: page.next !== null };
  }

  async cursorAt(since: Date): Promise<string> {
    return JSON.stringify({ since: this.before(since), began: null, page: null } satisfies Position);
  }

  /** Takes one call, because the position is a time by the system's clock. */
  async cursorNow(): Promise<string> {
    const page = await this.page({ since: new Date().toISOString(), began: null, page: null });
    return this.cursorAt(serverTime(page));
  }

  private before(time: Date): string {
    return new Date(time.getTime() - this.lagMs).toISOString();
  }

  private async page({ since, page }: Position) {
    const { kind, api } = this;
    const { changed } = kind;
    if (!changed) throw new Error(`"${kind.name}" has no list of changes`);
    const scope = {
      collection: kind.collection ?? null,
      since: since === null ? null : this.times.toInstant(since),
    };
    return readPage(api, api.request(changed, scope), {
      paging: kind.paging,
      pageSize: kind.pageSize,
      items: changed.items ?? kind.items,
      idOf: (item) => kind.id.of(item),
      cursor: page,
    });
  }
}

function positionOf(cursor: string | null): Position {
  if (cursor === null) return { since: null, began: null, page: null };
  try {
    return positionSchema.parse(JSON.parse(cursor));
  } catch {
    throw new NeedsHuman('cursor_refused', 'the stored cursor does not belong to this profile');
  }
}

/** The time in the `Date` header of an answer; without the header, our own. */
function serverTime({ header }: ApiAnswer): Date {
  const date = Date.parse(header('date') ?? '');
  return Number.isNaN(date) ? new Date() : new Date(date);
}
