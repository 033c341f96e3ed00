/** One thing that was looked at. */
export interface Finding {
  /** What was looked at, e.g. `Zendesk: stream tickets`. */
  what: string;
  /** `off`: not asked for, or not there yet, which is no fault. */
  state: 'ok' | 'warning' | 'failed' | 'off';
  found: string;
  /** What to do; null where nothing is to be done. */
  cure: string | null;
}
