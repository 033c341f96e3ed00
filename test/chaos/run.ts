import fc from 'fast-check';
import { RandomPeople, SIDES, WEATHERS, controlsOf, type Weather } from 'testkit';
import { accidents, type AccidentName } from './accidents';
import { findViolations, type CheckerAccess } from './checker';
import { episodes, type Model, type Real } from './commands';
import { OperatorFailed } from './operator';
import { World, type Totals } from './world';

export interface ChaosOptions {
  seed: number;
  /** New episodes begin until then. */
  minutes: number;
  /** At most so many episodes; without it, as many as fit. */
  episodes?: number;
  /** Longest list of commands in an episode. */
  commands: number;
  /** How long a failed episode is made smaller. */
  shrinkMinutes: number;
  /** Modules that the service loads first; see mutations. */
  preload?: string[];
  /** Worker processes that share the work; one if not given. */
  workers?: number;
  /** Environment variables for those modules. */
  env?: NodeJS.ProcessEnv;
  /** In each episode this accident, or none; without it, an accident once in a while. */
  accident?: AccidentName | 'none';
  /** After an accident the operator does nothing. */
  uncured?: boolean;
  /** Goes on through all commands, beside what they bring. */
  weather?: Weather;
  say: (line: string) => void;
}

export interface ChaosResult {
  violations: string[];
  episodes: number;
  edits: Record<string, number>;
  faults: Record<string, number>;
  kills: Record<string, number>;
  conflicts: number;
  calls: number;
}

/**
 * Plays episodes until time is up or one ends in a violation. An episode is a list of commands (people's edits,
 * faults, kills), then calm, then the check of everything that ever happened in this world.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { say } = options;
  const deadline = Date.now() + options.minutes * 60_000;
  const result: ChaosResult = {
    violations: [],
    episodes: 0,
    edits: {},
    faults: {},
    kills: {},
    conflicts: 0,
    calls: 0,
  };
  let stage: Stage | null = null;
  const current = async (): Promise<Stage> => (stage ??= await Stage.start(options));
  const leave = async (): Promise<void> => {
    const left = stage;
    stage = null;
    if (!left) return;
    const { totals, conflicts } = await left.count();
    add(result.edits, left.people.done);
    add(result.faults, totals.faults);
    add(result.kills, totals.kills);
    result.conflicts += conflicts;
    result.calls += totals.calls.zendesk + totals.calls.pms;
    await left.world.stop();
  };

  try {
    while (Date.now() < deadline && result.episodes < (options.episodes ?? Infinity)) {
      const seed = options.seed + result.episodes;
      result.episodes += 1;
      const accident = accidents(options.accident, options.uncured !== true);
      // Commands are drawn first: they are the same whatever accidents there are.
      const property = fc.asyncProperty(episodes(options.commands), accident, async (commands, happens) => {
        const now = await current();
        const played = happens?.among(commands) ?? commands;
        const violations = await now.play(played, options.weather ?? 'calm');
        if (violations.length === 0) return;
        const { edits, sayings } = now.people.journal;
        const file = await now.world.dump({ violations, edits, sayings });
        say(`  ${violations.length} violations; ${file}, logs beside it`);
        for (const violation of violations) say(`    ${violation}`);
        if (result.violations.length === 0) result.violations = violations;
        // What is wrong in this world stays wrong: the next try gets one of its own.
        await leave();
        throw new Error(violations[0]);
      });
      const started = Date.now();
      const outcome = await fc.check(property, {
        seed,
        numRuns: 1,
        unbiased: true,
        endOnFailure: options.shrinkMinutes === 0,
        ...(options.shrinkMinutes > 0 && { interruptAfterTimeLimit: options.shrinkMinutes * 60_000 }),
      });
      const seconds = Math.round((Date.now() - started) / 1000);
      say(
        `episode ${result.episodes} (seed ${seed}): ${outcome.failed ? 'VIOLATION' : 'ok'} in ${seconds} s`,
      );
      if (!outcome.failed) continue;
      // Not a violation, then, but a fault of this program.
      if (result.violations.length === 0)
        throw new Error('an episode failed', { cause: outcome.errorInstance });
      say(
        `smallest found after ${outcome.numShrinks} steps: ${(outcome.counterexample ?? []).map(String).join()}`,
      );
      say(`again: npm run test:chaos -- --seed ${seed} --episodes 1`);
      break;
    }
  } finally {
    await leave();
  }
  return result;
}

/** A world with people in it. */
class Stage {
  /** Changes of fields that the service was started after. */
  private known = 0;

  private constructor(
    readonly world: World,
    readonly people: RandomPeople,
    private readonly access: CheckerAccess,
  ) {}

  static async start({ seed, preload, workers, env }: ChaosOptions): Promise<Stage> {
    const world = await World.start(seed, {
      ...(preload && { preload }),
      ...(workers !== undefined && { workers }),
      ...(env && { env }),
    });
    const checker = { email: 'checker@chaos.example', name: 'Checker' };
    const token = await controlsOf(world.pms).tokenOf(checker);
    return new Stage(world, new RandomPeople(world.zendesk, world.pms), {
      zendesk: { url: world.zendesk.url, token: world.zendesk.bearer('cy@sandbox.example') },
      pms: { url: world.pms.url, token },
    });
  }

  async play(commands: Iterable<fc.AsyncCommand<Model, Real>>, weather: Weather): Promise<string[]> {
    const { world, people } = this;
    people.beginEpisode();
    world.climate = WEATHERS[weather];
    try {
      await Promise.all(SIDES.map((side) => world.setFaults(side, [])));
      await fc.asyncModelRun(
        () => ({ model: { org: 0, ticket: 0, said: 0 }, real: { world, people } }),
        commands,
      );
    } catch (error) {
      if (error instanceof OperatorFailed) return [error.message];
      throw error;
    } finally {
      world.calm();
      world.climate = [];
      await Promise.all(SIDES.map((side) => world.setFaults(side, [])));
    }
    if (people.administrators.changes > this.known) world.restartWorkers();
    this.known = people.administrators.changes;
    const unrest = (await world.rest()) ?? (await this.nights());
    if (unrest !== null) return [unrest];
    const violations = await findViolations(world, people, this.access);
    const echoes = await world.writesWhileQuiet();
    if (echoes !== null) violations.push(`writes after quiet: ${echoes}`);
    return violations;
  }

  /** The nightly reconciles that an accident has left to come. */
  private async nights(): Promise<string | null> {
    const { operator, afterwards } = this.world;
    for (; afterwards.nightsToCome > 0; afterwards.nightsToCome -= 1) {
      await operator.run(['reconcile']);
      const unrest = await this.world.rest();
      if (unrest !== null) return unrest;
    }
    return null;
  }

  async count(): Promise<{ totals: Totals; conflicts: number }> {
    const links = await this.world.links();
    const conflicts = links.reduce(
      (sum, { history, conflicts: parked }) => sum + history.length + parked.length,
      0,
    );
    return { totals: await this.world.totals(), conflicts };
  }
}

function add(to: Record<string, number>, from: Record<string, number>): void {
  for (const [key, count] of Object.entries(from)) to[key] = (to[key] ?? 0) + count;
}
