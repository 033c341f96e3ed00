import { Connection, type Client } from '@temporalio/client';
import type { StreamPosition } from '../links/cursorStore';
import { commandLine } from '../platform/commandLine';
import { contradictions, mongoClient } from '../platform/mongoClient';
import { ConfigError, type Config } from '../config/config';
import { checkMapping, loadMapping } from '../config/loadMapping';
import { MappingError } from '../sync/mappingFile';
import { SIDES, type Side } from '../sync/record';
import { NeedsHuman } from '../systems/errors';
import type { SystemPort } from '../systems/port';
import type { WebhookAdmin } from '../systems/webhookAdmin';
import { clientOver, connectionOptions } from '../workers/temporalClient';
import { withoutPassword } from '../workers/service';
import { SEARCH_ATTRIBUTES } from '../workflows/searchAttributes';
import { credentialOf, NAMES } from './credentialNames';
import type { Finding } from './finding';
import { firstLine, wordsOf } from './errorWords';
import { webhooks } from './webhookFindings';
import { unstatedIn } from './whoSees';
import { zendeskAccess } from './zendeskAccess';
import { pollersOf } from './pollers';
import { schedulesOf } from './scheduleStates';
import { restingNow, restingWords, storedBindings } from './resting';
import { storedPositions, streamFindings } from './streamFindings';
import { serverTime } from './serverTime';

export interface DoctorInput {
  config: Config;
  /** Null if no address is configured, and no service that runs its own server was found. */
  temporalAddress: string | null;
  mongodbUri: string | null;
  systems: Record<Side, SystemPort>;
  admins: readonly WebhookAdmin[];
}

/** The receiver refuses signatures that are older than five minutes. Half of that is left for the transport. */
const SKEW_LIMIT_SECONDS = 120;
const NOT_RUNNING = 'nothing is configured, and no service with a server of its own runs in this folder';

/** Checks everything that the service needs, one after the other. Writes nothing but a scratch document. */
export async function* examine(input: DoctorInput): AsyncIterable<Finding> {
  yield* temporal(input);
  yield* mongodb(input);
  const positions = await storedPositions(input.mongodbUri, input.config.mongodbDatabase);
  for (const side of SIDES) yield* system(input, side, positions);
  yield* mapping(input);
  yield* webhooks(input);
}

async function* temporal({ config, temporalAddress }: DoctorInput): AsyncIterable<Finding> {
  const what = 'Temporal';
  if (temporalAddress === null) {
    yield {
      what,
      state: 'off',
      found: NOT_RUNNING,
      cure: `run "${commandLine('start')}", which runs a server of its own, or set TEMPORAL_ADDRESS`,
    };
    return;
  }
  let connection: Connection;
  try {
    connection = await Connection.connect({
      address: temporalAddress,
      connectTimeout: 10_000,
      ...connectionOptions(config),
    });
  } catch (error) {
    yield {
      what,
      state: 'failed',
      found: `${temporalAddress} does not answer (${firstLine(error)})`,
      cure: 'check TEMPORAL_ADDRESS, TEMPORAL_TLS and TEMPORAL_API_KEY, and that the server runs',
    };
    return;
  }
  try {
    if (!(yield* namespace(connection, config, temporalAddress))) return;
    const client = clientOver(connection, config, null);
    yield* workersAndSchedules(client, config);
  } finally {
    await connection.close();
  }
}

/** @returns whether the namespace exists; without it, the other checks of Temporal make no sense */
async function* namespace(
  connection: Connection,
  config: DoctorInput['config'],
  address: string,
): AsyncGenerator<Finding, boolean> {
  const what = 'Temporal';
  const { temporalNamespace: name } = config;
  const { serverVersion } = await connection.workflowService.getSystemInfo({});
  try {
    await connection.workflowService.describeNamespace({ namespace: name });
  } catch (error) {
    yield {
      what,
      state: 'failed',
      found: `namespace ${name}: ${firstLine(error)}`,
      cure: `check TEMPORAL_NAMESPACE, or create it: temporal operator namespace create --namespace ${name}`,
    };
    return false;
  }
  yield {
    what,
    state: 'ok',
    found: `${address}, server ${serverVersion}, namespace ${name}`,
    cure: null,
  };
  yield await searchAttributes(connection, name);
  return true;
}

