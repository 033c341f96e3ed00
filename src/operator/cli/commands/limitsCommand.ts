import type { Command } from 'commander';
import { currentBudgets, liftBlocks } from '../../../systems/budget/currentBudget';
import { common } from '../common';
import { withService, type CommonOptions } from '../withService';
import { BadInput } from '../../operatorErrors';
import { printJson, printLine } from '../output';

/** `limits lift`: ends a pause of calls that an API's answer asked for. */
export function registerLimits(program: Command): void {
  const limits = program.command('limits').description('the rate limits of both APIs ("status" shows them)');
  common(
    limits
      .command('lift')
      .description('end a pause of calls that an API asked for; workers notice it within a second')
      .argument('[limit]', 'a name from "status", e.g. zendesk:account; without it, all'),
    'limits lift zendesk:account',
  ).action(async (name: string | undefined, options: CommonOptions) =>
    withService(options, async ({ mongo, config }) => {
      const db = mongo.db(config.mongodbDatabase);
      const known = (await currentBudgets(db, new Date())).map((budget) => budget.name);
      if (name !== undefined && !known.includes(name))
        throw new BadInput(
          `limit: found "${name}", expected one of ${known.join(', ') || 'none: no call was made yet'}`,
        );
      const lifted = await liftBlocks(db, new Date(), name ?? null);
      if (options.json) printJson({ lifted });
      else printLine(lifted.length === 0 ? 'no limit is blocked' : `calls resume: ${lifted.join(', ')}`);
    }),
  );
}
