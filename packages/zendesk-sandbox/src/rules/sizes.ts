import { invalid } from '../refusal';
import type { Rules } from './switches';

const SUBJECT = 255;
export const NAME_AT_MOST = 255;

/**
 * Rule 53: more than 255 characters are refused (mozilla/sumo#2806, 2026), or were cut off at 255 (mattermost#17690,
 * 2021): the switch `longSubject`. The words of the refusal are not known.
 */
export function checkSubject(subject: string | null, rules: Rules): string | null {
  if (subject === null || subject.length <= SUBJECT) return subject;
  if (rules.longSubject === 'cut') return subject.slice(0, SUBJECT);
  throw invalid('subject', `Subject: is too long (maximum is ${SUBJECT} characters)`, 'ValueTooLong');
}
