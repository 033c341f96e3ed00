import type { CanonicalKey } from '../sync/canonicalKey';
import type { ReconcileReport } from '../sync/findings';
import type { RefKey, SyncRecord } from '../sync/record';
import type { Stored } from './migrations';
import type { Versions, VersionedDocuments } from './versions';

/** A claim with its upkeep data. Times are ISO. */
export interface Claim {
  ref: RefKey;
  key: CanonicalKey;
  /** The reconcile that last met the record. */
  seen: string | null;
  /** When a check first found that no link confirms the claim; null if a link does. */
  strayAt: string | null;
}

export interface KeptObservation {
  ref: RefKey;
  /** When the observation was stored; null if an earlier release stored it. */
  at: string | null;
  record: SyncRecord;
}

interface ClaimDocument extends Stored {
  _id: RefKey;
  key: CanonicalKey;
  seen?: string;
  /** The first complete reconcile that did not find the record. */
  missed?: string;
  strayAt?: string;
}
interface ObservationDocument extends Stored {
  _id: RefKey;
  at?: string;
  record: string;
}
interface ReportDocument extends Stored {
  _id: string;
  finishedAt: string;
  report: string;
}

/** Walks the link store for reconcile and link hygiene, page by page, in the order of the keys. */
export class Upkeep {
  private readonly claims: VersionedDocuments<ClaimDocument>;
  private readonly observations: VersionedDocuments<ObservationDocument>;
  private readonly reports: VersionedDocuments<ReportDocument>;

  constructor(versions: Versions) {
    this.claims = versions.of('claims');
    this.observations = versions.of('observations');
    this.reports = versions.of('reports');
  }

  async claimsAfter(after: RefKey | null, limit: number): Promise<Claim[]> {
    const found = await this.claims.all.find(beyond(after)).sort({ _id: 1 }).limit(limit).toArray();
    return found
      .map((claim) => this.claims.read(claim))
      .map(({ _id, key, seen, strayAt }) => ({
        ref: _id,
        key,
        seen: seen ?? null,
        strayAt: strayAt ?? null,
      }));
  }

  async observationsAfter(after: RefKey | null, limit: number): Promise<KeptObservation[]> {
    const found = await this.observations.all.find(beyond(after)).sort({ _id: 1 }).limit(limit).toArray();
    return (await this.observations.readInPlace(found)).map(({ _id, at, record }) => ({
      ref: _id,
      at: at ?? null,
      record: JSON.parse(record) as SyncRecord,
    }));
  }

  /** Stores that a reconcile met these records. */
  async markSeen(refs: RefKey[], run: string): Promise<void> {
    if (refs.length === 0) return;
    const update = { $set: { seen: run }, $unset: { missed: '' } } as const;
    await this.claims.all.updateMany({ _id: { $in: refs } }, update);
  }

  /**
   * Stores that a complete reconcile did not find these records. May be repeated.
   * @returns the records that an earlier complete reconcile did not find either, and that were not seen since
   */
  async markMissed(refs: readonly RefKey[], run: string): Promise<Set<RefKey>> {
    if (refs.length === 0) return new Set();
    const all = this.claims.all;
    const found = await all.find({ _id: { $in: [...refs] } }).toArray();
    const missed = found.filter((claim) => claim.missed !== undefined && claim.missed !== run);
    const first = found.filter((claim) => claim.missed === undefined).map(({ _id }) => _id);
    if (first.length > 0) await all.updateMany({ _id: { $in: first } }, { $set: { missed: run } });
    return new Set(missed.map(({ _id }) => _id));
  }

  async markStray(ref: RefKey, at: Date | null): Promise<void> {
    await this.claims.all.updateOne(
      { _id: ref },
      at ? { $set: { strayAt: at.toISOString() } } : { $unset: { strayAt: '' } },
    );
  }

  async saveReport(report: ReconcileReport): Promise<void> {
    const document = { finishedAt: report.finishedAt, report: JSON.stringify(report) };
    const reports = await this.reports.toWrite();
    await reports.replaceOne({ _id: report.run }, this.reports.stamp(document), { upsert: true });
  }

  /** Reports, latest first. */
  async reportsFirst(limit: number): Promise<ReconcileReport[]> {
    const found = await this.reports.all.find().sort({ finishedAt: -1 }).limit(limit).toArray();
    return found.map((each) => JSON.parse(this.reports.read(each).report) as ReconcileReport);
  }
}

function beyond(after: string | null): { _id?: { $gt: string } } {
  return after === null ? {} : { _id: { $gt: after } };
}
