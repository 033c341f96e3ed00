import type { Command } from 'commander';
import type { Config } from '../../../config/config';
import { configuredBudgets, configuredSystems } from '../../../config/configuredSystems';
import { examine, type DoctorInput } from '../../doctor';
import type { Finding } from '../../finding';
import { allSettingsFor, common } from '../common';
import type { CommonOptions } from '../withService';
import { paint, printJson, printLine, type Colour } from '../output';
import { foundAddress } from '../servers';
import { webhookAdmins } from '../webhookAdmins';

const MARKS: Record<Finding['state'], { sign: string; colour: Colour }> = {
  ok: { sign: '✓', colour: 'green' },
  off: { sign: '–', colour: 'dim' },
  warning: { sign: '!', colour: 'yellow' },
  failed: { sign: '✗', colour: 'red' },
};

export function registerDoctor(program: Command): void {
  common(
    program
      .command('doctor')
      .description(
        'check everything that the service needs, and name a fix for each problem; exit code 1 if there is one',
      ),
    'doctor',
  ).action(async (options: CommonOptions) => {
    const findings: (Finding & { connection?: string })[] = [];
    for (const config of allSettingsFor(options)) {
      const { connection } = config;
      if (connection !== null && !options.json) printLine(paint('bold', `# ${connection}`));
      for await (const finding of examine(doctorInput(config, options))) {
        findings.push({ ...(connection !== null && { connection }), ...finding });
        if (!options.json) print(finding);
      }
    }
    if (options.json) printJson(findings);
    const wrong = findings.filter(({ state }) => state === 'failed' || state === 'warning').length;
    if (!options.json)
      printLine(wrong === 0 ? paint('green', 'nothing is wrong') : paint('yellow', `${wrong} to fix`));
    if (wrong > 0) process.exitCode = 1;
  });
}

function doctorInput(config: Config, { data }: CommonOptions): DoctorInput {
  return {
    config,
    temporalAddress: foundAddress('temporalAddress', config, data) ?? null,
    mongodbUri: foundAddress('mongodbUri', config, data) ?? null,
    systems: configuredSystems(config, { budgets: configuredBudgets(config) }),
    admins: webhookAdmins(config),
  };
}

function print({ what, state, found, cure }: Finding): void {
  const { sign, colour } = MARKS[state];
  printLine(`${paint(colour, sign)} ${what}: ${found}`);
  if (cure !== null) printLine(`    → ${cure}`);
}
