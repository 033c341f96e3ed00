import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { isForLater } from '../../src/activities/failures';
import { startGate } from '../support/gate';
import { testServers } from '../support/servers';

test('writes in bulk that meet a MongoDB that goes away are tried again later, and are no bug', async () => {
  const { host } = new URL(testServers().mongodbUri);
  const gate = await startGate(host);
  const client = await MongoClient.connect(`mongodb://${gate.address}`, {
    directConnection: true,
    serverSelectionTimeoutMS: 300,
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

test('what the server itself refuses in a bulk is no matter of waiting', async () => {
  const client = await MongoClient.connect(testServers().mongodbUri);
  const collection = client.db(`failures-${randomUUID().slice(0, 8)}`).collection<{ _id: string }>('any');
  await collection.insertOne({ _id: 'taken' });
  const error: unknown = await collection
    .bulkWrite([{ insertOne: { document: { _id: 'taken' } } }], { ordered: false })
    .catch((failure: unknown) => failure);
  expect(isForLater(error)).toBe(false);
  await client.close();
});
