/**
 * Every code of a link's reason: what it means and what to do. The console and `links show` print the fix;
 * docs/reasons.md is made from this table (`test/docs/reasons.test.ts`).
 */

/**
 * The state of the pairs that have the code. `connection`: it concerns all pairs of a connection; each is tried again.
 */
export type ReasonState = 'waits' | 'conflict' | 'quarantine' | 'ended' | 'linked' | 'connection';

export interface ReasonWords {
  state: ReasonState;
  cause: string;
  fix: string;
  /** Whether the sync itself wrote the reason's text. It quotes no value then, so logs and histories may contain it. */
  ownWords: boolean;
}

const ours = (state: ReasonState, cause: string, fix: string) => ({ state, cause, fix, ownWords: true });
const theirs = (state: ReasonState, cause: string, fix: string) => ({ state, cause, fix, ownWords: false });

/** Codes of the sync itself. */
const OF_THE_SYNC = {
  waiting: ours(
    'waits',
    'A record that this one refers to is not linked yet.',
    'Nothing; if it takes long, look at the pair of that record.',
  ),
  no_part: theirs(
    'waits',
    'A filter excludes a record that this one refers to.',
    'Change the filter in the mapping, or the record; otherwise leave it.',
  ),
  retry_later: ours(
    'waits',
    'A system, Temporal or the link store did not answer, or a rate limit is reached.',
    'Nothing; the next attempt is automatic.',
  ),
  absent: ours(
    'waits',
    'A record of the pair was not found. That alone does not prove that it was deleted.',
    'Nothing; the pair goes on when it is found, and ends after a second complete reconcile. If it is gone for good: links recreate.',
  ),
  paused: ours('waits', 'Somebody paused the entity.', 'End the pause: resume.'),
  brake: ours(
    'linked',
    'The brake holds this kind of change on all pairs, because too many pairs were changed in this way.',
    'Run brake show; then brake release or brake discard.',
  ),
  bug: theirs(
    'waits',
    'The sync met an unexpected error; it does not try again by itself.',
    'Report it; then resync the pair.',
  ),
  conflict: ours(
    'conflict',
    'Both sides changed a property that only a person may decide.',
    'Decide each property: conflicts resolve.',
  ),
  ambiguous_match: ours(
    'conflict',
    'Several records on the other side match this one, or this one matches several.',
    'Choose one: conflicts resolve --link RECORD.',
  ),
  several_counterparts: ours(
    'conflict',
    'Several records carry the back-reference of this one.',
    'Choose one: conflicts resolve --link RECORD; then remove the others.',
  ),
  counterpart_taken: ours(
    'conflict',
    'The counterpart is linked by another pair.',
    'Choose another counterpart, or unlink the other pair.',
  ),
  stray: ours(
    'conflict',
    'The back-reference of this record names a record that is linked with another one.',
    'Unlink one of the two pairs, or remove the wrong record.',
  ),
  unmapped_value: theirs(
    'quarantine',
    'The table or the type of a row does not accept the value.',
    'Add the value to the mapping, or change it.',
  ),
  duplicate_value: theirs(
    'quarantine',
    'A value must be unique, and another record already has it.',
    'Change the value of one of the two records, or link them.',
  ),
  not_taken: theirs(
    'linked',
    'A side refused or ignored a value. Both sides keep their values; all other rows are in sync.',
    'Correct the cause that the reason names, or edit the value; the sync then offers it again.',
  ),
  ended: ours(
    'ended',
    'A record of the pair was deleted, archived or redacted.',
    'Nothing; if the record is restored, the pair continues.',
  ),
  unlinked: ours('ended', 'A person unlinked the pair.', 'Nothing; links link joins it again.'),
  attachment: theirs(
    'linked',
    'A file could not be copied or removed; everything else is in sync.',
    'Remove the cause, then resync the pair.',
  ),
} as const satisfies Record<string, ReasonWords>;

