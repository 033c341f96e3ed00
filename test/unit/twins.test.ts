import { pino } from 'pino';
import { foreignWebhooks } from '../../src/operator/foreignWebhooks';
import { noteOtherInstallations } from '../../src/workers/otherInstallations';
import type { Side } from '../../src/sync/record';
import type { InstalledWebhook, WebhookAdmin } from '../../src/systems/webhookAdmin';

/** O2: an installation on another machine with the same accounts is detected by its webhooks. */

function admin(side: Side, urls: readonly string[] | Error): WebhookAdmin {
  const all = async (): Promise<InstalledWebhook[]> => {
    if (urls instanceof Error) throw urls;
    return urls.map((url, n) => ({ side, id: String(n), name: 'zendesk-pms-sync', url }));
  };
  return {
    side,
    list: all,
    elsewhere: async (_, receiver) => (await all()).filter(({ url }) => url !== `${receiver}/${side}`),
    install: () => Promise.reject(new Error('not asked for')),
    remove: () => Promise.reject(new Error('not asked for')),
  };
}

const OURS = 'https://sync.acme.example';
const THEIRS = 'https://other.example/webhooks/zendesk';
const noToken = { readPmsRefreshToken: () => '' };
const here = { publicUrl: OURS, connection: null, ...noToken };

test.each<[string, Parameters<typeof foreignWebhooks>[0], WebhookAdmin[], object]>([
  ['none', here, [admin('zendesk', [`${OURS}/webhooks/zendesk`])], { zendesk: null }],
  ['one', here, [admin('zendesk', [`${OURS}/webhooks/zendesk`, THEIRS])], { zendesk: THEIRS }],
  [
    'a webhook of another connection of this service',
    { publicUrl: `${OURS}/`, connection: 'acme', ...noToken },
    [admin('pms', [`${OURS}/webhooks/acme/pms`, `${OURS}/webhooks/globex/pms`])],
    { pms: null },
  ],
  [
    'a webhook, while this installation only polls',
    { publicUrl: undefined, connection: null, ...noToken },
    [admin('zendesk', [THEIRS]), admin('pms', [])],
    { zendesk: THEIRS, pms: null },
  ],
  [
    'a host whose name begins like ours',
    here,
    [admin('pms', [`${OURS}.evil.example/webhooks/pms`])],
    {
      pms: `${OURS}.evil.example/webhooks/pms`,
    },
  ],
  ['no right to list webhooks', here, [admin('zendesk', new Error('403')), admin('pms', [])], { pms: null }],
  ['a PMS without webhooks', here, [], {}],
  ['a refresh token', { ...here, readPmsRefreshToken: () => 't' }, [admin('pms', [THEIRS])], {}],
])('O2: webhooks of other installations: %s', async (_, config, admins, expected) => {
  expect(await foreignWebhooks(config, admins)).toEqual(expected);
});

test('O2: a found installation is reported, the report is cleared when it is gone, and unknown results change nothing', async () => {
  const noted: unknown[] = [];
  const store = {
    troubles: {
      note: async (name: string, what: object) => void noted.push([name, what]),
      clear: async (name: string) => void noted.push([name]),
    },
  };
  const around = { store, log: pino({ level: 'silent' }) };
  await noteOtherInstallations(async () => ({ zendesk: THEIRS }), around);
  await noteOtherInstallations(async () => ({ zendesk: null, pms: null }), around);
  expect(noted).toEqual([
    ['zendesk:twin', { code: 'twin', text: `a webhook leads to ${THEIRS}` }],
    ['zendesk:twin'],
    ['pms:twin'],
  ]);
});
