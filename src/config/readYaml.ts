import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument, type Document, type ErrorCode, type YAMLParseError } from 'yaml';
import { cannotRead } from '../platform/systemErrors';
import { ConfigError } from './sources';

/** The content of a YAML file, with the lines of its fields. */
export interface YamlFile {
  input: unknown;
  /** The line of a field; if it is missing, of its parent. @param path from the top of the file */
  lineOf: (path: readonly PropertyKey[]) => number;
}

/** The fixes of syntax errors. https://eemeli.org/yaml/#errors */
const CURES: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: 'indent with spaces',
  MULTIPLE_DOCS: 'keep one document: remove the line "---"',
  MISSING_CHAR: 'close what is open: a quote, a bracket, or add the missing ":" or ","',
  BAD_INDENT: 'indent entries of one list or section alike',
  BAD_DQ_ESCAPE: 'write the value in single quotes, or "\\\\" for a backslash',
};
const SEPARATE = 'write each entry as "name: value", with commas between those in { }, and indent alike';
const QUOTE = 'quote a value that holds one of [ ] { } , : # & * ! | > % @ `';
const STRUCTURE: readonly ErrorCode[] = [
  'MULTILINE_IMPLICIT_KEY',
  'BLOCK_AS_IMPLICIT_KEY',
  'BLOCK_IN_FLOW',
  'KEY_OVER_1024_CHARS',
];
/** The conflict markers of git. */
const MERGE_MARK = /^(<{7}|>{7})( .*)?$/;
const UTF16 = [
  [0xff, 0xfe],
  [0xfe, 0xff],
];

/** Reads a YAML file. @throws ConfigError with the file, and the line of a syntax error */
export function readYaml(file: string): unknown {
  return readYamlFile(file).input;
}

/**
 * The same, with the lines of its fields.
 *
 * @param hint for the message if the file does not exist: what the path should lead to
 * @throws ConfigError
 */
export function readYamlFile(file: string, hint = ''): YamlFile {
  const text = readText(file, hint);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error) throw new ConfigError(notYaml(file, text, lines, error));
  try {
    return { input: document.toJS() as unknown, lineOf: (path) => lineOf(document, lines, path) };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`${file}: not valid YAML: ${words}; ${QUOTE}`);
  }
}

function readText(file: string, hint: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new ConfigError(`${file}: ${cannotRead(error)}${hint}`);
  }
  if (UTF16.some(([first, second]) => bytes[0] === first && bytes[1] === second))
    throw new ConfigError(`${file}: found text in UTF-16, expected UTF-8; save it in that encoding`);
  try {
    // This also removes a byte order mark.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // The message is made below.
  }
  throw new ConfigError(
    `${file}: found bytes that are no text in UTF-8, expected a YAML file; check the path, or save it in that encoding`,
  );
}

function notYaml(file: string, text: string, lines: LineCounter, error: YAMLParseError): string {
  const mark = text.split(/\r?\n/).findIndex((line) => MERGE_MARK.test(line));
  if (mark >= 0) return `${file}:${mark + 1}: found a merge conflict; keep one of its two versions`;
  const [from] = error.pos;
  const at = `${file}:${lines.linePos(from).line}: not valid YAML`;
  if (error.code === 'DUPLICATE_KEY') {
    const [name = ''] = /^[^:\s]+/.exec(text.slice(from)) ?? [];
    return `${at}: found ${name} twice in one place; keep one of them`;
  }
  if (error.code === 'MULTIPLE_DOCS') return `${at}: found a second document; ${CURES.MULTIPLE_DOCS}`;
  const cure = CURES[error.code] ?? (STRUCTURE.includes(error.code) ? SEPARATE : QUOTE);
  const [words = ''] = error.message.split('\n');
  return `${at}: ${words}; ${cure}`;
}

function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const node = document.getIn(path.slice(0, depth), true) as
      { range?: [number, number, number] } | undefined;
    if (node?.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

/** Files that are easily confused, each with a field that only it has, and its setting. */
const FILES = [
  { what: 'a mapping', has: ['entities'], setting: 'MAPPING_FILE' },
  { what: 'a profile', has: ['kinds', 'directories'], setting: 'PMS_PROFILE' },
  {
    what: 'settings',
    has: ['pmsBaseUrl', 'mappingFile', 'zendeskSubdomain', 'zendeskBaseUrl'],
    setting: '--config',
  },
] as const;

/** @throws ConfigError if the file is of another kind, e.g. a profile instead of a mapping */
export function refuseOther(file: string, input: unknown, expected: (typeof FILES)[number]['what']): void {
  if (input === null || typeof input !== 'object') return;
  const has = (names: readonly string[]) => names.some((name) => name in input);
  if (FILES.some((each) => each.what === expected && has(each.has))) return;
  const other = FILES.find((each) => each.what !== expected && has(each.has));
  if (other)
    throw new ConfigError(
      `${file}: found ${other.what}, expected ${expected}; name this file by ${other.setting}`,
    );
}
