import type { ReasonCode } from '../../src/sync/reasons';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { commandLine } from '../../src/platform/commandLine';
import { nextAttempt } from '../../src/operator/explain';
import { jsonOf, safe } from '../../src/operator/cli/output';
import { foundAddress, knownAddress, storeAddresses } from '../../src/operator/cli/servers';
import { loadConfig } from '../../src/config/config';
import { newLink, type Link } from '../../src/sync/link';
import { NOW } from '../support/world';

const KEY = 'TicketToProject/zendesk:ticket:1';
const side = (ref: string) => ({
  ref,
  version: '1',
  order: 1,
  state: 'live' as const,
  updatedAt: NOW,
  residue: {},
  backRef: false,
});
const link = (over: Partial<Link>): Link => ({ ...newLink(KEY, 'TicketToProject', 'v1', NOW), ...over });
const reason = (code: ReasonCode, next: string | null = null) => ({
  code,
  text: code,
  since: NOW,
  nextAttempt: next,
});
const both = { zendesk: side('zendesk:ticket:1'), pms: side('pms:project:P-1') };

const RECORD = KEY.slice(KEY.indexOf('/') + 1);

describe('the next attempt of a pair', () => {
  test.each<[string, Partial<Link>, string]>([
    ['a pair in agreement', { status: 'linked' }, 'nothing to do'],
    [
      'a retry',
      { status: 'linked', reason: reason('retry_later', '2030-01-01T00:00:00Z') },
      '2030-01-01T00:00:00Z',
    ],
    [
      'a bug',
      { status: 'linked', reason: reason('bug') },
      `on the next change of either record, or: ${commandLine(`resync ${RECORD}`)}`,
    ],
    [
      'a missing parent',
      { status: 'pending', waitsFor: ['zendesk:organization:9'] },
      'when zendesk:organization:9 is linked',
    ],
    [
      'a linked pair whose new organization is not linked',
      { status: 'linked', waitsFor: ['zendesk:organization:9'], reason: reason('waiting') },
      'when zendesk:organization:9 is linked',
    ],
    [
      'a pair at work',
      { status: 'pending' },
      `with the next turn of its workflow, or: ${commandLine(`resync ${RECORD}`)}`,
    ],
    [
      'a property in conflict',
      { status: 'conflict', conflicts: [{ row: 'title', zendesk: 'a', pms: 'b', since: NOW }] },
      'when a person decides',
    ],
    ['candidates', { status: 'conflict', candidates: ['pms:project:P-2'] }, 'when a person decides'],
    ['a record with a taken counterpart', { status: 'conflict' }, 'when a person decides'],
    [
      'a quarantined pair',
      { status: 'quarantined', reason: reason('invalid_field') },
      `on the next change of either record, or: ${commandLine(`quarantine retry ${RECORD}`)}`,
    ],
    ['an ended pair', { status: 'tombstone', reason: reason('ended') }, 'when the record is restored'],
    [
      'an unlinked pair',
      { status: 'tombstone', unlinked: true, sides: both, reason: reason('unlinked') },
      `only by: ${commandLine('links link zendesk:ticket:1 pms:project:P-1')}`,
    ],
    [
      'a record kept without a counterpart',
      { status: 'tombstone', unlinked: true, reason: reason('unlinked') },
      `only by: ${commandLine('links link zendesk:ticket:1 …')}`,
    ],
  ])('%s', (_, over, expected) => {
    expect(nextAttempt(link(over))).toBe(expected);
  });
});

describe('content on a terminal', () => {
  const evil = 'a\u001b[31m\r\n\u009bb\u202ec\u0000d';

  test('is one line without control characters', () => {
    expect(safe(evil)).toBe('a�[31m �b�c�d');
    expect(safe('é 🎉 שלום')).toBe('é 🎉 שלום');
  });

  test('as JSON is the same value, with control characters escaped', () => {
    const text = jsonOf({ evil });
    // eslint-disable-next-line no-control-regex -- control characters are what this is about
    expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(JSON.parse(text)).toEqual({ evil });
  });
});

describe('addresses of the servers that start runs itself', () => {
  const env = {
    ZENDESK_SUBDOMAIN: 'acme',
    ZENDESK_OAUTH_CLIENT_ID: 'c',
    ZENDESK_OAUTH_CLIENT_SECRET: 's',
    PMS_BASE_URL: 'https://pms.example',
    PMS_TOKEN: 't',
  };
  const servers = { temporalAddress: '127.0.0.1:7233', mongodbUri: 'mongodb://127.0.0.1:27017' };

  test('are found by other commands while start runs', () => {
    const dir = path.join(mkdtempSync(path.join(tmpdir(), 'zps-data-')), 'data');
    const config = loadConfig(null, env);
    const takeBack = storeAddresses(dir, config, servers);
    expect(knownAddress('temporalAddress', config, dir)).toBe(servers.temporalAddress);
    expect(knownAddress('mongodbUri', config, dir)).toBe(servers.mongodbUri);
    takeBack();
    expect(foundAddress('mongodbUri', config, dir)).toBeUndefined();
    expect(() => knownAddress('mongodbUri', config, dir)).toThrow(
      `MONGODB_URI: found nothing, and no service runs in this folder (none left an address in ${dir}); expected the address of the server that the service uses`,
    );
  });

  test('are not stored if the configuration gives them: they may contain a password', () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'zps-data-'));
    const config = loadConfig(null, { ...env, MONGODB_URI: 'mongodb://user:secret@db.example' });
    storeAddresses(dir, config, { ...servers, mongodbUri: 'mongodb://user:secret@db.example' });
    expect(readFileSync(path.join(dir, 'servers.json'), 'utf8')).not.toContain('secret');
    expect(knownAddress('mongodbUri', config, dir)).toBe('mongodb://user:secret@db.example');
    const given = loadConfig(null, {
      ...env,
      MONGODB_URI: 'mongodb://db.example',
      TEMPORAL_ADDRESS: 't:7233',
    });
    const other = path.join(dir, 'other');
    storeAddresses(other, given, servers);
    expect(existsSync(other)).toBe(false);
  });
});
