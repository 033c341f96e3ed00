import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { commandTree } from '../../src/operator/cli/commandTree';
import { completionScript, SHELLS, type Shell } from '../../src/operator/cli/completion';
import { placesOf } from '../../src/operator/cli/completionPlaces';

const NAME = 'zendesk-pms-sync';
const places = placesOf(commandTree());
const dir = mkdtempSync(path.join(tmpdir(), 'zps-completion-'));
const fileOf = (shell: Shell) => path.join(dir, shell);
for (const shell of SHELLS) writeFileSync(fileOf(shell), completionScript(shell, NAME, places));

/** The completions of a shell for the last of these words. */
const OFFERED: Partial<Record<Shell, (words: string[]) => string>> = {
  bash: (words) =>
    `source '${fileOf('bash')}'
     COMP_WORDS=(${NAME} ${words.map((word) => `'${word}'`).join(' ')}) COMP_CWORD=${words.length}
     _zendesk_pms_sync; printf '%s\\n' "\${COMPREPLY[@]}"`,
  fish: (words) => `source '${fileOf('fish')}'; complete -C '${[NAME, ...words].join(' ')}'`,
};
const has = (shell: Shell) => spawnSync(shell, ['-c', 'exit 0']).status === 0;

function offered(shell: Shell, words: string[]): string[] {
  const { stdout, stderr } = spawnSync(shell, ['-c', OFFERED[shell]?.(words) ?? ''], {
    encoding: 'utf8',
    cwd: dir,
  });
  expect(stderr).toBe('');
  return stdout.split('\n').map((line) => line.split('\t')[0] ?? '');
}

test('O13: completion knows each command, with its options', () => {
  const find = places.find(({ path: at }) => at === 'links find');
  const named = find?.options.flatMap(({ names }) => names);
  expect(named).toEqual(
    expect.arrayContaining(['--entity', '--json', '--csv', '--help', '-h', '--no-color']),
  );
  expect(find?.options.find(({ names }) => names.includes('--entity'))?.value?.choices).toContain(
    'TicketToProject',
  );
  expect(places.find(({ path: at }) => at === 'pause')?.choices).toContain('everything');
});

const CASES: [words: string[], some: string[], none: string[]][] = [
  [[''], ['links', 'status', 'completion'], ['find', '--json']],
  [['lin'], ['links'], ['status']],
  [['links', ''], ['show', 'find', 'unlink', 'rebuild'], ['links']],
  [
    ['links', 'find', '--'],
    ['--entity', '--csv', '--no-color'],
    ['--choose', 'find'],
  ],
  [['links', 'find', '--entity', 'T'], ['TicketToProject'], ['OrgToCustomer']],
  [['links', 'find', '--status', ''], ['quarantined', 'tombstone'], ['TicketToProject']],
  [['conflicts', 'resolve', 'zendesk:ticket:1', '--choose', ''], ['pms', 'zendesk'], ['everything']],
  [['--no-color', 'pause', ''], ['everything', 'TicketToProject'], ['links']],
  // A value with the name of a command is not a command.
  [['status', '--data', 'links', '--'], ['--watch'], ['--entity']],
  [['completion', ''], [...SHELLS], ['links']],
  [['help', 'l'], ['links', 'limits'], ['find']],
];

describe.each(['bash', 'fish'] as const)('%s', (shell) => {
  // Bash exists wherever npm's scripts run; fish is tested if it is installed.
  const whereThere = shell === 'bash' || has(shell) ? test : test.skip;
  whereThere.each(CASES)('O13: offers for %j', (words, some, none) => {
    const found = offered(shell, words);
    expect(found).toEqual(expect.arrayContaining(some));
    for (const word of none) expect(found).not.toContain(word);
  });
});

test('O13: bash: completes the value of an option after an equals sign', () => {
  const typed = ['links', 'find', '--entity', '='];
  expect(offered('bash', typed)).toEqual(['OrgToCustomer', 'TicketToProject', 'CommentToProject', '']);
  expect(offered('bash', [...typed, 'Ti'])).toEqual(['TicketToProject', '']);
});

describe('zsh', () => {
  (has('zsh') ? test : test.skip)('O13: accepts the script, and registers it', () => {
    const script = `autoload -U compinit && compinit -u -D; source '${fileOf('zsh')}'; print -- $_comps[${NAME}]`;
    const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', script], { encoding: 'utf8', cwd: dir });
    expect([stdout, stderr]).toEqual(['_zendesk_pms_sync\n', '']);
  });
});

test('O13: every script has every command, and no text of ours ends a quote', () => {
  const odd = [
    {
      path: '',
      commands: [{ word: 'go', what: `it's "$HOME" \`id\` a:b \\` }],
      options: [{ names: ['--x'], what: "don't", value: { choices: ["it's"] } }],
      choices: [],
    },
  ];
  for (const shell of SHELLS) {
    const script = completionScript(shell, NAME, places);
    for (const { path: at } of places) expect(script).toContain(`'${at}`);
    if (!has(shell)) continue;
    const file = path.join(dir, `odd.${shell}`);
    writeFileSync(file, completionScript(shell, NAME, odd));
    const checked = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
    expect([shell, checked.stderr, checked.status]).toEqual([shell, '', 0]);
  }
});
