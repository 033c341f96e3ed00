/** A write of either system, by whom, and the record afterwards. */
export interface TraceEntry {
  at: string;
  ref: string;
  by: string;
  what: string;
  record: unknown;
}
