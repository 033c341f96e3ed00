import { z } from 'zod';

/**
 * The evidence for a rule: seen in recorded traffic, documented, reported by users, or unknown (zendesk-rules.md rule 55).
 * For `unknown`, each value is a possible behaviour.
 */
export type Sureness = 'recorded' | 'documented' | 'reported' | 'unknown';

interface Switch<T> {
  /** The rule's number in `zendesk-rules.md`. */
  rule: number;
  says: string;
  source: string;
  sure: Sureness;
  /** The possible values; the first is the default. */
  values: readonly [T, ...T[]];
}

const obeyed = (rule: number, says: string, source: string, sure: Sureness): Switch<boolean> => ({
  ...{ rule, says, source, sure },
  values: [true, false],
});
const oneOf = <const T extends string>(
  rule: number,
  says: string,
  source: string,
  values: readonly [T, ...T[]],
): Switch<T> => ({ rule, says, source, sure: 'unknown', values });

/** The rules that can be switched; all others in `zendesk-rules.md` 8 to 55 always hold. */
export const SWITCHES = {
  requiredOnSolve: obeyed(10, 'Solving needs the required fields', 'CSA', 'recorded'),
  priorityStays: obeyed(11, 'A priority cannot be emptied', 'CSA', 'recorded'),
  namelessRequester: oneOf(11, 'A new requester without a name', 'zenpy#287', ['refused', 'addressAsName']),
  suspendedRequester: obeyed(11, 'A suspended requester makes no ticket', 'a log of 2012', 'reported'),
  trailingCursor: obeyed(12, 'The last page has a cursor, too', 'AF', 'recorded'),
  optionTags: obeyed(13, 'Options and ticked checkboxes are tags', 'H:4408881943194', 'documented'),
  tagsAgainstField: oneOf(13, 'One PUT with tags and a field that contradict', 'shown nowhere', [
    'fieldWins',
    'tagsWin',
  ]),
  tagKeysInPut: oneOf(13, 'additional_tags in PUT /tickets/{id}', 'zendesk-laravel#20', ['ignored', 'taken']),
  inheritedTags: obeyed(14, 'New tickets get tags of requester, organization', 'H:203662006', 'documented'),
  foreignOption: oneOf(15, 'A value that is no option', 'zenpy#420', ['keepsOld', 'empties', 'refused']),
  emptyUpdate: obeyed(15, 'A PUT that changes nothing makes no audit', 'zenpy#420', 'reported'),
  dueAtOnOtherType: oneOf(16, 'due_at of a ticket that is no task', 'OAS', ['ignored', 'refused', 'kept']),
  foreignOrganization: oneOf(17, 'An organization that is not the requester’s', 'Z:tickets', [
    'refused',
    'ignored',
    'kept',
  ]),
  statusNew: oneOf(19, 'status: "new" of a ticket that has left it', 'H:4959212269210', [
    'refused',
    'ignored',
    'kept',
  ]),
  firstVisibility: obeyed(20, 'Comments take the visibility of the first', 'Z:ticket_comments', 'documented'),
  silentPrivacy: obeyed(21, 'Making private is an event without children', 'AF', 'recorded'),
  exportLag: {
    ...obeyed(27, 'Ticket exports leave out the last minute', 'Z:incremental_exports', 'documented'),
    // Off by default, because tests would have to wait or to advance the clock.
    values: [false, true],
  },
  cursorRefusal: oneOf(26, 'The body of a refused cursor', 'shown nowhere', [
    'InvalidCursor',
    'InvalidValue',
  ]),
  ticketTagKeys: oneOf(30, 'Keys of the event ticket.tags_changed', 'shown nowhere', [
    'tags_added',
    'added.tags',
  ]),
  plainText: obeyed(41, 'HTML, runs of spaces, placeholders of a body go', 'Z:ticket_comments', 'documented'),
  repeatWhileRunning: oneOf(43, 'A repeat while its creation runs', 'shown nowhere', ['409', 'waits']),
  mergeVia: oneOf(45, 'via of the audits of a merge', 'shown nowhere', ['rule merge', 'api']),
  longSubject: oneOf(53, 'A subject of more than 255 characters', 'mozilla/sumo#2806', ['refused', 'cut']),
} as const satisfies Record<string, Switch<boolean> | Switch<string>>;

export type SwitchName = keyof typeof SWITCHES;
/** The value of each switch. */
export type Rules = { [Name in SwitchName]: (typeof SWITCHES)[Name]['values'][number] };
/** `all`: behave like the real Zendesk, as far as known. Otherwise, the rules that differ. */
export type Obeys = 'all' | Partial<Rules>;

export const SWITCH_NAMES = Object.keys(SWITCHES) as SwitchName[];

const schema = z.strictObject(
  Object.fromEntries(SWITCH_NAMES.map((name) => [name, z.literal([...SWITCHES[name].values]).optional()])),
);

const VARIABLE = 'ZENDESK_SANDBOX_OBEYS';
const DEFAULTS = Object.fromEntries(SWITCH_NAMES.map((name) => [name, SWITCHES[name].values[0]])) as Rules;

/** @throws ZodError that names the rule and its values */
export function rulesOf(obeys: Obeys = 'all', before: Rules = DEFAULTS): Rules {
  if (obeys === 'all') return { ...DEFAULTS };
  return { ...before, ...(schema.parse(obeys) as Partial<Rules>) };
}

/**
 * Reads `obeys` from an environment variable, in JSON, for a program that starts a sandbox inside itself.
 * @throws Error that names the variable
 */
export function obeysOfEnvironment(): Obeys {
  const text = process.env[VARIABLE];
  if (text === undefined || text === '') return 'all';
  try {
    return rulesOf(JSON.parse(text) as Obeys);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new Error(`${VARIABLE}: found ${text}, expected rules as README.md lists them. ${words}`);
  }
}
