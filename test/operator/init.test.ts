import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { questions } from '../../src/cli/ask';
import { init } from '../../src/cli/commands/init';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { until } from '../support/serviceProcess';

/** `init` as a dialogue: the prompts are the real ones, typed at through a stream in place of a terminal. */

let boxes: Sandboxes;
beforeAll(async () => {
  boxes = await startSandboxes({ zendesk: { apiTokens: true } });
});
afterAll(async () => boxes.close());

test('asks again for what is wrong, shows no secret, and writes what was answered', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'zps-init-'));
  const input = new PassThrough();
  const output = new PassThrough();
  // A terminal outlives its prompts.
  output.end = () => output;
  let screen = '';
  let all = '';
  output.on('data', (chunk: Buffer) => {
    screen += chunk.toString();
    all += chunk.toString();
  });
  const done = init({ dir, json: true }, questions({ input, output }));
  const type = async (prompt: string, text: string, shown: RegExp) => {
    await until(() => screen.includes(prompt));
    screen = '';
    input.write(`${text}\r`);
    await until(() => shown.test(screen));
    // What comes after it may be there already.
    screen = screen.slice((shown.exec(screen)?.index ?? 0) + (shown.exec(screen)?.[0].length ?? 0));
  };
  const answer = (prompt: string, text: string) => type(prompt, text, /✔[^\n]*\n/);
  await type('Zendesk address or subdomain', 'two words', /expected a subdomain such as acme/);
  input.write('\u007f'.repeat('two words'.length));
  await answer('Zendesk address or subdomain', boxes.zendesk.url);
  await answer('E-mail of the Zendesk admin', boxes.zendesk.adminEmail);
  await answer('Zendesk API token', 'not-the-token');
  await answer('Zendesk API token', boxes.zendesk.apiToken);
  await answer('PMS address', boxes.pms.url);
  await answer('PMS API token', boxes.pms.token);
  await done;
  expect(all).not.toContain(boxes.pms.token);
  const settings = readFileSync(path.join(dir, 'zendesk-pms-sync.yaml'), 'utf8');
  expect(settings).toContain(`zendeskBaseUrl: "${boxes.zendesk.url}"`);
  expect(readFileSync(path.join(dir, 'secrets/zendesk-api-token'), 'utf8').trim()).toBe(
    boxes.zendesk.apiToken,
  );
  expect(existsSync(path.join(dir, 'mapping.yaml'))).toBe(true);
});
