import { randomBytes } from 'node:crypto';
import { VERIFY_SCOPES, zendeskCredential } from '../../../systems/zendesk/zendeskAuth';
import { setMaxListeners } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { loadPmsAdapter } from '../../../config/loadAdapter';
import { ConfigError, loadMappingFile, type Config } from '../../../config/config';
import { checkMapping, loadMapping } from '../../../config/loadMapping';
import { configuredBudgets, configuredSystems } from '../../../config/configuredSystems';
import { untoldRate } from '../../../systems/pmsAdapter';
import type { Mapping } from '../../../sync/mapping';
import type { RateBudgets } from '../../../systems/budget/rateBudgets';
import type { SystemPort } from '../../../systems/port';
import { ProfileSystem } from '../../../systems/profile/profileSystem';
import type { PmsView } from '../../../checks/verify/publicApi';
import { inCallContext } from '../../../systems/callContext';
import { countsOf, type Report, type Result } from '../../../checks/verify/checklistLine';
import { linkReasons } from '../../../checks/verify/linkReasons';
import { Made } from '../../../checks/verify/made';
import { PmsApi } from '../../../checks/verify/pmsApi';
import { ProfileApi } from '../../../checks/verify/profileApi';
import { htmlOf } from '../../../checks/verify/reports/htmlReport';
import { junitOf } from '../../../checks/verify/reports/junitReport';
import { markdownOf } from '../../../checks/verify/reports/markdownReport';
import {
  MARKS,
  directionOf,
  evidenceOf,
  groupsOf,
  recordsOf,
  secondsIn,
  summaryOf,
} from '../../../checks/verify/reports/words';
import { runChecklist } from '../../../checks/verify/runVerify';
import type { CommentMode } from '../../../checks/verify/verifySandbox';
import { optionalPackage } from '../../../platform/optionalPackage';
import { ZendeskApi } from '../../../checks/verify/zendeskApi';
import { BadInput, Problem } from '../../operatorErrors';
import { systemErrorsAsProblems } from '../systemProblems';
import { paint, printJson, printLine, printTable, progressLine, safe, type Colour } from '../output';
import { CONFIG, CONNECTION, DATA_DIR, settingsFor, type SettingsOptions, examples } from '../common';
import { foundAddress } from '../servers';
import { onStopSignal } from '../serveIntake';
import { positive } from '../targets';

interface VerifyOptions extends SettingsOptions {
  sandbox?: true;
  tag?: string;
  timeout?: number;
  markdown?: string;
  html?: string;
  junit?: string;
  json?: true;
}

/** In seconds. The polls of a real account may be a minute apart, and a change may need two of them. */
const TIMEOUT_SECONDS = { sandbox: 60, real: 300 };
/** Pause between two reads. In a real account, each read is a call or two. */
const LOOK_MS = { sandbox: 200, most: 5_000 };
const LOOKS = 20;
/** The profile whose API docs/pms-openapi.yaml describes. */
const CONTRACT = 'contract';
const TAG = /^[a-z0-9][a-z0-9_-]{2,39}$/;

export function registerVerify(program: Command): void {
  program
    .command('verify')
    .description('test every row of the mapping in each direction; exit code 1 if a line fails')
    .option(...CONFIG)
    .option(...CONNECTION)
    .option('--sandbox', 'start servers, two sandboxes and the sync, and test the mapping there')
    .option(
      '--tag <tag>',
      'use the configured accounts: mark all created records with this tag, and remove them at the end',
    )
    .option(
      '--timeout <seconds>',
      `how long to wait for a value (${TIMEOUT_SECONDS.sandbox} in the sandbox, else ${TIMEOUT_SECONDS.real})`,
      positive('--timeout'),
    )
    .option('--markdown <file>', 'also write the report as Markdown')
    .option('--html <file>', 'also write the report as HTML')
    .option('--junit <file>', 'also write the report as JUnit XML')
    .option('--json', 'print JSON instead of tables')
    .addHelpText('after', examples('verify --sandbox', 'verify --tag qa-2026-05 --html report.html'))
    .action(verify);
}

