import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MongoClient } from 'mongodb';
import { buildOnce, cacheRoot, canDownload, onPath, projectRoot, runBuild, runnable } from './serverCache';
import type { EmbeddedMongo, EmbeddedOptions } from './options';
import { optionalPackage } from '../optionalPackage';
import { freePort } from '../ports';
import { startServer } from './process';
import { NoAnswerError, firstThatWorks, type Way } from './ways';

const JAVA_SERVER_VERSION = '1.47.0';
const MONGOD_VERSION = '7.0.14';
const HEAP_MB = 2_048;
/** The Java server checks a database file that was not closed cleanly, which takes a minute for 3 GB. */
const OPENING_MS = 5 * 60_000;
const DOWNLOAD_HOST = 'https://fastdl.mongodb.org';

/** Builds the command that starts a server on a port, with its data in a folder. */
type Command = (port: number, place: Place) => string[];

interface Place {
  folder: string;
  /** Whether the data must outlive the server. If not, a server that supports it keeps the data in memory. */
  isKept: boolean;
  heapMb?: number;
}

/** @throws NoServerError if no way works, ServerFailed if the found server does not start, NoAnswerError */
export async function startMongo(options: EmbeddedOptions = {}): Promise<EmbeddedMongo> {
  const env = options.env ?? process.env;
  const given = options.mongodbUri ?? env['MONGODB_URI'];
  if (given !== undefined && given !== '') {
    await ping(given, 10_000).catch((error: Error) => {
      throw new NoAnswerError(`MONGODB_URI: the server does not answer (${error.message})`);
    });
    return { uri: given, how: 'given address', pid: null, stop: async () => undefined };
  }
  const { name, result } = await firstThatWorks(
    'MongoDB',
    commands(options, env),
    'Set MONGODB_URI to a running server, put "mongod" on PATH, or install JDK 17 and Maven to build one.',
  );
  // Outside of `firstThatWorks`: if an available server does not start, trying another way would hide the cause.
  return startCommand(result, name, options);
}

/** Finds, downloads or builds the server without starting it. */
export async function prepareMongo(options: EmbeddedOptions = {}): Promise<void> {
  const env = options.env ?? process.env;
  await firstThatWorks(
    'MongoDB',
    commands(options, env),
    'Install JDK 17 and Maven, or put "mongod" on PATH.',
  );
}

function commands(options: EmbeddedOptions, env: NodeJS.ProcessEnv): Way<Command>[] {
  const root = cacheRoot(env);
  const progress = options.onProgress ?? (() => undefined);
  const built = path.join(root, `mongo-java-${JAVA_SERVER_VERSION}-${sourceDigest(javaSources())}`);
  return [
    {
      name: 'mongod on PATH',
      attempt: async () => {
        const mongod = onPath('mongod', env);
        return mongod === null ? null : mongodCommand(runnable(mongod));
      },
    },
    {
      name: `cached build (${built})`,
      attempt: async () => (existsSync(built) ? javaCommand(built, env) : null),
    },
    {
      name: `download from ${DOWNLOAD_HOST}`,
      attempt: async () => {
        if (env['ZPS_NO_DOWNLOAD'] === '1') throw new Error('ZPS_NO_DOWNLOAD is set');
        if (!(await canDownload(DOWNLOAD_HOST))) throw new Error('the host cannot be reached');
        progress(`Fetching MongoDB ${MONGOD_VERSION}, once.`);
        const { MongoBinary } = await optionalPackage(
          ['mongodb-memory-server-core'],
          () => import('mongodb-memory-server-core'),
        );
        const downloadDir = path.join(root, 'mongod');
        return mongodCommand(runnable(await MongoBinary.getPath({ version: MONGOD_VERSION, downloadDir })));
      },
    },
    mavenBuild(root, built, env, progress),
  ];
}

function mavenBuild(
  root: string,
  built: string,
  env: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Way<Command> {
  return {
    name: `Maven build of mongo-java-server ${JAVA_SERVER_VERSION}`,
    attempt: async () => {
      const maven = onPath('mvn', env);
      if (maven === null) throw new Error('Maven is not installed');
      if (onPath('javac', env) === null) throw new Error('a JDK is not installed');
      await buildOnce(root, path.basename(built), async (scratch) => {
        progress(
          `Building a MongoDB-wire server (mongo-java-server ${JAVA_SERVER_VERSION}) with Maven; under a minute, once.`,
        );
        cpSync(javaSources(), scratch, { recursive: true });
        const build = { cwd: scratch, what: 'building mongo-java-server', onProgress: progress };
        await runBuild(
          maven,
          [
            '-q',
            '-B',
            'compile',
            'dependency:copy-dependencies',
            '-DoutputDirectory=lib',
            '-DincludeScope=runtime',
          ],
          build,
        );
      });
      return javaCommand(built, env);
    },
  };
}

function javaSources(): string {
  return path.join(projectRoot(), 'src/platform/embedded/mongo-java');
}

/** Part of the build's name, so that changed sources cause a new build. */
function sourceDigest(folder: string): string {
  const hash = createHash('sha256');
  for (const file of (readdirSync(folder, { recursive: true }) as string[]).sort())
    if (/\.(java|xml)$/.test(file)) hash.update(readFileSync(path.join(folder, file)));
  return hash.digest('hex').slice(0, 8);
}

function mongodCommand(mongod: string): Command {
  return (port, { folder }) => [
    mongod,
    '--port',
    String(port),
    '--bind_ip',
    '127.0.0.1',
    '--dbpath',
    folder,
    '--quiet',
  ];
}

function javaCommand(folder: string, env: NodeJS.ProcessEnv): Command {
  const java = onPath('java', env);
  if (java === null) throw new Error('Java is not installed');
  const jars = readdirSync(path.join(folder, 'lib')).map((jar) => path.join(folder, 'lib', jar));
  const classPath = [path.join(folder, 'target/classes'), ...jars].join(path.delimiter);
  return (port, { folder, isKept, heapMb = HEAP_MB }) => {
    const database = isKept ? [path.join(folder, 'mongo-java.h2')] : [];
    const heap = `-Xmx${heapMb}m`;
    return [java, heap, '-XX:+UseSerialGC', '-cp', classPath, 'EmbeddedMongo', String(port), ...database];
  };
}

async function startCommand(command: Command, how: string, options: EmbeddedOptions): Promise<EmbeddedMongo> {
  const port = options.mongoPort ?? (await freePort());
  const { dataDir, mongoHeapMb: heapMb } = options;
  const isKept = dataDir !== undefined;
  const folder = isKept ? path.join(dataDir, 'mongodb') : mkdtempSync(path.join(tmpdir(), 'zps-mongo-'));
  mkdirSync(folder, { recursive: true });
  const place = { folder, isKept, ...(heapMb !== undefined && { heapMb }) };
  const log = path.join(folder, 'mongo.log');
  const server = await startServer(command(port, place), port, log, OPENING_MS);
  const stop = async () => {
    await server.stop();
    if (!isKept) rmSync(folder, { recursive: true, force: true });
  };
  const uri = `mongodb://127.0.0.1:${port}`;
  try {
    await ping(uri, 30_000);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { uri, how, pid: server.pid, stop };
}

async function ping(uri: string, timeoutMs: number): Promise<void> {
  const client = await MongoClient.connect(uri, { serverSelectionTimeoutMS: timeoutMs });
  try {
    await client.db('admin').command({ ping: 1 });
  } finally {
    await client.close();
  }
}