async function* workersAndSchedules(client: Client, config: DoctorInput['config']): AsyncIterable<Finding> {
  const workers = await pollersOf(client, config.taskQueue);
  yield workers > 0
    ? { what: 'Workers', state: 'ok', found: `${workers} on task queue ${config.taskQueue}`, cure: null }
    : {
        what: 'Workers',
        state: 'off',
        found: `none on task queue ${config.taskQueue}`,
        cure: `run "${commandLine('start')}"`,
      };
  for (const { id, exists, paused, note, nextRun } of await schedulesOf(client, config.taskQueue)) {
    const wanted = config.reconcileCron !== 'off' || !id.endsWith('-reconcile');
    if (!exists && !wanted) continue;
    yield {
      what: `Schedule ${id}`,
      state: !exists ? 'off' : paused ? 'warning' : 'ok',
      found: !exists
        ? 'not there yet'
        : paused
          ? `paused: ${note || 'no note'}`
          : `next run ${nextRun ?? '—'}`,
      cure: !exists
        ? `run "${commandLine('start')}", which creates it`
        : paused
          ? `run "${commandLine(`schedules resume ${id}`)}"`
          : null,
    };
  }
}

async function searchAttributes(connection: Connection, namespace: string): Promise<Finding> {
  const what = 'Search attributes';
  const wanted = Object.entries(SEARCH_ATTRIBUTES);
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = wanted.filter(([name]) => !(name in (customAttributes ?? {})));
    if (missing.length === 0)
      return { what, state: 'ok', found: wanted.map(([name]) => name).join(', '), cure: null };
    return {
      what,
      state: 'warning',
      found: `missing: ${missing.map(([name]) => name).join(', ')}`,
      cure: `"${commandLine('start')}" creates them, or: ${missing.map(([name, type]) => `temporal operator search-attribute create --name ${name} --type ${type}`).join(' && ')}`,
    };
  } catch (error) {
    return {
      what,
      state: 'warning',
      found: `cannot be listed (${firstLine(error)})`,
      cure: `in Temporal Cloud, create these as Keyword under the namespace: ${wanted.map(([name]) => name).join(', ')}`,
    };
  }
}

async function* mongodb({ config, mongodbUri }: DoctorInput): AsyncIterable<Finding> {
  const what = 'MongoDB';
  if (mongodbUri === null) {
    yield {
      what,
      state: 'off',
      found: NOT_RUNNING,
      cure: `run "${commandLine('start')}", which runs a server of its own, or set MONGODB_URI`,
    };
    return;
  }
  const shown = withoutPassword(mongodbUri);
  const contrary = contradictions(mongodbUri);
  if (contrary.length > 0)
    yield {
      what,
      state: 'failed',
      found: `MONGODB_URI sets ${contrary.join(', ')}, which the sync ignores: it reads from the primary and waits for a majority`,
      cure: `remove ${contrary.join(' and ')} from MONGODB_URI`,
    };
  const mongo = mongoClient(mongodbUri, { serverSelectionTimeoutMS: 10_000 });
  try {
    const db = mongo.db(config.mongodbDatabase);
    const { version } = (await db.command({ buildInfo: 1 })) as { version?: string };
    const scratch = db.collection<{ _id: string; at: Date }>('doctor');
    const started = Date.now();
    await scratch.replaceOne({ _id: 'scratch' }, { at: new Date() }, { upsert: true });
    await scratch.deleteOne({ _id: 'scratch' });
    yield {
      what,
      state: 'ok',
      found: `${shown}, version ${version ?? 'unknown'}, two writes in ${Date.now() - started} ms`,
      cure: null,
    };
    // `isMaster` is the old name of `hello`, which the MongoDB-compatible server that `start` runs does not know.
    const { localTime } = (await db.command({ isMaster: 1 })) as { localTime?: Date };
    if (localTime) yield clock('MongoDB', localTime);
  } catch (error) {
    yield {
      what,
      state: 'failed',
      found: `${shown}: ${firstLine(error)}`,
      cure: 'check MONGODB_URI, and that its user may read and write the database ' + config.mongodbDatabase,
    };
  } finally {
    await mongo.close();
  }
}

