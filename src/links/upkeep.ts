import type { Collection, Db } from 'mongodb';
import type { CanonicalKey } from '../sync/keys';
import type { ReconcileReport } from '../sync/findings';
import type { RefKey, SyncRecord } from '../sync/record';

/** A claim as upkeep sees it. Times are ISO. */
export interface Claim {
  ref: RefKey;
  key: CanonicalKey;
  /** The reconcile that saw the record last. */
  seen: string | null;
  /** When it was first found that no link answers for it. */
  strayAt: string | null;
}

export interface KeptObservation {
  ref: RefKey;
  /** When it was kept; null for one from before this was noted. */
  at: string | null;
  record: SyncRecord;
}

interface ClaimDocument {
  _id: RefKey;
  key: CanonicalKey;
  seen?: string;
  strayAt?: string;
}
interface ObservationDocument {
  _id: RefKey;
  at?: string;
  record: string;
}
interface ReportDocument {
  _id: string;
  finishedAt: string;
  report: string;
}

/** The link store as reconcile and link hygiene walk it: in the order of the keys, page by page. */
export class Upkeep {
  private readonly claims: Collection<ClaimDocument>;
  private readonly observations: Collection<ObservationDocument>;
  private readonly reports: Collection<ReportDocument>;

  constructor(db: Db, prefix: string) {
    this.claims = db.collection(`${prefix}claims`);
    this.observations = db.collection(`${prefix}observations`);
    this.reports = db.collection(`${prefix}reports`);
  }

  async claimsAfter(after: RefKey | null, limit: number): Promise<Claim[]> {
    const found = await this.claims.find(beyond(after)).sort({ _id: 1 }).limit(limit).toArray();
    return found.map(({ _id, key, seen, strayAt }) => ({
      ref: _id,
      key,
      seen: seen ?? null,
      strayAt: strayAt ?? null,
    }));
  }

  async observationsAfter(after: RefKey | null, limit: number): Promise<KeptObservation[]> {
    const found = await this.observations.find(beyond(after)).sort({ _id: 1 }).limit(limit).toArray();
    return found.map(({ _id, at, record }) => ({
      ref: _id,
      at: at ?? null,
      record: JSON.parse(record) as SyncRecord,
    }));
  }

  /** Notes that a reconcile met these records. */
  async markSeen(refs: RefKey[], run: string): Promise<void> {
    if (refs.length > 0) await this.claims.updateMany({ _id: { $in: refs } }, { $set: { seen: run } });
  }

  async markStray(ref: RefKey, at: Date | null): Promise<void> {
    await this.claims.updateOne(
      { _id: ref },
      at ? { $set: { strayAt: at.toISOString() } } : { $unset: { strayAt: '' } },
    );
  }

  async saveReport(report: ReconcileReport): Promise<void> {
    const document = { finishedAt: report.finishedAt, report: JSON.stringify(report) };
    await this.reports.replaceOne({ _id: report.run }, document, { upsert: true });
  }

  /** Reports, latest first. */
  async reportsFirst(limit: number): Promise<ReconcileReport[]> {
    const found = await this.reports.find().sort({ finishedAt: -1 }).limit(limit).toArray();
    return found.map(({ report }) => JSON.parse(report) as ReconcileReport);
  }
}

function beyond(after: string | null): { _id?: { $gt: string } } {
  return after === null ? {} : { _id: { $gt: after } };
}
