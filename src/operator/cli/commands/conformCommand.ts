import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Command } from 'commander';
import { loadMapping } from '../../../config/loadMapping';
import { configuredBudgets, configuredSystems } from '../../../config/configuredSystems';
import { CHECKS } from '../../../checks/conform/checks';
import {
  MARKS,
  countsOf,
  groupsOf,
  isSound,
  meaningsOf,
  summaryOf,
  type Report,
} from '../../../checks/conform/conformReport';
import { runConformance } from '../../../checks/conform/runConform';
import type { InvariantVerdict } from '../../../checks/conform/invariants';
import type { Verdict } from '../../../checks/conform/verdict';
import { serverTime } from '../../serverTime';
import { ProfileSystem } from '../../../systems/profile/profileSystem';
import { inCallContext } from '../../../systems/callContext';
import { paint, printJson, printLine, printTable, progressLine, safe, type Colour } from '../output';
import type { Config } from '../../../config/config';
import { connectClient } from '../../../workers/temporalClient';
import { BadInput } from '../../operatorErrors';
import { pollersOf } from '../../pollers';
import { CONFIG, CONNECTION, DATA_DIR, settingsFor, type SettingsOptions, examples } from '../common';
import { foundAddress } from '../servers';
import { systemErrorsAsProblems } from '../systemProblems';
import { onStopSignal } from '../serveIntake';
import { emailNamed, positive } from '../targets';

interface ConformOptions extends SettingsOptions {
  profile?: string;
  data: string;
  besideService?: true;
  records: number;
  timeout: number;
  person: string[];
  json?: true;
}

const RECORDS = 250;
const TIMEOUT_SECONDS = 30;
const LOOK_MS = 500;
/** How often progress is printed if there is no terminal. */
const LINES_SECONDS = 20;
/** The most leftover records that are listed; the JSON has all of them. */
const LISTED = 10;
const COLOURS: Record<InvariantVerdict['holds'], Colour> = {
  fully: 'green',
  'as far as tried': 'green',
  'with a window': 'yellow',
  not: 'red',
  unknown: 'red',
};
const HEADINGS: [Verdict, string][] = [
  ['lies', 'It lies'],
  ['failed', 'Could not be carried out'],
  ['window', 'Windows'],
  ['off', 'Switched off'],
  ['untried', 'Not tried'],
];

export function registerConform(program: Command): void {
  program
    .command('conform')
    .description(
      'test whether the PMS does what the sync relies on; best in a test account, with no service running. Exit code 1 if it makes a false claim',
    )
    .option(...CONFIG)
    .option(...CONNECTION)
    .option('--profile <file>', 'test this profile instead of the configured one')
    .option(
      '--records <n>',
      'records of each kind to create at most, so that lists have several pages',
      positive('--records'),
      RECORDS,
    )
    .option(
      '--timeout <seconds>',
      'how long to wait for results that the PMS shows late',
      positive('--timeout'),
      TIMEOUT_SECONDS,
    )
    .option(
      '--person <email>',
      'a person in the PMS, to test properties that name people; may be given twice',
      (email: string, before: string[]) => [...before, emailNamed('--person', email)],
      [],
    )
    .option('--data <dir>', 'folder of the servers that "start" runs itself', DATA_DIR)
    .option('--beside-service', 'run even if a service runs, which would sync the test records')
    .option('--json', 'print JSON instead of tables')
    .addHelpText('after', examples('conform --records 120'))
    .action(conform);
}

/** A running service would sync the hundreds of test records to Zendesk, and keep links of them. @throws BadInput */
async function refuseBesideService(config: Config, dataDir: string): Promise<void> {
  const address = foundAddress('temporalAddress', config, dataDir);
  if (address === undefined) return;
  const workers = await connectClient(config, address)
    .then((temporal) => pollersOf(temporal.client, config.taskQueue).finally(() => temporal.close()))
    .catch(() => 0);
  if (workers > 0)
    throw new BadInput(
      `${workers} ${workers === 1 ? 'worker syncs' : 'workers sync'} this PMS with Zendesk: found a running service, expected none, as it would sync the records that conform makes; stop it and wait 75 s (Temporal lists a stopped worker for that long), or pass --beside-service`,
    );
}

