import type { Mapping } from '../../sync/mapping';
import type { EntityType, SyncRecord } from '../../sync/record';
import type { SystemPort } from '../../systems/port';
import type { Patience } from '../verify/watch';
import type { CheckId } from './checks';
import { FeedReader, feedEvidence } from './feed';
import { checkComments } from './groups/comments';
import { checkEndings } from './groups/endings';
import { checkFiles } from './groups/files';
import { checkLists } from './groups/lists';
import { checkRecords } from './groups/records';
import { checkReferences } from './groups/references';
import { checkText } from './groups/text';
import { checkClock, checkVersions } from './groups/time';
import { checkValues } from './groups/values';
import type { Tools } from './groups/tools';
import { checkWrites } from './groups/writes';
import { Probe, type Cleanup, type Removal } from './probe';
import { Recorder } from './conformRecorder';
import { subjectsOf, type Subject } from './subjects';
import { invariantsOf, type InvariantVerdict } from './invariants';
import { notDone, type Judged } from './verdict';

/** Tests, through the port, everything that the sync assumes about a system. */

export interface ConformInput {
  port: SystemPort;
  /** Defines the kinds and properties that the sync writes. It need not be bound to the systems. */
  mapping: Mapping;
  serverTime: () => Promise<Date | null>;
  /** A lower-case text, unique to this run. It is part of every record that the checks make. */
  tag: string;
  patience: Patience;
  /** The most records of a kind that are made so that lists have several pages. */
  records: number;
  /** E-mail addresses of people whom the system knows, in addition to the people on its records. */
  people?: readonly string[];
  /** Removes records for good. Without it, or for kinds that it cannot remove, records are archived. */
  removal?: Removal;
  /** Called after each record that was made or removed. */
  onRecord?: (made: number, removed: number) => void;
  onProgress?: (check: CheckId, subject: string) => void;
}

export interface Conformance {
  results: Judged[];
  invariants: InvariantVerdict[];
  cleanup: Cleanup;
  /** Whether it was stopped before its end. */
  stopped: boolean;
}

/** Checks that need a record; they fail if none can be made. */
const NEED_RECORD: readonly CheckId[] = ['values', 'precondition', 'repeat', 'lookUp', 'unique', 'walk'];

/** Runs all checks and removes their records, also after a stop. @throws NeedsHuman, RetryLater if no call succeeds */
export async function runConformance(input: ConformInput): Promise<Conformance> {
  const { port, mapping, tag, patience, records, serverTime, people = [], onProgress } = input;
  const probe = new Probe(port, tag, patience, input);
  const feed = await FeedReader.from(probe);
  const recorder = new Recorder(async (check, subject) => {
    onProgress?.(check, subject);
    await feed.readOn();
  });
  const tools: Tools = { probe, feed, recorder, records, serverTime, people };
  let stopped = false;
  let cleanup: Cleanup;
  try {
    await checkAll(tools, await subjectsOf(port, mapping));
  } catch (error) {
    if (!patience.signal.aborted) throw error;
    stopped = true;
  } finally {
    cleanup = await probe.remove();
  }
  return { results: recorder.results, invariants: invariantsOf(recorder.results), cleanup, stopped };
}

async function checkAll(tools: Tools, subjects: readonly Subject[]): Promise<void> {
  const { recorder } = tools;
  const bases = new Map<EntityType, SyncRecord>();
  for (const subject of subjects) {
    const base = await checkRecords(tools, subject);
    if (!base) {
      for (const check of NEED_RECORD) recorder.set(check, subject.name, notDone('no record could be made'));
      continue;
    }
    if (bases.size === 0) await checkClock(tools, subject);
    await checkVersions(tools, subject);
    await checkValues(tools, subject);
    await checkWrites(tools, subject);
    await checkReferences(tools, subject);
    await checkText(tools, subject);
    await checkEndings(tools, subject);
    const parent = bases.get('TicketToProject');
    if (subject.entity === 'CommentToProject' && parent) await checkComments(tools, subject, parent);
    await checkFiles(tools, subject);
    const isFirst = subjects.find(({ kind }) => kind === subject.kind) === subject;
    if (isFirst) await checkLists(tools, subject);
    for (const each of subjects) each.parents[subject.entity] = base.ref.id;
    bases.set(subject.entity, base);
  }
  await checkFeed(tools, [...new Set(subjects.map(({ kind }) => kind))]);
}

/** Runs last, when the feed has many entries. */
async function checkFeed({ probe, feed, recorder }: Tools, kinds: readonly string[]): Promise<void> {
  const settled = await feed.settle();
  const made = [...probe.made.values()];
  for (const kind of kinds) {
    const evidence = feedEvidence(feed, settled, made, kind);
    await recorder.try('feed', kind, async () => evidence.feed);
    await recorder.try('feedOrder', kind, async () => evidence.feedOrder);
    await recorder.try('feedSince', kind, async () => evidence.feedSince);
  }
}
