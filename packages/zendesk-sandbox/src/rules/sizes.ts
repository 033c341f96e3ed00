import { invalid } from '../refusal';
import type { Rules } from './switches';

const SUBJECT = 255;
export const NAME_AT_MOST = 255;

/**
 * Rule 53: a subject of more than 255 characters is refused (mozilla/sumo#2806, 2026), or was cut off (mattermost#17690,
 * 2021); the switch `longSubject` chooses it. The text of the refusal is not known.
 */
export function checkSubject(subject: string | null, rules: Rules): string | null {
  if (subject === null || subject.length <= SUBJECT) return subject;
  if (rules.longSubject === 'cut') return subject.slice(0, SUBJECT);
  throw invalid('subject', `Subject: is too long (maximum is ${SUBJECT} characters)`, 'ValueTooLong');
}
