import type { Link } from '../link';
import type { PropertyRow } from '../mapping';
import type { Json, Side } from '../record';

/**
 * Rule: which agreement a row of the mapping goes by. It is kept under the row's id.
 *
 * @returns the canonical value that each side last agreed to, or was last seen with where it rightly differs; null where
 * the row was never agreed on
 */
export function agreedBase(row: PropertyRow, link: Link): Record<Side, Json> | null {
  const agreed = link.snapshot?.[row.id];
  if (agreed === undefined) return null;
  const on = (side: Side): Json => {
    const residue = link.sides[side]?.residue;
    return residue && row.id in residue ? (residue[row.id] ?? null) : agreed;
  };
  return { zendesk: on('zendesk'), pms: on('pms') };
}
