/** The result of one check. */
export interface Finding {
  /** The thing that was checked, e.g. `Zendesk: stream tickets`. */
  what: string;
  /** `off`: not configured, or not created yet, which is no fault. */
  state: 'ok' | 'warning' | 'failed' | 'off';
  found: string;
  /** The fix; null if there is nothing to fix. */
  cure: string | null;
}
