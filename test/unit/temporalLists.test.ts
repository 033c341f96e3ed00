import { eventsIn } from '../../src/operator/temporalLists';
import { deepLinks } from '../../src/operator/console/deepLinks';
import { addressLines } from '../../src/operator/cli/startScreen';
import { loadConfig } from '../../src/config/config';
import * as workflows from '../../src/workflows';

/** O9: Temporal's Web UI reads as a log of business events. */

const queryOf = (url: string) => new URL(url).searchParams.get('query') ?? '';

test('O9: the filter excludes all workflows that look for changes, and no others', () => {
  const left = [
    ...queryOf(eventsIn('http://127.0.0.1:8233/', 'sync a')).matchAll(/WorkflowType != '(\w+)'/g),
  ];
  const names = left.map(([, name]) => name);
  expect(names.filter((name = '') => !(name in workflows))).toEqual([]);
  expect(
    Object.keys(workflows)
      .filter((name) => !names.includes(name))
      .sort(),
  ).toEqual([
    'CommentToProject',
    'OrgToCustomer',
    'TicketToProject',
    'backfill',
    'endHold',
    'reconcile',
    'remap',
    'resyncMany',
    'syncControl',
    'undo',
  ]);
});

test('O9: the console and the output of start link to the filtered list', () => {
  const address = eventsIn('http://127.0.0.1:8233/', 'sync a');
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:8233\/namespaces\/sync%20a\/workflows\?query=/);
  const places = { temporalUiUrl: 'http://127.0.0.1:8233', temporalNamespace: 'sync a', pairPrefix: '' };
  expect(deepLinks({ ...places, zendeskUrl: null, pmsRecordUrl: null }).events()).toBe(address);
  const config = loadConfig(null, {
    ...{ ZENDESK_SUBDOMAIN: 'acme', ZENDESK_OAUTH_CLIENT_ID: 'c', ZENDESK_OAUTH_CLIENT_SECRET: 's' },
    ...{ PMS_BASE_URL: 'https://pms.acme.example', PMS_TOKEN: 't', TEMPORAL_NAMESPACE: 'sync a' },
  });
  const servers = { temporal: '127.0.0.1:7233', temporalUi: 'http://127.0.0.1:8233', mongodb: 'mongodb://x' };
  const screen = addressLines({
    config,
    ...servers,
    console: null,
    consoleTokenFile: null,
    receiver: null,
  });
  expect(screen.join('\n')).toContain(`without the polls: ${address}`);
});
