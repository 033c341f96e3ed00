import { startPmsSandbox, type PmsSandbox } from 'pms-sandbox';
import { controlsOf, pmsApi, send, zendeskApi } from 'testkit';
import { startZendeskSandbox, type ZendeskSandbox } from 'zendesk-sandbox';
import { z } from 'zod';

/** The controls against both sandboxes over HTTP. */

const ANY = z.looseObject({});
let zendesk: ZendeskSandbox;
let pms: PmsSandbox;

beforeEach(async () => {
  zendesk = await startZendeskSandbox();
  pms = await startPmsSandbox();
});
afterEach(async () => {
  await zendesk.close();
  await pms.close();
});

test('faults strike and are counted until they are cleared', async () => {
  const controls = controlsOf(pms);
  const read = () => send(`${pms.url}/api/v1/projects`, 'GET', { authorization: `Bearer ${pms.token}` });
  await controls.setFaults({ route: '/projects', kind: 'status', status: 418 });
  expect(await read()).toMatchObject({ status: 418 });
  await controls.clearFaults();
  expect(await read()).toMatchObject({ status: 200, items: [] });
  expect(await controls.struck()).toEqual({ status: 1 });
  expect((await controls.calls()).map(({ status, count }) => [status, count])).toEqual([
    [418, 1],
    [200, 1],
  ]);
  await controls.resetStats();
  expect([await controls.struck(), await controls.calls()]).toEqual([{}, []]);
});

test('an error names the call that the sandbox refuses, and the reason', async () => {
  await expect(controlsOf(zendesk).setOAuth({ status: 204 })).rejects.toThrow(
    /_sandbox\/oauth answered 400: .*status/,
  );
});

test('a client waits and repeats the call as Retry-After asks', async () => {
  await controlsOf(zendesk).setFaults({
    route: '/brands',
    kind: 'status',
    status: 429,
    times: 2,
    retryAfterSeconds: 0,
  });
  const api = zendeskApi({ url: zendesk.url, token: zendesk.bearer('ann@sandbox.example') });
  expect(await api.call('GET', '/brands.json', ANY)).toHaveProperty('brands');
  expect(await controlsOf(zendesk).struck()).toEqual({ status: 2 });
});

test("a person of the PMS acts under the person's own name", async () => {
  const token = await controlsOf(pms).tokenOf({ email: 'ida@pms.example', name: 'Ida' });
  await pmsApi({ url: `${pms.url}/`, token }).call('POST', '/projects', ANY, { title: 'Mine' });
  expect((await controlsOf(pms).calls()).map(({ user }) => user)).toEqual(['ida@pms.example']);
});
