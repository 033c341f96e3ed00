import type { OptionWords, Place, Word } from './completionPlaces';

/**
 * Scripts for the completion of commands. A script finds the command by the words before the cursor, without the
 * values of options, and offers the words of its {@link Place}. It runs no program, so it is fast.
 */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** @param name the program's name */
export function completionScript(shell: Shell, name: string, places: readonly Place[]): string {
  return SCRIPTS[shell](name, places).join('\n');
}

type Script = (name: string, places: readonly Place[]) => string[];
const SCRIPTS: Record<Shell, Script> = { bash, zsh, fish };

/** https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion-Builtins.html */
function bash(name: string, places: readonly Place[]): string[] {
  const own = functionOf(name);
  return [
    `# Completion of ${name} for bash: source <(${name} completion bash)`,
    `${own}() {`,
    `  local current="\${COMP_WORDS[COMP_CWORD]}" last="\${COMP_WORDS[COMP_CWORD-1]}" at='' skip='' word n`,
    // Bash splits `--entity=T` into three words.
    `  if [[ $current == = ]]; then current=''; fi`,
    '  if [[ $last == = ]]; then last="${COMP_WORDS[COMP_CWORD-2]}"; fi',
    '  for ((n = 1; n < COMP_CWORD; n++)); do',
    '    word="${COMP_WORDS[n]}"',
    '    if [[ $word == = ]]; then continue; fi',
    ...stepsInto(places).map((line) => `    ${line}`),
    '  done',
    '  COMPREPLY=()',
    '  case "$at|$last" in',
    ...valued(places).map(({ patterns, choices }) =>
      choices.length === 0
        ? `    ${patterns}) return ;;`
        : `    ${patterns}) COMPREPLY=($(compgen -W ${quoted(choices.join(' '))} -- "$current")); return ;;`,
    ),
    '  esac',
    '  local words="" options=""',
    '  case "$at" in',
    ...places.map(
      (place) =>
        `    ${quoted(place.path)}) words=${quoted(wordsOf(place).join(' '))} options=${quoted(place.options.flatMap(({ names }) => names).join(' '))} ;;`,
    ),
    '  esac',
    '  if [[ $current == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$current"))',
    '  else COMPREPLY=($(compgen -W "$words" -- "$current")); fi',
    '}',
    // If the script offers nothing, bash completes file names.
    `complete -o default -F ${own} ${name}`,
  ];
}

/** https://zsh.sourceforge.io/Doc/Release/Completion-System.html */
function zsh(name: string, places: readonly Place[]): string[] {
  const own = functionOf(name);
  return [
    `#compdef ${name}`,
    `# Completion of ${name} for zsh: source <(${name} completion zsh), after compinit`,
    `${own}() {`,
    `  local at='' skip='' word last="\${words[CURRENT-1]}"`,
    '  local -a commands options',
    '  for word in "${(@)words[2,CURRENT-1]}"; do',
    ...stepsInto(places).map((line) => `    ${line}`),
    '  done',
    '  case "$at|$last" in',
    ...valued(places).map(({ patterns, choices }) =>
      choices.length === 0
        ? `    ${patterns}) _files; return ;;`
        : `    ${patterns}) compadd -- ${choices.map(quoted).join(' ')}; return ;;`,
    ),
    '  esac',
    '  case "$at" in',
    ...places.flatMap((place) => [
      `    ${quoted(place.path)})`,
      `      commands=(${described(commandWords(place))})`,
      `      options=(${described(optionList(place.options))}) ;;`,
    ]),
    '  esac',
    `  if [[ $PREFIX == -* ]]; then _describe -o 'option' options`,
    `  elif (( $#commands )); then _describe 'command' commands`,
    '  else _files; fi',
    '}',
    // In a file of $fpath, the script is the body of the function. If it is sourced, it registers the function.
    `if [[ $funcstack[1] == ${own} ]]; then ${own} "$@"; else compdef ${own} ${name}; fi`,
  ];
}

