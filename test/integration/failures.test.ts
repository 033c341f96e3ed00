import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { MongoClient } from 'mongodb';
import { isForLater } from '../../src/activities/failures';
import { startGate } from '../support/gate';
import { testServers } from '../support/servers';

test('bulk writes to a MongoDB that stops are retried, and not reported as bugs', async () => {
  const { host } = new URL(testServers().mongodbUri);
  const gate = await startGate(host);
  const client = await MongoClient.connect(`mongodb://${gate.address}`, {
    directConnection: true,
    serverSelectionTimeoutMS: 10_000,
    retryWrites: false,
  });
  const collection = client.db(`failures-${randomUUID().slice(0, 8)}`).collection<{ _id: string }>('any');
  await collection.insertOne({ _id: 'first' });
  const writes = Array.from({ length: 5_000 }, (_, n) => ({ insertOne: { document: { _id: `n${n}` } } }));
  const written = collection.bulkWrite(writes, { ordered: false });
  gate.shut();
  const error: unknown = await written.then(
    () => null,
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(Error);
  expect({ name: (error as Error).name, isForLater: isForLater(error) }).toEqual({
    name: 'MongoBulkWriteError',
    isForLater: true,
  });
  await client.close();
  await gate.close();
});

test('a bulk write that the server refuses is not retried', async () => {
  const client = await MongoClient.connect(testServers().mongodbUri);
  const collection = client.db(`failures-${randomUUID().slice(0, 8)}`).collection<{ _id: string }>('any');
  await collection.insertOne({ _id: 'taken' });
  const error: unknown = await collection
    .bulkWrite([{ insertOne: { document: { _id: 'taken' } } }], { ordered: false })
    .catch((failure: unknown) => failure);
  expect(isForLater(error)).toBe(false);
  await client.close();
});

test('a request on a connection that the server closed is retried', async () => {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.resume();
  await once(socket, 'end');
  // Drivers do not check whether the other side is still connected.
  socket.write('request');
  const [error] = (await once(socket, 'error').catch((failure: unknown) => [failure])) as [
    NodeJS.ErrnoException,
  ];
  expect(error.code).toBe('EPIPE');
  expect(isForLater(error)).toBe(true);
  server.close();
});

test('a bug of ours is not retried', () => {
  expect(isForLater(new TypeError('x is not a function'))).toBe(false);
});
