import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Connection, isGrpcServiceError, type ConnectionOptions } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { buildOnce, cacheRoot, canDownload, onPath, runBuild, runnable } from './serverCache';
import type { EmbeddedOptions, EmbeddedTemporal } from './options';
import { optionalPackage } from '../optionalPackage';
import { freePort } from '../ports';
import { startServer } from './process';
import { NoAnswerError, firstThatWorks, type Way } from './ways';

/** Later versions do not resolve as a Go module. */
const VERSION = 'v1.5.1';
const MODULE = `github.com/temporalio/cli/cmd/temporal@${VERSION}`;
const DOWNLOAD_HOST = 'https://temporal.download';
const DOWNLOAD_TIMEOUT_MS = 120_000;

/** @throws NoServerError if no way works, ServerFailed if the found server does not start, NoAnswerError */
export async function startTemporal(options: EmbeddedOptions = {}): Promise<EmbeddedTemporal> {
  const env = options.env ?? process.env;
  const given = options.temporalAddress ?? env['TEMPORAL_ADDRESS'];
  const namespace = options.namespace ?? 'default';
  if (given !== undefined && given !== '') {
    await untilReady({ address: given, ...options.temporalConnection }, 10_000).catch((error: Error) => {
      throw new NoAnswerError(`TEMPORAL_ADDRESS: ${given} does not answer (${error.message})`);
    });
    return {
      address: given,
      namespace,
      uiUrl: null,
      how: 'given address',
      pid: null,
      stop: async () => undefined,
    };
  }
  const { name, result } = await firstThatWorks(
    'Temporal server',
    binaries(options, env),
    'Set TEMPORAL_ADDRESS to a running server, put the "temporal" program on PATH, or install Go to build it.',
  );
  // Outside of `firstThatWorks`: if an available server does not start, trying another way would hide the cause.
  return startBinary(result, name, options);
}

/** Finds, downloads or builds the program without starting it. */
export async function prepareTemporal(options: EmbeddedOptions = {}): Promise<string> {
  const env = options.env ?? process.env;
  const { result } = await firstThatWorks(
    'Temporal server',
    binaries(options, env),
    'Install Go, or put the "temporal" program on PATH.',
  );
  return result;
}

function ifRunnable(program: string | null): string | null {
  return program === null ? null : runnable(program);
}

function binaries(options: EmbeddedOptions, env: NodeJS.ProcessEnv): Way<string>[] {
  const root = cacheRoot(env);
  const built = path.join(root, `temporal-${VERSION}`, 'temporal');
  const progress = options.onProgress ?? (() => undefined);
  return [
    { name: 'temporal on PATH', attempt: async () => ifRunnable(onPath('temporal', env)) },
    {
      name: `cached build (${built})`,
      attempt: async () => onPath('temporal', { PATH: path.dirname(built) }),
    },
    { name: `download from ${DOWNLOAD_HOST}`, attempt: () => download(root, progress, env) },
    {
      name: `go install ${MODULE}`,
      attempt: async () => {
        const go = onPath('go', env);
        if (go === null) throw new Error('Go is not installed');
        const folder = await buildOnce(root, `temporal-${VERSION}`, async (scratch) => {
          progress(`Building Temporal ${VERSION} from its Go module; about 3–5 minutes, once.`);
          await runBuild(go, ['install', MODULE], {
            cwd: scratch,
            env: { GOBIN: scratch, GOFLAGS: '' },
            what: 'building Temporal',
            onProgress: progress,
          });
        });
        return path.join(folder, 'temporal');
      },
    },
  ];
}

