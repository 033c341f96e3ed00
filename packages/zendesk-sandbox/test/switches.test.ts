import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SWITCHES, startZendeskSandbox } from '../src';
import { SWITCH_NAMES, rulesOf } from '../src/rules/switches';
import { ZendeskApi } from './support/zendeskApi';

const README = readFileSync(path.resolve(__dirname, '../README.md'), 'utf8');

test('all rules are on by default, except the one that tests would have to wait for', () => {
  const off = SWITCH_NAMES.filter((name) => rulesOf('all')[name] === false);
  expect(off).toEqual(['exportLag']);
});

test('a given switch changes one rule, and the others stay', () => {
  const rules = rulesOf({ optionTags: false });
  expect(rulesOf({ foreignOption: 'empties' }, rules)).toEqual({ ...rules, foreignOption: 'empties' });
  expect(rulesOf('all', rules)).toEqual(rulesOf());
});

test.each([[{ nonsense: true }], [{ optionTags: 'yes' }], [{ foreignOption: 'other' }]])(
  'refuses %j',
  (given) => {
    expect(() => rulesOf(given as never)).toThrow(new RegExp(Object.keys(given)[0] ?? ''));
  },
);

test('rules can be switched over HTTP, too', async () => {
  const sandbox = await startZendeskSandbox({ obeys: { optionTags: false } });
  const api = new ZendeskApi(sandbox);
  expect((await api.control('GET', '/rules')).body).toMatchObject({ optionTags: false, emptyUpdate: true });
  expect((await api.control('PUT', '/rules', { longSubject: 'cut' })).body).toMatchObject({
    optionTags: false,
    longSubject: 'cut',
  });
  expect((await api.control('PUT', '/rules', { longSubject: 'no' })).status).toBe(400);
  await sandbox.close();
});

test('a program that embeds a sandbox reads the switches from the environment', async () => {
  process.env['ZENDESK_SANDBOX_OBEYS'] = '{"optionTags":false}';
  const sandbox = await startZendeskSandbox();
  expect(sandbox.store.rules.optionTags).toBe(false);
  await sandbox.close();
  process.env['ZENDESK_SANDBOX_OBEYS'] = '{"nonsense":1}';
  await expect(startZendeskSandbox()).rejects.toThrow('ZENDESK_SANDBOX_OBEYS');
  delete process.env['ZENDESK_SANDBOX_OBEYS'];
});

test('the README names each switch with its rule and its values', () => {
  for (const name of SWITCH_NAMES) {
    const row = README.split('\n').find((line) => line.startsWith(`| \`${name}\``));
    const { rule, values } = SWITCHES[name];
    expect([name, row?.split('|')[2]?.trim()]).toEqual([name, String(rule)]);
    for (const value of values) expect(row).toContain(`\`${String(value)}\``);
  }
});