/** https://fishshell.com/docs/current/completions.html */
function fish(name: string, places: readonly Place[]): string[] {
  const own = `_${functionOf(name)}_at`;
  const lines = places.flatMap((place) => {
    const here = `complete -c ${name} -n ${fishQuoted(`${own} ${fishQuoted(place.path)}`)}`;
    const words = commandWords(place);
    return [
      ...words.map(({ word, what }) => `${here} -f -a ${fishQuoted(word)}${fishDescribed(what)}`),
      ...place.options.map((option) => `${here} ${fishOption(option)}${fishDescribed(option.what)}`),
    ];
  });
  return [
    `# Completion of ${name} for fish: ${name} completion fish | source`,
    `function ${own}`,
    `  set -l at ''`,
    `  set -l skip ''`,
    '  set -l typed (commandline -opc)',
    '  for word in $typed[2..-1]',
    `    if test -n "$skip"`,
    `      set skip ''`,
    '      continue',
    '    end',
    '    switch "$at|$word"',
    ...steps(places).map(
      ({ from, word, to }) => `      case ${fishQuoted(`${from}|${word}`)}; set at ${fishQuoted(to)}`,
    ),
    ...optionsWithValue(places).map((pattern) => `      case ${fishQuoted(pattern)}; set skip 1`),
    '    end',
    '  end',
    '  test "$at" = "$argv[1]"',
    'end',
    ...lines,
  ];
}

function fishOption({ names, value }: OptionWords): string {
  const flags = names.map((each) => (each.startsWith('--') ? `-l ${each.slice(2)}` : `-s ${each.slice(1)}`));
  const choices = value?.choices ?? [];
  const takes =
    value === null ? [] : choices.length === 0 ? ['-r'] : ['-x', `-a ${fishQuoted(choices.join(' '))}`];
  return [...flags, ...takes].join(' ');
}

/** A loop over words, in bash and zsh, that finds the command which the words name. */
function stepsInto(places: readonly Place[]): string[] {
  return [
    `if [[ -n $skip ]]; then skip=''; continue; fi`,
    'case "$at|$word" in',
    ...steps(places).map(({ from, word, to }) => `  ${quoted(`${from}|${word}`)}) at=${quoted(to)} ;;`),
    ...optionsWithValue(places).map((pattern) => `  ${quoted(pattern)}) skip=1 ;;`),
    'esac',
  ];
}

/** The steps from a command to its sub-commands. */
function steps(places: readonly Place[]): { from: string; word: string; to: string }[] {
  const known = new Set(places.map(({ path }) => path));
  return places.flatMap(({ path, commands }) =>
    commands
      .map(({ word }) => ({ from: path, word, to: `${path} ${word}`.trim() }))
      .filter(({ to }) => known.has(to)),
  );
}

/** Options that take a value in the next word. */
function optionsWithValue(places: readonly Place[]): string[] {
  return places.flatMap(({ path, options }) =>
    options
      .filter(({ value }) => value !== null)
      .flatMap(({ names }) => names.map((name) => `${path}|${name}`)),
  );
}

function valued(places: readonly Place[]): { patterns: string; choices: readonly string[] }[] {
  return places.flatMap(({ path, options }) =>
    options.flatMap(({ names, value }) =>
      value === null
        ? []
        : [{ patterns: names.map((name) => quoted(`${path}|${name}`)).join('|'), choices: value.choices }],
    ),
  );
}

function commandWords({ commands, choices }: Place): Word[] {
  return [...commands, ...choices.map((word) => ({ word, what: '' }))];
}

function wordsOf(place: Place): string[] {
  return commandWords(place).map(({ word }) => word);
}

function optionList(options: readonly OptionWords[]): Word[] {
  return options.flatMap(({ names, what }) => names.map((word) => ({ word, what })));
}

/** In the form that zsh's `_describe` reads: the word, a colon, the description. */
function described(words: readonly Word[]): string {
  return words
    .map(({ word, what }) => quoted(word.replaceAll(':', '\\:') + (what === '' ? '' : `:${what}`)))
    .join(' ');
}

function fishDescribed(what: string): string {
  return what === '' ? '' : ` -d ${fishQuoted(what)}`;
}

/**
 * Quotes a text for bash and zsh. A quote within the text ends the quotation, is escaped, and begins a new quotation.
 */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

function functionOf(name: string): string {
  return `_${name.replaceAll('-', '_')}`;
}
