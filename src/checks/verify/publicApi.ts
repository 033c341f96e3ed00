import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { RetryLater } from '../../systems/errors';
import type { Request } from '../../systems/http';
import type { Json, Side, Values } from '../../sync/record';

/**
 * The actions of a person in a system, through its public API. Implementations do not write the sync's marks and do not
 * know the link store. The keys of values are the mapping's property names; a person is an e-mail address.
 */
export interface PublicApi {
  readonly side: Side;
  /** @returns the record as the answer contains it */
  create(kind: string, values: Values): Promise<Seen>;
  edit(kind: string, id: string, values: Values): Promise<Seen>;
  /** @returns null if the record does not exist */
  read(kind: string, id: string): Promise<Seen | null>;
  /** Finds counterparts by their back-reference. */
  find(kind: string, backRef: string, parent: string | null): Promise<Seen[]>;
  /** Deletes a record; a missing record is no error. */
  remove(kind: string, id: string): Promise<void>;
  /** The texts of a record's follow-ups, which the sync adds instead of an edit, by their ids. */
  followUps(kind: string, id: string): Promise<Map<string, string>>;
  attach(kind: string, id: string, file: FileContent): Promise<void>;
  redact(kind: string, id: string): Promise<void>;
  /** Adds or finds a person. */
  person(email: string, name: string): Promise<void>;
  /** Deletes or deactivates a person. */
  removePerson(email: string): Promise<void>;
}

/** A PMS. Its abilities differ by product. */
export interface PmsView extends PublicApi {
  /** Whether records of a kind can have files. */
  keepsFiles(kind: string): boolean;
  /** Whether a change stream reports edits of records of a kind. */
  tellsEdits(kind: string): boolean;
  /** The options of fields, keyed by `pms KIND PROPERTY`. */
  options(): Promise<Map<string, string[]>>;
  /** @returns null if the PMS does not know the person */
  personOf(email: string): Promise<{ email: string } | null>;
}

export interface Seen {
  id: string;
  values: Values;
  files: SeenFile[];
}

export interface SeenFile {
  id: string;
  name: string;
  size: number;
  /** @returns null if the system serves the content under a separate URL, which the checks do not read */
  content(): Promise<Buffer | null>;
}

export interface FileContent {
  name: string;
  content: Buffer;
}

/** A file for a request. Its stream can be read only once, so each attempt needs a new file. */
export function textFile({ name, content }: FileContent): NonNullable<Request['file']> {
  return {
    fileName: name,
    contentType: 'text/plain',
    size: content.length,
    content: Readable.from([content]),
  };
}

const TRIES = 10;
const PAUSE_MS = 1_000;

/** Repeats a call when the rate limit is reached. A write whose outcome is unknown is not repeated. */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RetryLater) || error.options.unknownOutcome || attempt === TRIES) throw error;
      await sleep(error.options.retryAfterMs ?? PAUSE_MS);
    }
  }
}

/** A value of an API's answer, as JSON. */
export function valueOf(raw: unknown): Json {
  return (raw ?? null) as Json;
}
