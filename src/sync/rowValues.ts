import type { Json, Side } from './record';

/** Values by row id. It imports types alone, because workflows carry it along. */

/** The values with those of `other` in these rows. A row that `other` lacks is removed. */
export function withRowsOf<T extends Json>(
  values: Readonly<Record<string, T>>,
  other: Readonly<Record<string, T>> | null | undefined,
  rows: readonly string[],
): Record<string, T> {
  const next = { ...values };
  for (const row of rows) {
    const value = other?.[row];
    if (value === undefined) delete next[row];
    else next[row] = value;
  }
  return next;
}

/** What is kept by side and row, for the rows that pass. */
export function rowsThat<T>(
  bySide: Partial<Record<Side, Record<string, T>>>,
  passes: (row: string) => boolean,
): Partial<Record<Side, Record<string, T>>> {
  return Object.fromEntries(
    Object.entries(bySide).map(([side, rows]) => [
      side,
      Object.fromEntries(Object.entries(rows).filter(([row]) => passes(row))),
    ]),
  );
}