async function verify(options: VerifyOptions): Promise<void> {
  const { sandbox, tag } = options;
  if (sandbox && tag !== undefined) throw new BadInput('--tag: found with --sandbox, expected one of them');
  if (!sandbox && tag === undefined)
    throw new BadInput('found neither --sandbox nor --tag; expected one of them');
  if (tag !== undefined && !TAG.test(tag))
    throw new BadInput(
      `--tag: found "${tag}", expected 3 to 40 lower-case letters, digits, - and _, beginning with a letter or digit`,
    );
  const stop = new AbortController();
  // Every wait listens to this signal, and there are more than Node's default limit.
  setMaxListeners(0, stop.signal);
  onStopSignal(() => stop.abort());
  const progress = progressLine();
  const report = await systemErrorsAsProblems(() =>
    tag === undefined
      ? verifySandbox(options, progress.update, stop.signal)
      : verifyAccounts(tag, options, progress.update, stop.signal),
  ).finally(progress.finish);
  tell(report, options);
  if (countsOf(report.results).failed > 0 || report.leftBehind.length > 0) process.exitCode = 1;
}

async function verifySandbox(
  { config, connection, timeout = TIMEOUT_SECONDS.sandbox }: VerifyOptions,
  onProgress: (line: string) => void,
  signal: AbortSignal,
): Promise<Report> {
  const startedAt = new Date();
  const mappingFile = loadMappingFile(config ?? null, process.env, connection);
  const { inSandbox, modesOf } = await optionalPackage(
    ['zendesk-sandbox', 'pms-sandbox'],
    () => import('../../../checks/verify/verifySandbox.js'),
  );
  // A fault of the mapping is reported before anything is started.
  const { version } = loadMapping(mappingFile);
  const modes = modesOf(mappingFile);
  return inSandbox(mappingFile, modes, onProgress, async (synced) => {
    const counts = new Map<CommentMode, [number, number]>();
    const runs = modes.map((mode) => {
      const { mapping, apis, reasons } = synced[mode];
      return runChecklist(
        {
          mapping,
          apis,
          reasons,
          tag: 'verify',
          patience: { timeoutMs: timeout * 1000, lookMs: LOOK_MS.sandbox, signal },
          // The other entities are the same in both modes, so they are checked in the first one only.
          without: mode === modes[0] ? [] : ['OrgToCustomer', 'TicketToProject'],
          onProgress(done, all) {
            counts.set(mode, [done, all]);
            const sum = (n: 0 | 1) => [...counts.values()].reduce((total, each) => total + each[n], 0);
            onProgress(`${sum(0)} of ${sum(1)} lines`);
          },
        },
        new Made(),
      );
    });
    const broken = modes.map(async (mode): Promise<never> => {
      throw new Problem(`the sync ended unexpectedly:\n${await synced[mode].ended}`);
    });
    const results = await Promise.race([Promise.all(runs), ...broken]);
    return reportOf(results.flat(), { startedAt, mappingFile, version, tag: null, leftBehind: [] });
  });
}

/**
 * How verify reads the PMS. For the contract, it uses a client of its own, which shares no code with the adapter; any
 * other system is read through its profile.
 * @throws ConfigError if there is no profile
 */
function viewOf(config: Config, pms: SystemPort, mapping: Mapping, budgets: RateBudgets): PmsView {
  if (config.pmsAdapter === undefined && config.pmsProfile === CONTRACT)
    return new PmsApi({
      baseUrl: config.pmsBaseUrl,
      token: config.pmsToken,
      rate: { rules: loadPmsAdapter(config).rate ?? untoldRate(), budget: budgets.of('pms') },
    });
  if (pms instanceof ProfileSystem) return new ProfileApi(pms, mapping);
  throw new ConfigError(
    `PMS_ADAPTER: found ${config.pmsAdapter}, expected a profile: verify edits records of the PMS through it; conform tests an adapter`,
  );
}

