import { LINK_STATUSES, type LinkStatus } from '../../sync/link';
import { REASONS, wordsOf } from '../../sync/reasons';
import { ENTITY_TYPES, type EntityType } from '../../sync/record';
import { BadInput } from '../operatorErrors';

/** @throws BadInput */
export function entityNamed(text: string): EntityType {
  const found = ENTITY_TYPES.find((type) => type.toLowerCase() === text.toLowerCase());
  if (found) return found;
  throw new BadInput(`--entity: found "${text}", expected one of ${ENTITY_TYPES.join(', ')}`);
}

/** @throws BadInput */
export function statusNamed(text: string): LinkStatus {
  const found = LINK_STATUSES.find((status) => status === text);
  if (found) return found;
  throw new BadInput(`--status: found "${text}", expected one of ${LINK_STATUSES.join(', ')}`);
}

/** @throws BadInput */
export function codeNamed(text: string): string {
  if (wordsOf(text)) return text;
  throw new BadInput(
    `--code: found "${text}", expected one of ${Object.keys(REASONS).sort().join(', ')} (docs/reasons.md)`,
  );
}

/** @throws BadInput */
export function positive(option: string): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number > 0) return number;
    throw new BadInput(`${option}: found "${text}", expected a whole number above 0`);
  };
}

/** @throws BadInput where the text is no time */
export function timeNamed(name: string, text: string, or = ''): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime()))
    throw new BadInput(`${name}: found "${text}", expected e.g. 2026-05-01T12:00:00Z${or && `, ${or}`}`);
  return time;
}
