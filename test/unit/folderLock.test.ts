import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { lockFolder, occupantOf } from '../../src/platform/embedded/folderLock';
import { startServer } from '../../src/platform/embedded/process';
import { firstThatWorks } from '../../src/platform/embedded/ways';
import { freePort } from '../../src/platform/ports';

const folder = () => mkdtempSync(path.join(tmpdir(), 'zps-lock-'));

/** A process that holds a folder until it is killed. */
async function holder(dir: string): Promise<ChildProcess> {
  const script = path.join(folder(), 'holder.cjs');
  writeFileSync(
    script,
    `const { createServer } = require('node:net');
     const told = JSON.stringify({ pid: process.pid, what: 'start', since: '2026-01-01', places: { 'Web UI': 'http://127.0.0.1:1' } });
     createServer((socket) => socket.end(told)).listen(${JSON.stringify(path.join(dir, 'service.sock'))}, () => process.send('held'));`,
  );
  const child = fork(script);
  await once(child, 'message');
  return child;
}

test('O1: a second process in a folder learns which process runs there, and where', async () => {
  const dir = folder();
  const first = await lockFolder(dir, 'start');
  first.tell({ 'Web UI': 'http://127.0.0.1:8233', console: 'http://127.0.0.1:8085/console' });
  const refusal = await lockFolder(dir, 'plan').catch((error: Error) => error.message);
  expect(refusal).toMatch(
    new RegExp(
      `^${dir}: "start" runs in this folder already \\(process ${process.pid}, since .*Web UI http://127.0.0.1:8233, console http://.*\\); stop it with Ctrl-C or "kill ${process.pid}", or give another folder by --data$`,
    ),
  );
  expect(await occupantOf(dir)).toMatchObject({ what: 'start', pid: process.pid });
  await first.release();
  expect(await occupantOf(dir)).toBeNull();
  await (await lockFolder(dir, 'plan')).release();
});

test('O1: a folder is free after its holder was killed, and for only one of two that start at once', async () => {
  const dir = folder();
  const child = await holder(dir);
  await expect(lockFolder(dir, 'start')).rejects.toThrow(`process ${child.pid}`);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const both = await Promise.allSettled([lockFolder(dir, 'start'), lockFolder(dir, 'start')]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  for (const each of both) if (each.status === 'fulfilled') await each.value.release();
});

test('O1: a folder whose path is too long for a socket is locked, too', async () => {
  const dir = path.join(folder(), 'deep'.repeat(20), 'deeper'.repeat(20));
  mkdirSync(dir, { recursive: true });
  const first = await lockFolder(dir, 'start');
  await expect(lockFolder(dir, 'start')).rejects.toThrow('runs in this folder already');
  await first.release();
});

test('O1: an installed server that does not start is reported with its own error, and no other way is tried', async () => {
  const dir = folder();
  const log = path.join(dir, 'server.log');
  const port = await freePort();
  const command = ['sh', '-c', 'echo "the file is locked by process 7"; exit 3'];
  await expect(startServer(command, port, log)).rejects.toMatchObject({
    name: 'ServerFailed',
    message: expect.stringMatching(/does not listen .*the file is locked by process 7 \(log: /) as string,
  });
  const tried: string[] = [];
  const ways = ['found', 'built'].map((name) => ({ name, attempt: async () => (tried.push(name), name) }));
  expect(await firstThatWorks('MongoDB', ways, '')).toEqual({ name: 'found', result: 'found' });
  expect(tried).toEqual(['found']);
});

test('O1: a server waits until an earlier one on the same files has ended', async () => {
  const dir = folder();
  const log = path.join(dir, 'server.log');
  const serve = (port: number) => [
    process.execPath,
    '-e',
    `require('node:net').createServer().listen(${port}, '127.0.0.1')`,
  ];
  const [first, second] = [await freePort(), await freePort()];
  const earlier = await startServer(serve(first), first, log);
  expect(JSON.parse(readFileSync(`${log}.pid`, 'utf8'))).toMatchObject({ pid: earlier.pid });
  const order: string[] = [];
  const later = startServer(serve(second), second, log).then((server) => (order.push('later'), server));
  await new Promise((resolve) => setTimeout(resolve, 300));
  order.push('earlier ends');
  await earlier.stop();
  await (await later).stop();
  expect(order).toEqual(['earlier ends', 'later']);
});