async function verifyAccounts(
  tag: string,
  { timeout = TIMEOUT_SECONDS.real, ...options }: VerifyOptions,
  onProgress: (line: string) => void,
  signal: AbortSignal,
): Promise<Report> {
  const startedAt = new Date();
  const config = settingsFor(options);
  const unbound = loadMapping(config.mappingFile);
  const budgets = configuredBudgets(config);
  const systems = configuredSystems(config, { budgets });
  return inCallContext({ lane: 'background' }, async () => {
    const mapping: Mapping = await checkMapping(unbound, systems, config.mappingFile);
    const apis = {
      zendesk: new ZendeskApi({
        baseUrl: config.zendeskBaseUrl,
        as: zendeskCredential({
          baseUrl: config.zendeskBaseUrl,
          auth: config.zendeskAuth,
          scopes: VERIFY_SCOPES,
        }),
        budget: budgets.of('zendesk'),
      }),
      pms: viewOf(config, systems.pms, mapping, budgets),
    };
    const [made, reasons] = [new Made(), await reasonsIn(config)];
    let results: Result[] = [];
    let leftBehind: string[] = [];
    try {
      const patience = {
        timeoutMs: timeout * 1000,
        lookMs: Math.min(LOOK_MS.most, (timeout * 1000) / LOOKS),
        signal,
      };
      // A second run with the same tag must not find records of the first one by their names.
      const marked = `${tag}-${randomBytes(2).toString('hex')}`;
      results = await runChecklist(
        {
          ...{ mapping, apis },
          reasons,
          tag: marked,
          patience,
          onProgress: (done, all) => onProgress(`${done} of ${all} lines`),
        },
        made,
      );
    } finally {
      await reasons?.close();
      onProgress('removing the created records');
      leftBehind = await made.remove(apis);
    }
    return reportOf(results, {
      startedAt,
      mappingFile: config.mappingFile,
      version: mapping.version,
      tag,
      leftBehind,
    });
  });
}

/**
 * Reads the reasons of pairs from the service's link store; null if the store cannot be reached. Then reasons are not
 * checked.
 */
async function reasonsIn(config: Config): Promise<Awaited<ReturnType<typeof linkReasons>> | null> {
  const uri = foundAddress('mongodbUri', config, DATA_DIR);
  if (uri === undefined) return null;
  return linkReasons(uri, config.mongodbDatabase).catch(() => null);
}

function reportOf(
  results: Result[],
  {
    startedAt,
    version,
    ...rest
  }: Pick<Report, 'mappingFile' | 'tag' | 'leftBehind'> & { startedAt: Date; version: string },
): Report {
  const seconds = (Date.now() - startedAt.getTime()) / 1000;
  return { results, startedAt: startedAt.toISOString(), seconds, mappingVersion: version, ...rest };
}

function tell(report: Report, { json, markdown, html, junit }: VerifyOptions): void {
  if (markdown !== undefined) write('--markdown', markdown, markdownOf(report));
  if (html !== undefined) write('--html', html, htmlOf(report));
  if (junit !== undefined) write('--junit', junit, junitOf(report));
  if (json) {
    const counts = countsOf(report.results);
    const { results, ...head } = report;
    printJson({ ok: counts.failed === 0, counts, ...head, results });
    return;
  }
  for (const [title, results] of groupsOf(report.results)) {
    printLine(paint('bold', title));
    printTable(
      ['', 'property', 'direction', 'what', 'after', 'evidence'],
      results.map((result) => [
        MARKS[result.status],
        result.line.subject,
        directionOf(result),
        result.line.what,
        secondsIn(result.seconds),
        [evidenceOf(result), recordsOf(result)].filter((each) => each !== '').join('  '),
      ]),
    );
    printLine();
  }
  const { failed } = countsOf(report.results);
  const colour: Colour = failed > 0 ? 'red' : 'green';
  for (const left of report.leftBehind) printLine(paint('yellow', `left behind: ${safe(left)}`));
  printLine(paint(colour, summaryOf(report)));
}

/** @throws BadInput that names the option, if the file cannot be written */
function write(option: string, file: string, content: string): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new BadInput(`${option}: ${file} cannot be written (${code})`);
  }
}
