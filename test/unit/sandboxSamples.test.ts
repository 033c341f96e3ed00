import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(__dirname, '../..');
const MAINS = { zendesk: 'packages/zendesk-sandbox/dist/main.js', pms: 'packages/pms-sandbox/dist/main.js' };
const running: ChildProcess[] = [];
afterAll(() => running.forEach((child) => child.kill('SIGTERM')));

/** Starts a sandbox as a person does. @returns what it printed, and its settings */
async function started(which: keyof typeof MAINS, ...args: string[]) {
  const child = spawn(process.execPath, [path.join(ROOT, MAINS[which]), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.push(child);
  let output = '';
  while (!/Ctrl-C stops it/.test(output)) {
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
    output += chunk.toString();
  }
  const settings = Object.fromEntries(
    output.split('\n').flatMap((line) => {
      const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value]];
    }),
  ) as Record<string, string>;
  return { output, settings };
}

test('O7: the Zendesk sandbox has sample data with the README’s ticket 123, and prints settings', async () => {
  const { output, settings } = await started('zendesk');
  expect(output).toMatch(/^# Zendesk sandbox: 6 organizations, 25 tickets, \d+ comments, 12 users$/m);
  expect(Object.keys(settings)).toEqual([
    'ZENDESK_BASE_URL',
    'ZENDESK_OAUTH_CLIENT_ID',
    'ZENDESK_OAUTH_CLIENT_SECRET',
  ]);
  const state = (await (await fetch(`${settings['ZENDESK_BASE_URL']}/_sandbox/state`)).json()) as object;
  expect(JSON.stringify(state)).toContain('"id":123');
  // Every line is a comment, a setting or a command as it can be pasted.
  for (const line of output.trim().split('\n'))
    expect(line).toMatch(/^(#|[A-Z_]+=\S+$|curl -X \S+ http\S+ )/);
  const command = output.split('\n').find((line) => line.startsWith('curl ')) ?? '';
  const { stdout } = await promisify(execFile)('bash', ['-c', `${command} --silent`]);
  expect(stdout).toContain('Edited in Zendesk');
});

test('O7: the PMS sandbox has sample data, and none with --empty', async () => {
  const { output, settings } = await started('pms');
  expect(output).toMatch(/^# PMS sandbox: 5 customers, 4 projects, 2 notes, 5 people$/m);
  expect(Object.keys(settings)).toEqual(['PMS_BASE_URL', 'PMS_TOKEN']);
  const empty = await started('pms', '--empty');
  const authorization = `Bearer ${empty.settings['PMS_TOKEN']}`;
  const listed = await fetch(`${empty.settings['PMS_BASE_URL']}/api/v1/projects`, {
    headers: { authorization },
  });
  expect(await listed.text()).toMatch(/"data":\[\]|"items":\[\]|"projects":\[\]/);
});

test('O6: a port in use gets one line', async () => {
  const { settings } = await started('pms', '--empty');
  const { port } = new URL(settings['PMS_BASE_URL'] ?? '');
  for (const main of Object.values(MAINS)) {
    const failed = promisify(execFile)(process.execPath, [path.join(ROOT, main), '--port', port]);
    await expect(failed).rejects.toMatchObject({
      code: 1,
      stderr: `--port: 127.0.0.1:${port} is in use; stop what listens there, or give another port\n`,
    });
  }
});

test('issue 22: both sandboxes have the same people, so each side accepts all assignees', () => {
  const samples = <T>(name: string, file: string) =>
    JSON.parse(readFileSync(path.join(ROOT, 'packages', name, 'samples', `${file}.json`), 'utf8')) as T[];
  interface User {
    id: number;
    email: string;
    name: string;
    role: string;
  }
  const agents = samples<User>('zendesk-sandbox', 'users').filter(({ role }) => role === 'agent');
  const people = samples<Omit<User, 'role'>>('pms-sandbox', 'people');
  const named = (all: readonly Pick<User, 'email' | 'name'>[]) =>
    all.map(({ email, name }) => `${name} <${email}>`).sort();
  expect(named(people)).toEqual(named(agents));
});
