import { createServer } from 'node:net';
import { mkdirSync, mkdtempSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startPmsSandbox } from 'pms-sandbox';
import { MongoServerSelectionError, type TopologyDescription } from 'mongodb';

import { reported } from '../../src/operator/cli/errorReport';
import { FolderInUse } from '../../src/platform/embedded/embeddedServers';
import { unreachable } from '../../src/platform/systemErrors';
import { RecordGone } from '../../src/systems/errors';
import { HttpClient } from '../../src/systems/http';
import { contractSystem } from '../support/sandboxes';

/** O6: an error by a person ends in one line with a fix, and never in a stack trace. */

async function caught(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const dir = () => mkdtempSync(path.join(tmpdir(), 'zps-report-'));

test.each<[string, () => unknown, RegExp]>([
  [
    'a folder that is a file',
    () => mkdirSync('/dev/null/sync'),
    /^\/dev\/null\/sync \(mkdir, ENOTDIR\): .*check the path$/,
  ],
  [
    'a missing file',
    () => readFileSync('/nowhere/file'),
    /^\/nowhere\/file \(open, ENOENT\): it is not there/,
  ],
  [
    'a file that is a folder',
    () => writeFileSync(dir(), ''),
    /\(open, EISDIR\): it is a folder; expected a file$/,
  ],
  [
    'a missing program',
    async () => {
      await once(spawn('no-such-program-here'), 'spawn');
    },
    /^no-such-program-here cannot be started \(ENOENT\): there is no such program/,
  ],
  [
    'a port in use',
    async () => {
      const first = createServer().listen(0, '127.0.0.1');
      await once(first, 'listening');
      const { port } = first.address() as { port: number };
      try {
        await once(createServer().listen(port, '127.0.0.1'), 'listening');
      } finally {
        first.close();
      }
    },
    /^cannot listen on 127\.0\.0\.1:\d+ \(EADDRINUSE\): another process listens there/,
  ],
])('O6: %s', async (_what, work, line) => {
  const error = await caught(work);
  expect(reported(error)).toEqual({ line: expect.stringMatching(line) as string, code: 1 });
});

test('O6: a full disk, Ctrl-C in a question, a lost server and a folder in use each get one line', () => {
  const full = Object.assign(new Error('x'), { code: 'ENOSPC', syscall: 'write', path: '/data/a' });
  expect(reported(full)?.line).toBe('/data/a (write, ENOSPC): the disk is full; make room on it');
  const left = Object.assign(new Error('User force closed the prompt'), { name: 'ExitPromptError' });
  expect(reported(left)).toEqual({ line: 'stopped by Ctrl-C', code: 130 });
  const lost = new MongoServerSelectionError(
    'connect ECONNREFUSED 10.0.0.1:27017',
    {} as TopologyDescription,
  );
  expect(reported(lost)?.line).toMatch(/^MONGODB_URI: connect ECONNREFUSED 10\.0\.0\.1:27017; .*doctor/);
  expect(reported(new FolderInUse('data', null))?.code).toBe(1);
});

test('O6: a bug keeps its stack trace', () => {
  expect(reported(new TypeError('undefined is not a function'))).toBeNull();
});

test('O6: a network error names host, port and fix', async () => {
  const http = new HttpClient({
    side: 'pms',
    name: 'PMS',
    baseUrl: 'http://127.0.0.1:1',
    headers: {},
    credential: 'PMS_TOKEN',
  });
  await expect(http.send({ method: 'GET', path: '/me' })).rejects.toThrow(
    'PMS GET /me: 127.0.0.1:1 cannot be reached (ECONNREFUSED): nothing listens there; check the address, and that the server runs',
  );
  expect(unreachable('https://user:secret@pms.example', 'ENOTFOUND')).toBe(
    'pms.example:443 cannot be reached (ENOTFOUND): there is no such host; check the address, and DNS',
  );
});

test('an error of another system gets one line, without a stack trace', () => {
  expect(reported(new RecordGone('PMS GET /fields: No such path'))).toEqual({
    line: 'PMS GET /fields: No such path',
    code: 1,
  });
});

test('a URL that contains the API’s path gets a fix, at sign-in and when fields are read', async () => {
  const pms = await startPmsSandbox();
  const system = contractSystem({ baseUrl: `${pms.url}/api/v1`, token: pms.token });
  const cure =
    /^PMS GET \/api\/v1\/(me|fields): .*: nothing answers to this path there; check PMS_BASE_URL, which goes without "\/api\/v1", and PMS_PROFILE$/;
  for (const ask of [() => system.whoAmI(), () => system.properties('project')])
    expect(reported(await caught(ask))).toEqual({ line: expect.stringMatching(cure) as string, code: 1 });
  await pms.close();
});

test('a host that DNS does not know is named', () => {
  const error = Object.assign(new Error('querySrv ENOTFOUND'), {
    code: 'ENOTFOUND',
    syscall: 'querySrv',
    hostname: 'cluster.invalid',
  });
  expect(reported(error)?.line).toBe(
    'cluster.invalid cannot be reached (ENOTFOUND): there is no such host; check the address, and DNS',
  );
});
