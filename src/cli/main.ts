import { Command, Option } from 'commander';
import { ConfigError } from '../config/config';
import { loadMapping } from '../config/mapping';
import { ENTITY_TYPES } from '../sync/record';
import { NoAnswerError, NoServerError } from '../embedded';
import { MappingError } from '../sync/mapping';
import { webhooksCommand } from './commands/webhooks';
import { receiveWebhooks } from './receive';
import { serveCodec } from './codecServer';
import { start } from './start';

/** The command line. Errors that a person can mend end in one line each and exit code 2, others in 1. */
async function main(argv: string[]): Promise<void> {
  const program = new Command('zendesk-pms-sync').description(
    'Two-way sync between Zendesk and a PMS, on Temporal',
  );
  program
    .command('start')
    .description('run worker, schedules and webhook receiver')
    .option('--config <file>', 'YAML file with settings; environment variables win over it')
    .option('--data <dir>', 'where servers that this starts itself keep their data', '.zendesk-pms-sync')
    .addOption(new Option('--only <part>', 'run just this part').choices(['worker', 'intake']))
    .action(async (options: { config?: string; data: string; only?: 'worker' | 'intake' }) =>
      options.only === 'intake'
        ? receiveWebhooks(options.config ?? null)
        : start(options.config ?? null, options.data, options.only !== 'worker'),
    );
  program
    .command('mapping')
    .description('check the mapping file and print its tables')
    .argument('[file]', 'mapping file', 'mapping.yaml')
    .action(printMapping);
  webhooksCommand(program);
  program
    .command('codec-server')
    .description('let the Temporal Web UI and command line read encrypted payloads (docs/security.md)')
    .action(serveCodec);
  await program.parseAsync(argv);
}

function printMapping(file: string): void {
  const mapping = loadMapping(file);
  for (const type of ENTITY_TYPES) {
    const { kind, rows } = mapping.entities[type];
    console.log(`${type}: Zendesk ${kind.zendesk} ↔ PMS ${kind.pms}`);
    for (const row of rows) {
      const arrow = { both: '↔', toPms: '→', toZendesk: '←' }[row.direction];
      console.log(`  ${(row.zendesk ?? '—').padEnd(18)} ${arrow} ${(row.pms ?? '—').padEnd(18)} ${row.type}`);
    }
  }
}

main(process.argv).catch((error: unknown) => {
  const mendable = [ConfigError, MappingError, NoServerError, NoAnswerError];
  if (mendable.some((kind) => error instanceof kind)) {
    // A class of ours: its message is for the person who can mend it.
    console.error((error as Error).message);
    process.exitCode = 2;
  } else {
    console.error(error);
    process.exitCode = 1;
  }
});
