import { once } from 'node:events';
import { Command, Option } from 'commander';
import { loadZendeskData } from 'zendesk-sandbox';
import type { LinkStatus } from '../../src/sync/link';
import { controlsOf, quickEdits, scriptEdits, sleep, type Edit } from 'testkit';
import type { CheckOptions, StatedRefusal, StoredLink } from './agreementReport';
import { checkAgreement } from './checker';
import { generateData } from './data';
import { printLatencies, printReport, printSpending, printUnlinked, type Latency } from './demoTables';
import { ZENDESK_POLL_SECONDS, startEnvironment, type Environment } from './environment';
import { PMS_NAMES, type PmsName } from './pms';
import { ProgressLine, colour, formatDuration, printLine, printTable } from './report';
import { seedBoth } from './seed';
import { Meter, difference, type Spending } from './spending';
import { SIDES } from '../../src/sync/record';
import { PAIRS_AT_WORK } from '../../src/workers/pairSignals';
import { pollScheduleId } from '../../src/workers/schedules';

/**
 * `npm run demo`: syncs two systems until they agree, and compares them with a checker that shares no code with the
 * sync.
 */

interface Options {
  size: number;
  seed: number;
  data?: string;
  pms: PmsName;
  keep: boolean;
  killWorker: boolean;
}

const out = process.stdout;
const CHECKER = { zendesk: 'ann@sandbox.example', pms: { email: 'checker@demo.example', name: 'Checker' } };
/** No change for longer than a poll of either side means that no more changes are coming. */
const QUIET_MS = ZENDESK_POLL_SECONDS * 1000 * 2 + 1_000;
const ARRIVAL_TIMEOUT_MS = 90_000;
const LOOK_MS = 50;
/** Edits for measuring the latency, in addition to those of the script. */
const QUICK_EDITS = 50;

async function main(): Promise<void> {
  const options = new Command('demo')
    .option('--size <n>', 'amount of data; 1 is about 700 records', Number, 1)
    .option('--seed <n>', 'seed of the generated data', Number, 1)
    .option('--data <dir>', 'load records from this folder instead of generating them')
    .addOption(
      new Option('--pms <name>', 'the system that Zendesk is synced with')
        .choices(PMS_NAMES)
        .default('sandbox'),
    )
    .option('--keep', 'leave everything running at the end', false)
    .option('--kill-worker', 'kill the worker during the sync and restart it', false)
    .parse()
    .opts<Options>();
  printLine(out, colour(out, 'bold', 'Two systems come into agreement'));
  const environment = await startEnvironment(options.pms, (line) => printLine(out, line));
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => stopped.abort(new Error('stopped by a signal')));
  // Null if a signal stopped the demo.
  let ok: boolean | null = false;
  try {
    ok = await Promise.race([run(environment, options), untilAborted(stopped.signal)]);
    if (options.keep && ok !== null) await keepRunning(environment, stopped.signal);
    process.exitCode = ok ? 0 : 1;
  } finally {
    await environment.stop({ keepLogs: ok === false });
    if (ok === false) printLine(out, `The logs are in ${environment.folder}`);
  }
}

async function untilAborted(signal: AbortSignal): Promise<null> {
  await once(signal, 'abort');
  return null;
}

async function run(environment: Environment, options: Options): Promise<boolean> {
  const { zendesk, pms, temporal, worker } = environment;
  printLine(out, `  Temporal  ${temporal.address} (${temporal.how})  Web UI ${temporal.uiUrl ?? '—'}`);
  printLine(out, `  MongoDB   ${environment.mongo.uri} (${environment.mongo.how})`);
  printLine(out, `  Zendesk   ${zendesk.url}/api/v2   ${pms.about}`);
  const checkerToken = await controlsOf(pms).tokenOf(CHECKER.pms);
  const access = {
    zendesk: { url: zendesk.url, token: zendesk.bearer(CHECKER.zendesk) },
    pms: { url: pms.url, token: checkerToken },
  };
  const meter = new Meter([
    { url: zendesk.url, user: zendesk.adminEmail },
    { url: pms.url, user: pms.syncUser },
  ]);

  const agents = await fill(environment, options, access);
  worker.start();
  printLine(out, `Sync running (worker pid ${worker.pid ?? '—'}, log ${worker.logFile})`);
  const started = Date.now();
  await untilQuiet(environment, meter, options.killWorker);
  const first = await meter.read();
  printLine(
    out,
    `First sync: ${await countLinked(environment)} pairs linked in ${formatDuration(Date.now() - started - QUIET_MS)}${worker.restarts > 0 ? `, worker restarts: ${worker.restarts}` : ''}`,
  );

  let live: Spending | null = null;
  let edits = 0;
  if (agents.length > 0) {
    edits = await liveEdits(environment, meter, access, agents);
    await untilQuiet(environment, meter, false);
    live = difference(await meter.read(), first);
  }
  const before = await meter.read();
  await sleep(QUIET_MS);
  const idle = difference(await meter.read(), before);

  printLine(out, 'Comparing both systems record by record …');
  const report = await checkAgreement({ ...access, keeps: pms.keeps, ...(await storedLinks(environment)) });
  printReport(report);
  await printUnlinked(environment);
  printSpending(first, live, idle, await countLinked(environment), edits);
  for (const each of pms.lacks) printLine(out, `Not possible with this PMS: ${each}`);
  const ok = report.ok && idle.writes === 0;
  printLine(
    out,
    ok
      ? colour(out, 'green', 'Both systems agree.')
      : colour(out, 'red', 'The systems do not agree; see above.'),
  );
  return ok;
}

