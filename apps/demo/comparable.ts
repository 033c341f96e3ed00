/** Normalizes values of both systems, so that equal values have the same form. */

/** A value in normalized form. */
export type Comparable = string | number | boolean | null | string[];

export const STATUSES: Record<string, string> = {
  new: 'new',
  open: 'in_progress',
  pending: 'waiting',
  hold: 'on_hold',
  solved: 'done',
  closed: 'closed',
};
export const PRIORITIES: Record<string, string> = {
  low: 'low',
  normal: 'medium',
  high: 'high',
  urgent: 'critical',
};

/** Line ends, spaces before them, and empty lines around a text do not matter. */
export function plainText(value: string | null): string {
  return (
    (value ?? '')
      // The sync adds an invisible character that keeps Zendesk from changing a text (docs/comments.md).
      .replaceAll('\u2060', '')
      .replace(/\r\n?/g, '\n')
      // Tabs and the special spaces of mail clients and web editors count as spaces.
      .replace(/[^\S\n]/g, ' ')
      .replace(/ +$/gm, '')
      .replace(/^\n+/, '')
      .trimEnd()
  );
}

/** Names and titles are one line, in which the number of spaces between words does not matter. */
export function oneLine(value: string | null): string {
  return (value ?? '').replace(/\s+/g, ' ').trim();
}

/** A set of labels: order, case and repetition do not matter, and spaces count as underscores. */
export function labelSet(values: readonly string[]): string[] {
  const labels = values.map((value) => value.trim().toLowerCase().replace(/\s+/g, '_')).filter(Boolean);
  return [...new Set(labels)].sort();
}

export function seconds(value: string | null): number | null {
  return value ? Math.floor(Date.parse(value) / 1_000) : null;
}

export function email(value: string | null | undefined): string | null {
  return value ? value.toLowerCase() : null;
}

export function same(left: Comparable, right: Comparable): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
