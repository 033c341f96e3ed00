import { refKey } from '../../../sync/canonicalKey';
import type { Json, SyncRecord, Values } from '../../../sync/record';
import { offers } from '../../../sync/rules/absence';
import { textOf } from '../../../sync/values';
import { NeedsHuman } from '../../../systems/errors';
import type { FeedReader } from '../feed';
import type { Probe } from '../probe';
import type { Recorder } from '../conformRecorder';
import type { Subject, TextProperty } from '../subjects';

/** Shared by all groups of checks. */
export interface Tools {
  probe: Probe;
  feed: FeedReader;
  recorder: Recorder;
  /** The most records of a kind that may be made for long lists. */
  records: number;
  /** E-mail addresses of people whom the system knows. */
  people: readonly string[];
  /** The time in the `Date` header of an answer; null if there is no such header. */
  serverTime: () => Promise<Date | null>;
}

const LONGEST = 40;

/** The differences between a record and the written values. */
export function differences(subject: Subject, wrote: Values, found: SyncRecord | null): string[] {
  if (!found) return ['cannot be read'];
  return Object.entries(wrote).flatMap(([name, value]) =>
    subject.same(name, value, valueOn(found, name))
      ? []
      : [`${name}: wrote ${shown(value)}, found ${shown(found.values[name])}`],
  );
}

/**
 * The value of a property, as the sync takes it: a record that may leave out what is empty shows null there. A record that
 * names every property does not have one that it leaves out.
 */
export function valueOn(record: SyncRecord, name: string): Json | undefined {
  return offers(record, name) ? (record.values[name] ?? null) : undefined;
}

export function shown(value: Values[string] | undefined): string {
  if (value === undefined || value === null || value === '') return 'nothing';
  const letters = [...textOf(value)];
  return `"${letters.length > LONGEST ? `${letters.slice(0, LONGEST).join('')}…` : letters.join('')}"`;
}

/** @throws NeedsHuman if the mapping never changes a text of such records */
export function changeable({ editable, kind }: Subject): TextProperty {
  if (editable) return editable;
  throw new NeedsHuman('immutable', `the mapping changes no text of "${kind}"`);
}

export function name({ ref }: SyncRecord): string {
  return refKey(ref);
}
