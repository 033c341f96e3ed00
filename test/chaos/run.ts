import fc from 'fast-check';
import { RandomPeople, SIDES, WEATHERS, controlsOf, type Weather } from 'testkit';
import { accidents, type AccidentName } from './accidents';
import { findViolations, type CheckerAccess } from './checker';
import { episodes, type Model, type Real } from './commands';
import { OperatorFailed } from './operator';
import { World, type Totals } from './world';

export interface ChaosOptions {
  seed: number;
  /** No episode starts after this time. */
  minutes: number;
  /** The maximum number of episodes; unlimited by default. */
  episodes?: number;
  /** The maximum number of commands in an episode. */
  commands: number;
  /** The time for shrinking a failed episode. */
  shrinkMinutes: number;
  /** Modules that the service loads first, such as mutations. */
  preload?: string[];
  /** The number of worker processes; 1 by default. */
  workers?: number;
  /** Environment variables for those modules. */
  env?: NodeJS.ProcessEnv;
  /** The accident of each episode, or none. By default, an accident happens once in a while. */
  accident?: AccidentName | 'none';
  /** The operator does nothing after an accident. */
  uncured?: boolean;
  /** Faults that last through all commands, in addition to their own faults. */
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
 * Runs episodes until the time is up or one ends in a violation. An episode is a list of commands (edits by people,
 * faults, kills), then a pause, then the check of everything that ever happened in this world.
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
      // Commands are drawn first, so they do not depend on the accidents.
      const property = fc.asyncProperty(episodes(options.commands), accident, async (commands, happens) => {
        const now = await current();
        const played = happens?.among(commands) ?? commands;
        const violations = await now.play(played, options.weather ?? 'calm');
        if (violations.length === 0) return;
        const { edits, comments } = now.people.journal;
        const file = await now.world.dump({ violations, edits, comments });
        say(`  ${violations.length} violations; see ${file} and the logs next to it`);
        for (const violation of violations) say(`    ${violation}`);
        if (result.violations.length === 0) result.violations = violations;
        // The violation stays in this world, so the next try gets a new world.
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
      // If there is no violation, this program has a bug.
      if (result.violations.length === 0)
        throw new Error('an episode failed', { cause: outcome.errorInstance });
      say(
        `smallest episode after ${outcome.numShrinks} shrinking steps: ${(outcome.counterexample ?? []).map(String).join()}`,
      );
      say(`repeat it with: npm run test:chaos -- --seed ${seed} --episodes 1`);
      break;
    }
  } finally {
    await leave();
  }
  return result;
}

/** A world with people in it. */
class Stage {
  /** The number of field changes before the last start of the service. */
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
        () => ({ model: { org: 0, ticket: 0, comment: 0 }, real: { world, people } }),
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
    const unrest = (await world.rest()) ?? (await this.nightlyReconciles());
    if (unrest !== null) return [unrest];
    const violations = await findViolations(world, people, this.access);
    const echoes = await world.writesWhileQuiet();
    if (echoes !== null) violations.push(`writes after quiet: ${echoes}`);
    return violations;
  }

  /** Runs the nightly reconciles that an accident needs. */
  private async nightlyReconciles(): Promise<string | null> {
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
