import { accessSync, constants, existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';

/** Formats commands the way a person calls this program, so that a printed command can be pasted. */

export const PROGRAM = 'zendesk-pms-sync';

/** The circumstances of the program's call. */
export interface Call {
  env: NodeJS.ProcessEnv;
  /** The program's file, as Node got it. */
  file: string;
  cwd: string;
}

/**
 * The words that start this program in the folder `cwd`: its name if PATH leads to this file, `npx` and the name if npm
 * finds it from the folder, else `node` and the file.
 */
export function programAsTyped({ env, file, cwd }: Call): string {
  // Set for each command that npm runs: `npx …`, `npm start`. https://docs.npmjs.com/cli/v11/using-npm/scripts#environment
  if (env['npm_command'] !== undefined) return `npx ${PROGRAM}`;
  if (isOnPath(env, file)) return PROGRAM;
  return isFoundByNpx(cwd) ? `npx ${PROGRAM}` : `node ${inShell(file)}`;
}

/**
 * A command of this program as the reader can type it.
 * @param words the words after the program's name @param connection the connection's name, if the command needs it
 */
export function commandLine(words: string, connection: string | null = null): string {
  const { env, argv } = process;
  const program = programAsTyped({ env, file: argv[1] ?? '', cwd: process.cwd() });
  return `${program} ${words}${connection === null ? '' : ` --connection ${connection}`}`;
}

/** Rewrites the commands in a stored text, perhaps of another process, so that the reader of this process can type them. */
export function withTypedCommands(text: string): string {
  return text.replace(/"zendesk-pms-sync ([a-z][^"]*)"/g, (_, words: string) => `"${commandLine(words)}"`);
}

/** Splits a message at its quoted commands. The parts that are commands have no quotes. */
export function splitAtCommands(text: string): { part: string; isCommand: boolean }[] {
  const begin = commandLine('').trimEnd();
  return text
    .split(new RegExp(`"(${escaped(begin)} [^"]+)"`))
    .map((part, n) => ({ part, isCommand: n % 2 === 1 }));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function isOnPath({ PATH = '' }: NodeJS.ProcessEnv, file: string): boolean {
  const folders = PATH.split(path.delimiter).filter((folder) => folder !== '');
  // On Windows, npm installs a script that calls the file.
  if (process.platform === 'win32')
    return folders.some((folder) => existsSync(path.join(folder, `${PROGRAM}.cmd`)));
  return folders.some((folder) => {
    const found = path.join(folder, PROGRAM);
    try {
      accessSync(found, constants.X_OK);
      return realpathSync(found) === realpathSync(file);
    } catch {
      return false;
    }
  });
}

/** npm looks in the next folder upwards that holds a package: https://docs.npmjs.com/cli/v11/configuring-npm/folders */
function isFoundByNpx(cwd: string): boolean {
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'node_modules', '.bin', PROGRAM)) || isOurPackage(folder)) return true;
    const isPackage = ['package.json', 'node_modules'].some((name) => existsSync(path.join(folder, name)));
    if (isPackage || folder === path.dirname(folder)) return false;
  }
}

function isOurPackage(folder: string): boolean {
  try {
    const { name } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
      name?: unknown;
    };
    return name === PROGRAM;
  } catch {
    return false;
  }
}

/** Quotes a file's name if a shell would split or expand it. */
function inShell(file: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`;
}
