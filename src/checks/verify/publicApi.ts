import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { RetryLater } from '../../systems/errors';
import type { Request } from '../../systems/http';
import type { Json, Side, Values } from '../../sync/record';

/**
 * What a person does in a system, through its public API: nothing here leaves the sync's marks on a record or knows of
 * its link store. Values are under the names that the mapping uses; a person is an e-mail address.
 */
export interface PublicApi {
  readonly side: Side;
  /** @returns the record as the answer shows it */
  create(kind: string, values: Values): Promise<Seen>;
  edit(kind: string, id: string, values: Values): Promise<Seen>;
  /** @returns null where it is gone */
  read(kind: string, id: string): Promise<Seen | null>;
  /** The records that were made for another, by the back-reference that they carry. */
  find(kind: string, backRef: string, parent: string | null): Promise<Seen[]>;
  /** Deletes it; it is not an error if the record does not exist any more. */
  remove(kind: string, id: string): Promise<void>;
  /** What was added to a record in the place of an edit, by the id of each. */
  followUps(kind: string, id: string): Promise<Map<string, string>>;
  attach(kind: string, id: string, file: FileContent): Promise<void>;
  redact(kind: string, id: string): Promise<void>;
  /** Adds or finds a person. */
  person(email: string, name: string): Promise<void>;
  /** The account no longer knows or uses the person. */
  removePerson(email: string): Promise<void>;
}

/** A PMS, of which not all can do all. */
export interface PmsView extends PublicApi {
  /** Whether records of a kind can have files. */
  keepsFiles(kind: string): boolean;
  /** Whether any list shows that a record was edited. */
  tellsEdits(kind: string): boolean;
  /** The values that fields with options take, by `pms`, kind and property. */
  options(): Promise<Map<string, string[]>>;
  /** Null for whom it cannot name. */
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
  /** @returns null where the system gives it under an address of its own, which is not followed here */
  content(): Promise<Buffer | null>;
}

export interface FileContent {
  name: string;
  content: Buffer;
}

/** A file as a request carries it. Its content can be read once: each try needs one of its own. */
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

/** Waits as the API asks, like anybody who meets its rate; a write that may have been done is not sent again. */
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

/** A value that an API gave, which is JSON. */
export function valueOf(raw: unknown): Json {
  return (raw ?? null) as Json;
}
