/** Values of both systems in the form in which both must show the same. */

/** A value brought into the form in which both systems must show the same. */
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

/** Line ends, space before them, and empty lines around the text are not part of what was said. */
export function plainText(value: string | null): string {
  return (
    (value ?? '')
      // The sync keeps Zendesk from changing a text with a character that nobody sees (docs/comments.md).
      .replaceAll('\u2060', '')
      .replace(/\r\n?/g, '\n')
      // A tab, and each of the spaces that mail clients and web editors leave, counts as a blank.
      .replace(/[^\S\n]/g, ' ')
      .replace(/ +$/gm, '')
      .replace(/^\n+/, '')
      .trimEnd()
  );
}

/** Names and titles are one line, in which it does not matter how much space stands between words. */
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