/** Loads or generates records. @returns the agents who edit later; loaded records are not edited */
async function fill(
  environment: Environment,
  options: Options,
  access: Parameters<typeof seedBoth>[0],
): Promise<{ email: string; name: string }[]> {
  const { zendesk, pms } = environment;
  if (options.data !== undefined) {
    if (!pms.load)
      throw new Error(`--data: only the PMS sandbox can be filled from a folder, not ${options.pms}`);
    const loaded = await loadZendeskData(zendesk.store, zendesk.tickets, options.data);
    const other = await pms.load(options.data);
    printLine(
      out,
      `Loaded from ${options.data}: Zendesk ${loaded.organizations} organizations, ${loaded.tickets} tickets, ${loaded.comments} comments; PMS ${other.customers} customers, ${other.projects} projects, ${other.notes} notes`,
    );
    for (const line of loaded.skipped) printLine(out, `  not loaded: ${line}`);
    return [];
  }
  const data = generateData({ size: options.size, seed: options.seed });
  const progress = new ProgressLine(out);
  await seedBoth(access, data, (step, done, total) => progress.update(`Filling ${step}`, done, total));
  const comments = data.zendesk.tickets.reduce((sum, ticket) => sum + ticket.comments.length, 0);
  progress.finish(
    `Filled Zendesk with ${data.zendesk.organizations.length} organizations, ${data.zendesk.tickets.length} tickets, ${comments} comments; ` +
      `the PMS with ${data.pms.customers.length} customers, ${data.pms.projects.length} projects, ${data.pms.notes.length} notes`,
  );
  return data.agents.map(({ email, name }) => ({ email, name }));
}

/** Waits until no pair is at work and nothing was written for longer than a poll takes. */
async function untilQuiet(environment: Environment, meter: Meter, killWorker: boolean): Promise<void> {
  const { client, store, worker } = environment;
  const progress = new ProgressLine(out);
  let last = '';
  let since = Date.now();
  let killed = false;
  for (;;) {
    await sleep(1_000);
    const counts = await store.countByStatus();
    const linked = total(counts, 'linked');
    const pending = total(counts, 'pending');
    const { count: running } = await client.workflow.count(PAIRS_AT_WORK);
    const { writes, polls, calls } = await meter.read();
    progress.update(
      'Syncing: linked',
      linked,
      null,
      `at work ${running}, waiting ${pending}, API calls ${calls}`,
    );
    if (killWorker && !killed && writes > 60) {
      killed = true;
      progress.finish(
        `Killing the worker (pid ${worker.pid ?? '—'}) at ${linked} pairs; it will be restarted`,
      );
      worker.kill();
    }
    const state = JSON.stringify([counts, writes, running]);
    if (state !== last || running > 0 || polls === 0 || (killWorker && !killed)) {
      last = state;
      since = Date.now();
    } else if (Date.now() - since > QUIET_MS) {
      progress.finish(`Quiet: ${linked} linked, ${pending} waiting`);
      return;
    }
  }
}

