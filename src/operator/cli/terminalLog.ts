import { Writable } from 'node:stream';
import { commandLine, withTypedCommands } from '../../platform/commandLine';
import { paint, printLine, safe, type Colour } from './output';

/**
 * The service's log for a person at a terminal: one short line for each thing that happened, in place of JSON. What a
 * line holds is what the log holds: ids and names of properties, never a value. Only where a person must decide, the
 * pair's title is looked up for the screen.
 */

type Entry = Record<string, unknown> & { level: number; time: number; msg?: string };

const WARN = 40;
const ERROR = 50;
const INFO = 30;
/** What every line of the log has, and what is said by the line itself. */
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
/** These are said in full elsewhere on the screen. */
const SAID_ELSEWHERE = new Set(['running; Ctrl-C stops', 'console', 'receiving webhooks']);
/** What Temporal's worker says of what is meant to be so, or of a failure that the activity itself has said in words. */
const SDK_REPEATS = new Set(['No workflows registered, not polling for workflow tasks', 'Activity failed']);
const ATTENTION = new Set(['conflict', 'quarantined']);

/** @returns the title of a pair, for people; empty where it is not known */
export type TitleOf = (key: string, connection: string | null) => Promise<string>;

/** Takes the lines of a log, and prints those that a person is to see. */
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

/** What a line says of a pair that a person must look at; null for any other line. */
function leftToPerson(line: string): Entry | null {
  const entry = entryOf(line);
  return entry?.msg === 'left to a person' ? entry : null;
}

/**
 * One line of a log in words; null for one that is not for a person.
 * @param title of the pair that the line is about, where it is known
 */
export function inWords(line: string, title = ''): string | null {
  const entry = entryOf(line);
  if (!entry) return line === '' ? null : safe(line);
  const { level, msg = '' } = entry;
  if (SAID_ELSEWHERE.has(msg) || (entry['sdkComponent'] !== undefined && SDK_REPEATS.has(msg))) return null;
  const change = msg === 'written' ? changeOf(entry) : msg === 'written in bulk' ? bulkOf(entry) : null;
  if (change === null && level < INFO) return null;
  const at = paint('dim', new Date(entry.time).toISOString().slice(11, 19));
  if (change !== null) return `${at}  ${change}`;
  if (msg === 'left to a person') return `${at}  ${paint('yellow', `! ${safe(parkedWords(entry, title))}`)}`;
  const words = safe(withTypedCommands([msg, ...details(entry)].join(' ')));
  const colour: Colour | null = level >= ERROR ? 'red' : level >= WARN ? 'yellow' : null;
  return `${at}  ${colour ? paint(colour, `! ${words}`) : words}`;
}

/** `→ PMS project P-7 updated: title, priority` */
function changeOf({ side, op, rows, ref, key }: Entry): string {
  const arrow = side === 'zendesk' ? '← Zendesk' : '→ PMS';
  const record = typeof ref === 'string' ? ref.split(':').slice(1).join(' ') : '';
  // A new record has all properties.
  const names = Array.isArray(rows) && rows.length > 0 && op !== 'create' ? `: ${rows.join(', ')}` : '';
  const from = recordIn(key);
  const of = from === ref ? '' : ` (${from})`;
  return safe(`${arrow} ${record} ${OPS[String(op)] ?? String(op)}${names}${of}`);
}

/** The record that a pair began with, by the pair's key. */
function recordIn(key: unknown): string {
  const text = textOf(key);
  return text.slice(text.indexOf('/') + 1);
}

/** `→ PMS 100 projects created by the backfill` */
function bulkOf({ side, kind, op, count }: Entry): string {
  const arrow = side === 'zendesk' ? '← Zendesk' : '→ PMS';
  return safe(`${arrow} ${textOf(count)} × ${textOf(kind)} ${OPS[String(op)] ?? String(op)} by the backfill`);
}

/** What a person must decide, with the pair's title and the command for it. */
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
