import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inCallContext } from '../../src/systems/callContext';
import { RetryLater } from '../../src/systems/errors';
import { HttpClient } from '../../src/systems/http';

test('A10: a request ends with the activity that sent it, and its outcome is unknown', async () => {
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const http = new HttpClient({ side: 'pms', name: 'PMS', baseUrl, headers: {}, credential: 'PMS_TOKEN' });
  const ended = new AbortController();
  const sent = inCallContext({ lane: 'interactive', signal: ended.signal }, () =>
    http.send({ method: 'POST', path: '/notes', body: {} }).catch((error: unknown) => error),
  );
  const [request] = (await once(server, 'request')) as [{ socket: NodeJS.EventEmitter }];
  const closed = once(request.socket, 'close');
  ended.abort();
  const error = await sent;
  await closed;
  expect(error).toBeInstanceOf(RetryLater);
  expect((error as RetryLater).options.unknownOutcome).toBe(true);
  server.close();
});
