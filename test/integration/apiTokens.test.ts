import { zendeskSystem } from '../../src/systems/zendesk/zendeskSystem';
import type { ZendeskAuth } from '../../src/systems/zendesk/zendeskAuth';
import { zendeskWebhooks } from '../../src/systems/zendesk/zendeskWebhooks';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';

/** API tokens, which existing accounts may use until 2027-04-30. All other tests use OAuth. */

let boxes: Sandboxes;

afterEach(() => boxes.close());

async function start(apiTokens: boolean) {
  boxes = await startSandboxes({ zendesk: { apiTokens } });
  const { url: baseUrl, adminEmail: email, apiToken: token } = boxes.zendesk;
  const as = (given: Partial<{ email: string; token: string }> = {}) => {
    const auth: ZendeskAuth = { by: 'apiToken', email, token, ...given };
    return { system: zendeskSystem({ baseUrl, auth }), webhooks: zendeskWebhooks({ baseUrl, auth }) };
  };
  return { ...as(), as };
}
const failure = async (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => Promise.reject(new Error('expected a failure')),
    (error: unknown) => error as Error,
  );

test('the user of the token reads and writes', async () => {
  const { system } = await start(true);
  const before = boxes.zendesk.oauth.mints.length;
  expect(await system.whoAmI()).toBe(boxes.zendesk.adminEmail);
  const options = { idempotencyKey: 'k', backRef: 'pms:project:P-1' as const };
  const made = await system.create('ticket', { subject: 'Printer', description: 'It smokes' }, options);
  await system.update(made.ref, { subject: 'Printer, red' }, { version: made.version, backRef: null });
  const [read] = await system.read([made.ref]);
  expect(read?.record?.values).toMatchObject({ subject: 'Printer, red' });
  const { records } = await system.changes('tickets', null);
  expect(records.map(({ ref }) => ref)).toEqual([made.ref]);
  expect(boxes.zendesk.oauth.mints).toHaveLength(before);
});

test('the token manages webhooks', async () => {
  const { webhooks } = await start(true);
  const [name, receiver] = ['sync', 'http://127.0.0.1:9/webhooks'];
  await webhooks.install(name, receiver);
  const [installed, ...others] = await webhooks.list(name, receiver);
  expect([installed?.name, others]).toEqual([name, []]);
  if (installed) await webhooks.remove(installed);
  expect(await webhooks.list(name, receiver)).toEqual([]);
});

test.each<[string, boolean, { email?: string; token?: string }]>([
  ['a wrong token', true, { token: 'very-secret-credential' }],
  ['an unknown user', true, { email: 'nobody@example.com' }],
  ['an account that no longer accepts API tokens', false, {}],
])('%s needs a person to fix it, and no message contains the token', async (_, apiTokens, given) => {
  const { as } = await start(apiTokens);
  const { system, webhooks } = as(given);
  for (const work of [system.whoAmI(), system.changes('tickets', null), webhooks.list('a', 'b')]) {
    const error = await failure(work);
    expect(error).toMatchObject({ name: 'NeedsHuman', code: 'unauthorized' });
    expect(error.message).toContain('ZENDESK_EMAIL and ZENDESK_API_TOKEN');
    const text = JSON.stringify(error, Object.getOwnPropertyNames(error));
    for (const secret of ['very-secret-credential', boxes.zendesk.apiToken]) {
      expect(text).not.toContain(secret);
      const basic = Buffer.from(`${given.email ?? boxes.zendesk.adminEmail}/token:${secret}`);
      expect(text).not.toContain(basic.toString('base64'));
    }
  }
});