/** Downloads the program by starting a server of the SDK; only the file is needed, so the server is stopped again. */
async function download(
  root: string,
  progress: (line: string) => void,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  if (env['ZPS_NO_DOWNLOAD'] === '1') throw new Error('ZPS_NO_DOWNLOAD is set');
  if (!(await canDownload(DOWNLOAD_HOST))) throw new Error('the host cannot be reached');
  const folder = await buildOnce(root, 'temporal-download', async (scratch) => {
    progress('Fetching Temporal’s dev server, once.');
    const { TestWorkflowEnvironment } = await optionalPackage(
      ['@temporalio/testing'],
      () => import('@temporalio/testing'),
    );
    const starting = TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'cached-download', downloadDir: scratch, version: VERSION } },
    });
    const timeout = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error('the download took too long')), DOWNLOAD_TIMEOUT_MS).unref();
    });
    const environment = await Promise.race([starting, timeout]);
    await environment.teardown();
  });
  const { readdirSync } = await import('node:fs');
  const [file] = readdirSync(folder).filter((name) => name.startsWith('temporal'));
  if (file === undefined) throw new Error(`nothing was downloaded into ${folder}`);
  return path.join(folder, file);
}

async function startBinary(binary: string, how: string, options: EmbeddedOptions): Promise<EmbeddedTemporal> {
  const port = options.temporalPort ?? (await freePort());
  const namespace = options.namespace ?? 'default';
  const dataDir = options.dataDir ?? mkdtempSync(path.join(tmpdir(), 'zps-temporal-'));
  mkdirSync(dataDir, { recursive: true });
  const args = [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--namespace',
    namespace,
    '--log-level',
    'error',
  ];
  // This version ignores priorities without the new matcher; later versions enable it by default.
  const config = { 'matching.useNewMatcher': true, ...options.temporalConfig };
  for (const [key, value] of Object.entries(config)) args.push('--dynamic-config-value', `${key}=${value}`);
  let uiUrl: string | null = null;
  if (options.uiPort === undefined || options.uiPort === false) args.push('--headless');
  else {
    const uiPort = options.uiPort === 0 ? await freePort() : options.uiPort;
    args.push('--ui-port', String(uiPort));
    uiUrl = `http://127.0.0.1:${uiPort}`;
  }
  if (options.dataDir !== undefined) {
    // These pragmas are durable enough for a development server, and 50 % faster than the default.
    args.push('--db-filename', path.join(dataDir, 'temporal.db'));
    args.push('--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=OFF');
  }
  for (const [name, type] of Object.entries(options.searchAttributes ?? {}))
    args.push('--search-attribute', `${name}=${type}`);
  const server = await startServer([binary, ...args], port, path.join(dataDir, 'temporal.log'));
  const address = `127.0.0.1:${port}`;
  try {
    await untilReady({ address }, 60_000, namespace);
  } catch (error) {
    await server.stop();
    throw error;
  }
  const stop = async () => {
    await server.stop();
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
  };
  return { address, namespace, uiUrl, how, pid: server.pid, stop };
}

/** Waits until the server answers and has the namespace. */
async function untilReady(options: ConnectionOptions, timeoutMs: number, namespace?: string): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      const connection = await Connection.connect({ connectTimeout: 5_000, ...options });
      try {
        if (namespace !== undefined) await connection.workflowService.describeNamespace({ namespace });
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (Date.now() > deadline) throw error instanceof Error ? error : new Error(String(error));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** Temporal Cloud has no operator API; its users add search attributes in its console. */
const NOT_OFFERED = new Set([7 /* PERMISSION_DENIED */, 12 /* UNIMPLEMENTED */]);

/**
 * Adds missing search attributes to a server, also to an existing one.
 * @returns false if the server does not let clients manage them (Temporal Cloud)
 */
export async function ensureSearchAttributes(
  address: string,
  namespace: string,
  wanted: NonNullable<EmbeddedOptions['searchAttributes']>,
  options: EmbeddedOptions['temporalConnection'] = {},
): Promise<boolean> {
  const connection = await Connection.connect({ address, ...options });
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const types = temporal.api.enums.v1.IndexedValueType;
    const missing = Object.entries(wanted).filter(([name]) => !(name in (customAttributes ?? {})));
    if (missing.length === 0) return true;
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(
        missing.map(([name, type]) => [name, types[`INDEXED_VALUE_TYPE_${type.toUpperCase() as 'KEYWORD'}`]]),
      ),
    });
    return true;
  } catch (error) {
    if (isGrpcServiceError(error) && NOT_OFFERED.has(error.code)) return false;
    throw error;
  } finally {
    await connection.close();
  }
}