async function conform({
  profile,
  records,
  timeout,
  person,
  json,
  ...options
}: ConformOptions): Promise<void> {
  const configured = settingsFor(options);
  if (!options.besideService) await refuseBesideService(configured, options.data);
  const config =
    profile === undefined ? configured : { ...configured, pmsProfile: profile, pmsAdapter: undefined };
  const mapping = loadMapping(config.mappingFile);
  const port = configuredSystems(config, { budgets: configuredBudgets(config) }).pms;
  const stop = new AbortController();
  // Every wait listens to this signal, and there are more than Node's default limit.
  setMaxListeners(0, stop.signal);
  onStopSignal(() => stop.abort());
  const progress = progressLine({ linesEverySeconds: LINES_SECONDS });
  let doing = '';
  const startedAt = new Date();
  const report = await systemErrorsAsProblems(() =>
    inCallContext({ lane: 'background' }, async (): Promise<Report> => {
      const as = await port.whoAmI();
      const conformance = await runConformance({
        port,
        mapping,
        serverTime: () => serverTime(config.pmsBaseUrl),
        tag: `conform-${randomBytes(3).toString('hex')}`,
        patience: { timeoutMs: timeout * 1000, lookMs: LOOK_MS, signal: stop.signal },
        records,
        people: person,
        ...(port instanceof ProfileSystem && {
          removal: {
            can: (kind) => port.canRemove(kind),
            remove: (ref) => port.remove(ref),
          },
        }),
        onProgress(check, subject) {
          doing = `${subject} ${CHECKS[check].what}`.trim();
          progress.update(doing);
        },
        onRecord: (made, removed) =>
          progress.update(
            removed > 0 ? `removing: ${removed} of ${made}` : `${made} records made; last check: ${doing}`,
          ),
      });
      return {
        system: config.pmsBaseUrl,
        as,
        startedAt: startedAt.toISOString(),
        seconds: (Date.now() - startedAt.getTime()) / 1000,
        ...conformance,
      };
    }),
  ).finally(progress.finish);
  if (json) printJson({ ok: isSound(report), counts: countsOf(report.results), ...report });
  else tell(report);
  if (!isSound(report)) process.exitCode = 1;
}

function tell(report: Report): void {
  const { results, invariants, cleanup, stopped } = report;
  printLine(`${safe(report.system)} as ${safe(report.as)}`);
  for (const [title, those] of groupsOf(results)) {
    printLine();
    printLine(paint('bold', title));
    printTable(
      ['', 'of', 'check', 'found'],
      those.map(({ verdict, subject, check, found }) => [MARKS[verdict], subject, CHECKS[check].what, found]),
    );
  }
  for (const [verdict, heading] of HEADINGS) {
    const meanings = meaningsOf(results, verdict);
    if (meanings.length === 0) continue;
    printLine();
    printLine(paint('bold', heading));
    for (const [means, of] of meanings) printLine(`${MARKS[verdict]} ${safe(of.join(', '))}: ${safe(means)}`);
  }
  printLine();
  printLine(paint('bold', 'Invariants'));
  for (const { number, text, holds, because, untried } of invariants) {
    printLine(`${number}. ${text}: ${paint(COLOURS[holds], holds)}`);
    for (const why of because) printLine(`     ${safe(why)}`);
    for (const what of untried) printLine(`     not tried: ${safe(what)}`);
  }
  printLine();
  const { made, removed, archived, leftBehind } = cleanup;
  printLine(
    `made ${made} records, removed ${removed}, archived ${archived}, left behind ${leftBehind.length}`,
  );
  for (const left of leftBehind.slice(0, LISTED)) printLine(paint('yellow', `left behind: ${safe(left)}`));
  if (leftBehind.length > LISTED) printLine(paint('yellow', `… all of them with --json`));
  if (stopped) printLine(paint('red', 'stopped before its end'));
  printLine(paint(isSound(report) ? 'green' : 'red', summaryOf(report)));
}
