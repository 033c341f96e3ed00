import { Writable } from 'node:stream';
import { commandLine, withTypedCommands } from '../../platform/commandLine';
import { paint, printLine, safe, type Colour } from './output';

/**
 * Shows the service's log on a terminal: one short line for each event, in place of JSON. As in the log, a line has
 * ids and names of properties, but no values. If a person must decide, the screen also shows the pair's title.
 */

type Entry = Record<string, unknown> & { level: number; time: number; msg?: string };

const WARN = 40;
const ERROR = 50;
const INFO = 30;
/** Fields that every line of the log has, and fields that the text of the line contains already. */
const NOT_SHOWN = new Set([
  'level',
  'time',
  'msg',
  'pid',
  'hostname',
  'workflowId',
  'runId',
  'activity',
  'attempt',
]);
const OPS: Record<string, string> = {
  create: 'created',
  update: 'updated',
  followUp: 'followed up',
  archive: 'archived',
  redact: 'redacted',
  attach: 'got a file',
  detach: 'lost a file',
};
/** Other lines of the screen show these in full. */
const SHOWN_ELSEWHERE = new Set(['running; Ctrl-C stops', 'console', 'receiving webhooks']);
/** Messages of Temporal's worker about intended behaviour, or about a failure that the activity has logged itself. */
const SDK_REPEATS = new Set(['No workflows registered, not polling for workflow tasks', 'Activity failed']);
const ATTENTION = new Set(['conflict', 'quarantined']);

/** @returns the title of a pair; empty if not known */
export type TitleOf = (key: string, connection: string | null) => Promise<string>;

/** Reads the lines of a log, and prints those that concern the operator. */
export function terminalLog(
  print: (line: string) => void = printLine,
  titleOf: TitleOf = async () => '',
): Writable {
  const show = (line: string) => {
    const pair = leftToPerson(line);
    if (!pair) return printWords(inWords(line));
    titleOf(textOf(pair['key']), pair['connection'] === undefined ? null : textOf(pair['connection'])).then(
      (title) => printWords(inWords(line, title)),
      () => printWords(inWords(line)),
    );
  };
  const printWords = (words: string | null) => {
    if (words !== null) print(words);
  };
  let rest = '';
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(show);
      done();
    },
  });
}

/** The entry of a line about a pair that needs a person; null for any other line. */
function leftToPerson(line: string): Entry | null {
  const entry = entryOf(line);
  return entry?.msg === 'left to a person' ? entry : null;
}

/**
 * A line of the log as text; null if it does not concern the operator.
 * @param title of the line's pair, if known
 */
export function inWords(line: string, title = ''): string | null {
  const entry = entryOf(line);
  if (!entry) return line === '' ? null : safe(line);
  const { level, msg = '' } = entry;
  if (SHOWN_ELSEWHERE.has(msg) || (entry['sdkComponent'] !== undefined && SDK_REPEATS.has(msg))) return null;
  const change = msg === 'written' ? changeOf(entry) : msg === 'written in bulk' ? bulkOf(entry) : null;
  if (change === null && level < INFO) return null;
  const at = paint('dim', new Date(entry.time).toISOString().slice(11, 19));
  if (change !== null) return `${at}  ${change}`;
  if (msg === 'left to a person') return `${at}  ${paint('yellow', `! ${safe(parkedWords(entry, title))}`)}`;
  const words = safe(withTypedCommands([msg, ...details(entry)].join(' ')));
  const colour: Colour | null = level >= ERROR ? 'red' : level >= WARN ? 'yellow' : null;
  return `${at}  ${colour ? paint(colour, `! ${words}`) : words}`;
}

/** For example `→ PMS project P-7 updated: title, priority`. */
function changeOf({ side, op, rows, ref, key }: Entry): string {
  const arrow = side === 'zendesk' ? '← Zendesk' : '→ PMS';
  const record = typeof ref === 'string' ? ref.split(':').slice(1).join(' ') : '';
  // The properties of a new record are not listed, because it has all of them.
  const names = Array.isArray(rows) && rows.length > 0 && op !== 'create' ? `: ${rows.join(', ')}` : '';
  const from = recordIn(key);
  const of = from === ref ? '' : ` (${from})`;
  return safe(`${arrow} ${record} ${OPS[String(op)] ?? String(op)}${names}${of}`);
}

/** The record that a pair began with. */
function recordIn(key: unknown): string {
  const text = textOf(key);
  return text.slice(text.indexOf('/') + 1);
}

/** For example `→ PMS 100 projects created by the backfill`. */
function bulkOf({ side, kind, op, count }: Entry): string {
  const arrow = side === 'zendesk' ? '← Zendesk' : '→ PMS';
  return safe(`${arrow} ${textOf(count)} × ${textOf(kind)} ${OPS[String(op)] ?? String(op)} by the backfill`);
}

/** The decision that a pair needs, with the pair's title and the command. */
function parkedWords({ key, status, code, rows, connection }: Entry, title: string): string {
  const record = recordIn(key);
  const name = title === '' ? record : `${record} "${title}"`;
  const typed = (words: string) => commandLine(words, connection === undefined ? null : textOf(connection));
  const [row] = Array.isArray(rows) ? rows.map(textOf) : [];
  if (row !== undefined && Array.isArray(rows)) {
    const both = `both sides changed ${rows.map(textOf).join(', ')}`;
    return `${name}: ${both}; decide: ${typed(`conflicts resolve ${record} --row ${row} --choose zendesk`)} (or pms)`;
  }
  const what = ATTENTION.has(String(status)) ? String(status) : 'left to a person';
  return `${name}: ${what} (${textOf(code)}); see: ${typed(`links show ${record}`)}`;
}

function details(entry: Entry): string[] {
  return Object.entries(entry)
    .filter(([name]) => !NOT_SHOWN.has(name))
    .map(([name, value]) => `${name}=${textOf(name === 'err' ? messageOf(value) : value)}`);
}

function messageOf(error: unknown): unknown {
  return error !== null && typeof error === 'object' && 'message' in error ? error.message : error;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}

function entryOf(line: string): Entry | null {
  try {
    const entry = JSON.parse(line) as unknown;
    const isEntry = entry !== null && typeof entry === 'object' && 'level' in entry && 'time' in entry;
    return isEntry ? (entry as Entry) : null;
  } catch {
    return null;
  }
}