/** Codes of a system's refusal (`NeedsHuman`). */
const OF_A_SYSTEM = {
  unauthorized: ours(
    'connection',
    'The system refuses the credential.',
    'Correct the credential or its permissions; the sync tries again every 30 s.',
  ),
  cursor_refused: ours(
    'connection',
    'A system does not know the cursor of a change stream any more: it was restored, or set up again.',
    'Run cursors rewind STREAM TIME with a time before that, then reconcile; doctor prints the command.',
  ),
  closed_ticket: theirs(
    'quarantine',
    'Zendesk does not allow changes of a closed ticket.',
    'None in Zendesk: undo the edit in the PMS, or unlink the pair.',
  ),
  invalid_field: theirs(
    'quarantine',
    'The system refused a value; the reason quotes the system.',
    'Change the value, or the rules of the field in that system.',
  ),
  too_long: theirs(
    'quarantine',
    'A text is longer than the system accepts; the sync does not shorten it.',
    'Shorten the text on the side where it was written.',
  ),
  immutable: ours(
    'quarantine',
    'The system cannot change that property any more.',
    'Undo the edit, or set fixedOn in the mapping.',
  ),
  forbidden: theirs(
    'quarantine',
    'The system does not let the credential read or change this record (403).',
    'Give the credential access to the record, or filter the record out; then retry.',
  ),
  refused: theirs(
    'quarantine',
    'The system refused the call with a status that the sync does not know.',
    'Read the message of the system in the reason.',
  ),
  incomplete_request: theirs(
    'quarantine',
    'A request in the profile needs a value that the record does not have.',
    'Fill the property, or correct the profile.',
  ),
  unexpected_response: ours(
    'quarantine',
    "An answer does not follow the API's contract.",
    'Report it; correct answers let the pair continue.',
  ),
  unknown_kind: ours(
    'quarantine',
    'The system has no such kind of record.',
    'Correct the kind in the mapping, or the profile.',
  ),
  unsupported: theirs('quarantine', 'The system does not offer the operation.', 'Report it.'),
  unsupported_match: ours(
    'quarantine',
    'The system cannot look for records by the property of a match rule.',
    'Change the match rule in the mapping.',
  ),
  cannot_create: theirs(
    'quarantine',
    'The PMS accepts no new records of this kind.',
    'Filter such records out in the mapping, or add create to the profile.',
  ),
  cannot_update: theirs(
    'quarantine',
    'The PMS does not allow changes of records of this kind.',
    'Make the rows one-way in the mapping, or add update to the profile.',
  ),
  cannot_remove: theirs(
    'quarantine',
    'The profile does not say how to remove a record.',
    'Remove the record by hand.',
  ),
  cannot_archive: theirs(
    'quarantine',
    'The system cannot archive records of this kind.',
    'Set onDelete to flag or unlink in the mapping.',
  ),
  cannot_redact: theirs(
    'quarantine',
    'The system cannot redact records of this kind.',
    'Redact the record by hand.',
  ),
  cannot_follow_up: theirs(
    'quarantine',
    'The PMS has no place for a follow-up to records of this kind.',
    'Set onEdit to overrule in the mapping.',
  ),
  cannot_open_file: theirs(
    'linked',
    'The PMS does not offer the content of files on records of this kind.',
    'Copy the file by hand.',
  ),
  cannot_detach: theirs(
    'quarantine',
    'The PMS cannot remove files from records of this kind.',
    'Remove the file by hand.',
  ),
  cannot_look_up: theirs(
    'quarantine',
    'The PMS cannot look for records by their back-reference.',
    'Add findByBackRef to the profile.',
  ),
  attachment_unavailable: theirs(
    'linked',
    'The file was deleted, or its address does not exist.',
    'Attach the file again.',
  ),
  attachment_refused: theirs(
    'linked',
    'The host of the file is not allowed, or the PMS keeps no files on records of this kind.',
    'Allow the host in ZENDESK_ATTACHMENT_HOSTS, or leave the file where it is.',
  ),
  attachment_too_large: theirs(
    'linked',
    'The file is larger than ATTACHMENT_LIMIT_MB.',
    'Raise the limit, or leave the file where it is.',
  ),
} as const satisfies Record<string, ReasonWords>;

/** The code of a `NeedsHuman` error. */
export type RefusalCode = keyof typeof OF_A_SYSTEM;
/** The code of a link's reason. */
export type ReasonCode = keyof typeof OF_THE_SYNC | RefusalCode;

export const REASONS: Readonly<Record<ReasonCode, ReasonWords>> = { ...OF_THE_SYNC, ...OF_A_SYSTEM };

/** @returns null for a code that this release does not know: an adapter's own, or one of another release */
export function wordsOf(code: string): ReasonWords | null {
  return Object.hasOwn(REASONS, code) ? REASONS[code as ReasonCode] : null;
}

/** Why a link is in its state, in words for a person, and when it will be tried again. */
export interface Reason {
  code: ReasonCode;
  text: string;
  since: string;
  /** ISO time of the next automatic attempt; null if the link waits for a change or a person. */
  nextAttempt: string | null;
}
