import path from 'node:path';
import { inspect } from 'node:util';
import { Command } from 'commander';
import { WEATHER_NAMES } from 'testkit';
import { ACCIDENTS } from './accidents';
import { runChaos, type ChaosResult } from './run';

/** `npm run test:chaos`: tries to break the sync's promises, and reports what it did. */

export const MUTATIONS = [
  'preconditions',
  'lookup',
  'snapshot',
  'tombstones',
  'absence',
  'bindings',
  'sets',
  'taken',
  'visibility',
] as const;

async function main(): Promise<void> {
  const options = new Command('test:chaos')
    .option('--minutes <n>', 'minutes in which new episodes begin', Number, 20)
    .option(
      '--seed <n>',
      'seed of the first episode; each episode prints its own',
      Number,
      Date.now() % 1_000_000,
    )
    .option('--episodes <n>', 'maximum number of episodes', Number)
    .option('--commands <n>', 'maximum number of commands in an episode', Number, 120)
    .option('--shrink <minutes>', 'minutes for shrinking a failed episode', Number, 10)
    .option('--workers <n>', 'number of worker processes', Number, 2)
    .option('--weather <name>', `faults that last through all episodes: ${WEATHER_NAMES.join(', ')}`)
    .option('--accident <name>', `the accident of each episode: ${ACCIDENTS.join(', ')}, none`)
    .option('--uncured', 'the operator does nothing after an accident', false)
    .option('--mutate <name>', `switch off a safety: ${MUTATIONS.join(', ')}`)
    .option('--record <folder>', 'folder for recording each input of the planner')
    .parse()
    .opts<{
      minutes: number;
      seed: number;
      episodes?: number;
      commands: number;
      shrink: number;
      workers: number;
      weather?: string;
      accident?: string;
      uncured: boolean;
      mutate?: string;
      record?: string;
    }>();
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const { mutate, record } = options;
  const preload = [
    ...(mutate !== undefined ? [path.join(__dirname, 'mutations', `${mutate}.js`)] : []),
    ...(record !== undefined ? [path.join(__dirname, 'recordings', 'record.js')] : []),
  ];
  if (mutate !== undefined && !(MUTATIONS as readonly string[]).includes(mutate))
    throw new Error(`--mutate ${mutate}: expected one of ${MUTATIONS.join(', ')}`);
  const weather = WEATHER_NAMES.find((name) => name === options.weather);
  if (options.weather !== undefined && weather === undefined)
    throw new Error(`--weather ${options.weather}: expected one of ${WEATHER_NAMES.join(', ')}`);
  const accident = [...ACCIDENTS, 'none' as const].find((name) => name === options.accident);
  if (options.accident !== undefined && accident === undefined)
    throw new Error(`--accident ${options.accident}: expected one of ${ACCIDENTS.join(', ')}, none`);
  const result = await runChaos({
    seed: options.seed,
    minutes: options.minutes,
    commands: options.commands,
    shrinkMinutes: options.shrink,
    workers: options.workers,
    ...(options.episodes !== undefined && { episodes: options.episodes }),
    preload,
    ...(record !== undefined && { env: { RECORD_PLANNER_STATES: path.resolve(record) } }),
    ...(weather !== undefined && { weather }),
    ...(accident !== undefined && { accident }),
    uncured: options.uncured,
    say,
  });
  say(`${result.episodes} episodes, seeds from ${options.seed}`);
  for (const part of ['edits', 'faults', 'kills'] as const) say(`  ${part}: ${describe(result[part])}`);
  say(summary(result));
  process.exitCode = result.violations.length > 0 ? 1 : 0;
}

function summary({ violations, edits, faults, kills, conflicts, calls }: ChaosResult): string {
  return `chaos: violations=${violations.length} edits=${sum(edits)} faults=${sum(faults)} kills=${sum(kills)} conflicts=${conflicts} calls=${calls}`;
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function describe(counts: Record<string, number>): string {
  const entries = Object.entries(counts).sort(([a], [b]) => a.localeCompare(b));
  return entries.map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
}

main().catch((error: unknown) => {
  process.stderr.write(`${inspect(error)}\n`);
  process.exitCode = 1;
});
