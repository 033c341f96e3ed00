import type { Side } from 'testkit';

/** A link document, with the fields that the checker reads. */
export interface LinkDocument {
  _id: string;
  entity: string;
  status: string;
  sides: Partial<Record<Side, { ref: string }>>;
  history: { row: string; side: Side; lost: unknown }[];
  /** Values that writes of unknown outcome may have overruled. */
  unconfirmed?: LinkDocument['history'];
  conflicts: { row: string; zendesk: unknown; pms: unknown }[];
  notTaken?: { row: string; side: Side; offered: unknown; shown?: unknown; words: string }[];
  reason: { code: string; text: string } | null;
  waitsFor: string[];
  /** As JSON. */
  intent: string | null;
}