async function liveEdits(
  environment: Environment,
  meter: Meter,
  access: Parameters<typeof seedBoth>[0],
  agents: { email: string; name: string }[],
): Promise<number> {
  const { zendesk, pms } = environment;
  printLine(out, colour(out, 'bold', '\nPeople edit on both sides'));
  const office = {
    zendesk: { url: zendesk.url, bearer: zendesk.bearer, admin: CHECKER.zendesk },
    pms: { url: pms.url, token: access.pms.token },
    agents,
    reportsNoteEdits: pms.reportsNoteEdits,
  };
  const script = await scriptEdits(office);
  if (pms.hasWebhooks) {
    for (const url of await environment.receive()) printLine(out, `  webhook  ${url}`);
    await setPolling(environment, false);
    printLine(out, '  polling is paused, so webhooks report the following edits');
  }
  const rows: (string | number)[][] = [];
  const latencies: Latency[] = [];
  const progress = new ProgressLine(out);
  for (const edit of script) {
    progress.update(edit.title, rows.length + 1, script.length);
    const before = await meter.read();
    const { evidence, took } = await watch(edit);
    latencies.push({ where: edit.where, took });
    const spent = difference(await meter.read(), before);
    rows.push([
      edit.where,
      edit.title,
      evidence ?? 'did not arrive',
      formatDuration(took),
      spent.writes,
      spent.reads,
    ]);
  }
  for (const edit of await quickEdits(office, QUICK_EDITS)) {
    progress.update('Quick edits', latencies.length - script.length + 1, QUICK_EDITS);
    latencies.push({ where: edit.where, took: (await watch(edit)).took });
  }
  if (pms.hasWebhooks) await setPolling(environment, true);
  progress.finish(`${latencies.length} edits made${pms.hasWebhooks ? '; polling is resumed' : ''}`);
  printTable(
    out,
    'Edits and their arrival',
    [
      { title: 'edited in' },
      { title: 'edit' },
      { title: 'seen on the other side' },
      { title: 'after', align: 'right' },
      { title: 'writes', align: 'right' },
      { title: 'reads', align: 'right' },
    ],
    rows,
  );
  printLatencies(latencies, pms.hasWebhooks ? 'webhooks' : 'polling');
  return latencies.length;
}

/** Makes an edit and waits until it arrives on the other side. */
async function watch(edit: Edit): Promise<{ evidence: string | null; took: number }> {
  await edit.act();
  const started = Date.now();
  let evidence = await edit.arrived();
  while (evidence === null && Date.now() - started < ARRIVAL_TIMEOUT_MS) {
    await sleep(LOOK_MS);
    evidence = await edit.arrived();
  }
  return { evidence, took: Date.now() - started };
}

/** Pauses or resumes the Schedules that poll, as an operator can in the Web UI. */
async function setPolling({ client, taskQueue }: Environment, on: boolean): Promise<void> {
  for (const side of SIDES) {
    const schedule = client.schedule.getHandle(pollScheduleId(taskQueue, side));
    await (on
      ? schedule.unpause('the demo continues')
      : schedule.pause('the demo shows the speed of webhooks'));
  }
}

async function storedLinks({
  store,
}: Environment): Promise<Required<Pick<CheckOptions, 'links' | 'waiting' | 'notTaken'>>> {
  const links: StoredLink[] = [];
  const waiting = new Map<string, string>();
  const notTaken = new Map<string, StatedRefusal[]>();
  for await (const link of store.all()) {
    const { zendesk, pms } = link.sides;
    if (zendesk && pms) links.push({ zendesk: zendesk.ref, pms: pms.ref });
    if (link.notTaken && zendesk) notTaken.set(zendesk.ref, link.notTaken);
    // Values that were not taken explain differences in these properties only.
    if (link.status === 'linked' && (link.reason === null || link.reason.code === 'not_taken')) continue;
    const reason =
      link.status === 'conflict'
        ? `conflict: ${link.reason?.text ?? ''}`
        : (link.reason?.text ?? link.status);
    const origin = link._id.slice(link._id.indexOf('/') + 1);
    for (const ref of new Set([origin, zendesk?.ref, pms?.ref]))
      if (ref !== undefined) waiting.set(ref, reason);
  }
  return { links, waiting, notTaken };
}

async function countLinked({ store }: Environment): Promise<number> {
  return total(await store.countByStatus(), 'linked');
}

function total(counts: Record<string, Record<LinkStatus, number>>, status: LinkStatus): number {
  return Object.values(counts).reduce((sum, row) => sum + row[status], 0);
}

async function keepRunning({ temporal, zendesk, pms }: Environment, signal: AbortSignal): Promise<void> {
  printLine(out, `\nStill running; press Ctrl-C to stop.\n  Temporal Web UI  ${temporal.uiUrl ?? '—'}`);
  printLine(out, `  Zendesk sandbox  ${zendesk.url}/api/v2  Bearer ${zendesk.bearer(CHECKER.zendesk)}`);
  printLine(out, `  ${pms.about}  Bearer ${pms.token}`);
  if (!signal.aborted) await once(signal, 'abort');
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
