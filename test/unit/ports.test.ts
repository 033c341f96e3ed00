import { createServer } from 'node:net';
import { once } from 'node:events';
import { portFor } from '../../src/platform/ports';

test('issue 22: a folder has the same port while that is free, and another folder has another', async () => {
  const port = await portFor('/a/my-sync/.zendesk-pms-sync');
  expect(await portFor('/a/my-sync/.zendesk-pms-sync')).toBe(port);
  expect(await portFor('/b/my-sync/.zendesk-pms-sync')).not.toBe(port);
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  const instead = await portFor('/a/my-sync/.zendesk-pms-sync');
  expect(instead).not.toBe(port);
  expect(instead).toBeGreaterThan(0);
  other.close();
  await once(other, 'close');
  expect(await portFor('/a/my-sync/.zendesk-pms-sync')).toBe(port);
});