async function* system(
  { config, systems }: DoctorInput,
  side: Side,
  positions: readonly StreamPosition[],
): AsyncIterable<Finding> {
  const port = systems[side];
  const name = NAMES[side];
  const address = side === 'zendesk' ? config.zendeskBaseUrl : config.pmsBaseUrl;
  try {
    yield {
      what: `${name}: credential`,
      state: 'ok',
      found: `${address} as ${await port.whoAmI()}`,
      cure: null,
    };
  } catch (error) {
    const cure =
      error instanceof NeedsHuman
        ? `check ${credentialOf(config, side)}`
        : `check ${side === 'zendesk' ? 'ZENDESK_SUBDOMAIN (or ZENDESK_BASE_URL)' : 'PMS_BASE_URL'}, and that this machine reaches it`;
    yield { what: `${name}: credential`, state: 'failed', found: wordsOf(error), cure };
    return;
  }
  const date = await serverTime(address);
  if (date) yield clock(name, date);
  if (side === 'zendesk') yield* access(config);
  yield* streamFindings({
    port,
    credential: credentialOf(config, side),
    positions,
    connection: config.connection,
  });
}

async function* access(config: Config): AsyncIterable<Finding> {
  try {
    yield* zendeskAccess(config);
  } catch (error) {
    yield {
      what: 'Zendesk: acts as',
      state: 'failed',
      found: wordsOf(error),
      cure: `check ${credentialOf(config, 'zendesk')}`,
    };
  }
}

function clock(of: string, there: Date): Finding {
  const seconds = Math.round((Date.now() - there.getTime()) / 1000);
  const what = `Clock: ${of}`;
  const found =
    Math.abs(seconds) <= 1
      ? 'the same as here'
      : `${Math.abs(seconds)} s ${seconds > 0 ? 'behind' : 'ahead of'} this machine`;
  return Math.abs(seconds) <= SKEW_LIMIT_SECONDS
    ? { what, state: 'ok', found, cure: null }
    : {
        what,
        state: 'warning',
        found,
        cure: 'set both clocks by NTP: webhooks are refused when their time differs by five minutes, and "winner: latest" depends on each side’s clock',
      };
}

async function* mapping({ config, mongodbUri, systems }: DoctorInput): AsyncIterable<Finding> {
  const what = 'Mapping';
  const stored = await storedBindings(mongodbUri, config.mongodbDatabase);
  try {
    const { version, entities, resting } = await checkMapping(
      loadMapping(config.mappingFile),
      systems,
      config.mappingFile,
      stored.formerName,
    );
    const at = new Set(
      resting
        ?.filter(({ what: row }) => row.startsWith('row '))
        .map(({ entity, what: row }) => `${entity} ${row}`),
    );
    const rows = Object.values(entities).reduce((sum, table) => sum + table.rows.length, 0);
    const found = unstatedIn(Object.values(entities));
    const cure = `"${commandLine('mapping check')}" says which row ${config.mappingFile} needs`;
    if (found !== null) yield { what, state: 'warning', found, cure };
    yield {
      what,
      state: 'ok',
      found: `${config.mappingFile} (${version}): ${rows - at.size} rows fit the fields of both systems`,
      cure: null,
    };
    for (const each of restingNow(resting, stored))
      yield {
        what,
        state: 'warning',
        found: restingWords(each),
        cure: `activate the field again, or change ${config.mappingFile}`,
      };
  } catch (error) {
    if (!(error instanceof MappingError) && !(error instanceof ConfigError)) {
      yield {
        what,
        state: 'failed',
        found: wordsOf(error),
        cure: 'both systems must answer before it can be compared with their fields',
      };
      return;
    }
    yield {
      what,
      state: 'failed',
      found: error.message.split('\n').join('; '),
      cure: `correct ${config.mappingFile}; "${commandLine('mapping check')}" has the details`,
    };
  }
}
