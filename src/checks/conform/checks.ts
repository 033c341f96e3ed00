/** The checks, in the order of the report. `serves`: the invariants of docs/conform.md that depend on the check. */

export const GROUPS = {
  records: 'Create, read, update',
  writes: 'Safe writes',
  references: 'Back-references and look-up',
  lists: 'Lists',
  feed: 'Change feed',
  text: 'Text',
  endings: 'Archive and redaction',
  comments: 'Comments',
  files: 'Files',
  time: 'Clocks and order',
} as const;
export type Group = keyof typeof GROUPS;

interface CheckInfo {
  group: Group;
  what: string;
  serves: readonly InvariantNumber[];
}

export const CHECKS = {
  properties: { group: 'records', what: 'the properties that the mapping writes are there', serves: [3] },
  create: { group: 'records', what: 'a new record has the written values', serves: [1, 3] },
  update: { group: 'records', what: 'an edit changes the named properties and no others', serves: [3, 4] },
  values: {
    group: 'records',
    what: 'each property accepts a value, another value, and no value',
    serves: [3],
  },
  precondition: { group: 'writes', what: 'a write on an old version is refused', serves: [2, 4] },
  repeat: { group: 'writes', what: 'a create that is sent twice makes one record', serves: [2, 4, 5] },
  lookUp: { group: 'references', what: 'a back-reference finds its record and no other', serves: [1, 4, 5] },
  unique: { group: 'references', what: 'a back-reference belongs to one record', serves: [4] },
  match: { group: 'references', what: 'a match rule’s property finds its record', serves: [4] },
  walk: { group: 'lists', what: 'a list is complete while records come, change and end', serves: [5] },
  feed: { group: 'feed', what: 'every change is reported to a reader', serves: [3, 5] },
  feedOrder: { group: 'feed', what: 'a record’s last entry has its latest state', serves: [3, 5] },
  feedSince: { group: 'feed', what: 'reading from a time on misses no change', serves: [5] },
  unicode: { group: 'text', what: 'emoji, RTL, CJK and accents are kept', serves: [3] },
  markup: { group: 'text', what: 'HTML, entities, quotes and lines are kept as data', serves: [3] },
  length: { group: 'text', what: 'long text is kept whole or refused', serves: [3] },
  archive: { group: 'endings', what: 'an archived record says so wherever it is read', serves: [3] },
  redact: { group: 'endings', what: 'redacted text is removed', serves: [3] },
  parent: { group: 'comments', what: 'a comment names its parent record', serves: [3] },
  visibility: { group: 'comments', what: 'internal stays internal, public stays public', serves: [3] },
  followUp: { group: 'comments', what: 'a follow-up that is sent twice is added once', serves: [2] },
  file: { group: 'files', what: 'a file is kept to the byte', serves: [3] },
  detach: { group: 'files', what: 'a removed file is gone', serves: [3] },
  fileRepeat: { group: 'files', what: 'a file that is sent twice is there once', serves: [2] },
  version: { group: 'time', what: 'every edit has a version and a place in the order', serves: [2, 4] },
  clock: { group: 'time', what: 'the system’s clock agrees with ours', serves: [4] },
} as const satisfies Record<string, CheckInfo>;
export type CheckId = keyof typeof CHECKS;

/** The design's invariants that depend on the systems; 6 and 7 depend on the sync alone. */
export const INVARIANTS = {
  1: 'For each pair at most one workflow writes',
  2: 'No write without idempotency key or precondition',
  3: 'When no change is pending, mapped values agree on both sides, or the link states the reason',
  4: 'Never two counterparts for one record; never an edit lost without a trace',
  5: '1–4 hold although processes are killed and messages are lost, repeated or late',
} as const;
/** Conditions of an invariant that no check tests. */
export const NEVER_TRIED: Partial<Record<keyof typeof INVARIANTS, string>> = {
  3: 'records that a person deletes for good',
  5: 'webhooks: the polls find what they miss',
};
export type InvariantNumber = keyof typeof INVARIANTS;
