import { existsSync, statSync } from 'node:fs';
import { Option } from 'commander';
import { LINK_STATUSES, type LinkStatus } from '../../sync/link';
import { REASONS, wordsOf } from '../../sync/reasons';
import { ENTITY_TYPES, type EntityType } from '../../sync/record';
import { BadInput } from '../operatorErrors';

/** @throws BadInput */
function entityNamed(text: string): EntityType {
  const found = ENTITY_TYPES.find((type) => type.toLowerCase() === text.toLowerCase());
  if (found) return found;
  throw new BadInput(`--entity: found "${text}", expected one of ${ENTITY_TYPES.join(', ')}`);
}

/** Help and completion list the choices; `entityNamed` ignores case. */
export function entityOption(description = 'only this entity'): Option {
  return new Option('--entity <name>', description).choices(ENTITY_TYPES).argParser(entityNamed);
}

export function statusOption(): Option {
  return new Option('--status <status>', 'only in this state').choices(LINK_STATUSES).argParser(statusNamed);
}

/** @throws BadInput */
function statusNamed(text: string): LinkStatus {
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

/** ISO 8601: a day (in UTC), or a time with its zone. https://www.rfc-editor.org/rfc/rfc3339#section-5.6 */
const TIME = /^(\d{4}-\d{2}-\d{2})([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/i;

/**
 * Accepts only forms with one meaning. `new Date` would read 01.05.2026 as January, 2026-02-30 as March, and a time
 * without a zone in the zone of this machine.
 * @throws BadInput if the text is no time
 */
export function timeNamed(name: string, text: string, or = ''): Date {
  const [, day = ''] = TIME.exec(text) ?? [];
  const time = new Date(text.replace(' ', 'T'));
  const isThere = new Date(day);
  if (day === '' || Number.isNaN(time.getTime()) || !isThere.toISOString().startsWith(day))
    throw new BadInput(
      `${name}: found "${text}", expected e.g. 2026-05-01, or with a time zone 2026-05-01T12:00:00Z${or && `, ${or}`}`,
    );
  return time;
}

/** As {@link timeNamed}, for a time in the past. @throws BadInput */
export function pastTime(name: string, text: string, or = ''): Date {
  const time = timeNamed(name, text, or);
  if (time.getTime() > Date.now())
    throw new BadInput(`${name}: found "${text}", which is in the future; expected a time in the past`);
  return time;
}

/** @throws BadInput */
export function emailNamed(option: string, text: string): string {
  if (/^[^@\s]+@[^@\s]+$/.test(text)) return text;
  throw new BadInput(`${option}: found "${text}", expected an e-mail address`);
}

/** The folder need not exist. @throws BadInput if the path leads to a file */
export function folderNamed(option: string): (text: string) => string {
  return (text) => {
    if (existsSync(text) && !statSync(text).isDirectory())
      throw new BadInput(`${option}: found "${text}", which is a file; expected a folder`);
    return text;
  };
}
