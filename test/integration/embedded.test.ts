import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { MongoClient } from 'mongodb';
import {
  NoServerError,
  ensureSearchAttributes,
  startMongo,
  startTemporal,
} from '../../src/platform/embedded/embeddedServers';
import { buildOnce } from '../../src/platform/embedded/serverCache';
import { freePort } from '../../src/platform/ports';
import { isAlive } from '../../src/platform/embedded/process';
import { testServers } from '../support/servers';

describe('embedded servers', () => {
  const folder = () => mkdtempSync(path.join(tmpdir(), 'zps-embedded-'));

  test('MongoDB keeps its data in the given folder, over a restart on the same port', async () => {
    const dataDir = folder();
    const mongoPort = await freePort();
    for (const expected of [1, 2]) {
      const server = await startMongo({ dataDir, mongoPort });
      const client = await MongoClient.connect(server.uri);
      const things = client.db('test').collection('things');
      await things.createIndex({ name: 1 }, { unique: true });
      await things.insertOne({ name: `run ${expected}` });
      await expect(things.insertOne({ name: `run ${expected}` })).rejects.toMatchObject({ code: 11000 });
      expect(await things.countDocuments()).toBe(expected);
      await client.close();
      await server.stop();
      if (server.pid !== null) expect(isAlive(server.pid)).toBe(false);
    }
  });

  test('MongoDB keeps every acknowledged write, even after a kill', async () => {
    const dataDir = folder();
    const mongoPort = await freePort();
    const server = await startMongo({ dataDir, mongoPort });
    if (server.pid === null) throw new Error('no server of our own');
    const client = await MongoClient.connect(server.uri);
    const things = client.db('test').collection<{ _id: number; name: string }>('things');
    await things.createIndex({ name: 1 }, { unique: true });
    const written = await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        await things.insertOne({ _id: n, name: `thing ${n}` });
        await things.updateOne({ _id: n }, { $set: { name: `changed ${n}` } });
        return n;
      }),
    );
    process.kill(server.pid, 'SIGKILL');
    await client.close();
    await server.stop();
    const again = await startMongo({ dataDir, mongoPort });
    const reader = await MongoClient.connect(again.uri);
    const kept = await reader.db('test').collection('things').find().toArray();
    expect(kept.map(({ name }) => String(name)).sort()).toEqual(written.map((n) => `changed ${n}`).sort());
    await reader.close();
    await again.stop();
  });

  test('Temporal keeps its workflows in the given folder, and has the search attributes', async () => {
    const dataDir = folder();
    const temporalPort = await freePort();
    const options = { dataDir, temporalPort, searchAttributes: { Colour: 'Keyword' as const } };
    for (const run of [1, 2]) {
      const server = await startTemporal(options);
      const connection = await Connection.connect({ address: server.address });
      const client = new Client({ connection });
      if (run === 1) await client.workflow.start('Nobody', { workflowId: 'kept', taskQueue: 'nobody' });
      expect((await client.workflow.getHandle('kept').describe()).status.name).toBe('RUNNING');
      const { customAttributes } = await connection.operatorService.listSearchAttributes({
        namespace: 'default',
      });
      expect(Object.keys(customAttributes ?? {})).toContain('Colour');
      await connection.close();
      await server.stop();
    }
  });

  test('search attributes are added to a server that is already running, and repeating it is harmless', async () => {
    const { temporalAddress } = testServers();
    await ensureSearchAttributes(temporalAddress, 'default', { AddedLater: 'Keyword' });
    await ensureSearchAttributes(temporalAddress, 'default', { AddedLater: 'Keyword' });
  });

  test('an address in the environment takes precedence', async () => {
    const { temporalAddress, mongodbUri } = testServers();
    const env = { TEMPORAL_ADDRESS: temporalAddress, MONGODB_URI: mongodbUri };
    expect(await startTemporal({ env })).toMatchObject({
      address: temporalAddress,
      how: 'given address',
      pid: null,
    });
    expect(await startMongo({ env })).toMatchObject({ uri: mongodbUri, how: 'given address', pid: null });
  });

  test('if no way of starting works, the message lists each way and its error', async () => {
    const env = { PATH: '/nowhere', XDG_CACHE_HOME: folder(), ZPS_NO_DOWNLOAD: '1' };
    const failures = await Promise.all(
      [startTemporal({ env }), startMongo({ env })].map((start) => start.catch((error: unknown) => error)),
    );
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(NoServerError);
      expect((failure as NoServerError).tried).toHaveLength(4);
    }
    expect((failures[0] as Error).message).toMatch(
      /temporal on PATH: not there[\s\S]*cached build[\s\S]*ZPS_NO_DOWNLOAD is set[\s\S]*Go is not installed[\s\S]*Set TEMPORAL_ADDRESS/,
    );
    expect((failures[1] as Error).message).toMatch(
      /mongod on PATH: not there[\s\S]*Maven is not installed[\s\S]*Set MONGODB_URI/,
    );
  });

  test('two processes that need the same build run it once; a killed build leaves no partial result', async () => {
    const root = folder();
    let builds = 0;
    const build = async () => {
      builds += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await expect(
      buildOnce(root, 'tool-1', async () => {
        throw new Error('died');
      }),
    ).rejects.toThrow('died');
    const made = await Promise.all([buildOnce(root, 'tool-1', build), buildOnce(root, 'tool-1', build)]);
    expect(new Set(made).size).toBe(1);
    expect(builds).toBe(1);
  });
});
