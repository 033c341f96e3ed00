import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MongoClient } from 'mongodb';
import { startZendeskSandbox, type ZendeskSandbox } from 'zendesk-sandbox';
import { CliHost, runProgram } from '../support/cli';
import { MAPPING_FILE, serviceSignIn, startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { serviceEnvironment } from '../support/serviceProcess';
import { wrapped } from '../support/prose';
import { SIGN_IN_ERRORS } from '../support/signInErrors';
import {
  CONNECTION_ERRORS,
  MAPPING_ERRORS,
  NEWER_STORE,
  PROFILE_ERRORS,
  SETTING_ERRORS,
  TYPING_ERRORS,
  type UserError,
} from '../support/userErrors';

/**
 * Makes every mistake in docs/errors.md with the compiled command line, and compares the message with the page.
 * `UPDATE_DOCS=1 npm test -- test/operator/errors.test.ts` rewrites the table.
 */

const ROOT = path.resolve(__dirname, '../..');
const DOCS = path.join(ROOT, 'docs/errors.md');
const PROFILE = path.join(ROOT, 'profiles/contract.yaml');
const GROUPS: [title: string, errors: UserError[]][] = [
  ['Settings', SETTING_ERRORS],
  ['The mapping', MAPPING_ERRORS],
  ['A profile, or your own adapter', PROFILE_ERRORS],
  ['Commands and their arguments', TYPING_ERRORS],
  ['Signing in to Zendesk', SIGN_IN_ERRORS],
  ['Connections', CONNECTION_ERRORS],
];
/** The maximum number of processes at a time. */
const LANES = 3;

let boxes: Sandboxes;
let env: Record<string, string>;
interface Outcome {
  code: number | null;
  err: string;
  out: string;
  dir: string;
  /** Addresses of Zendesk, and texts that no message may contain. */
  urls: string[];
  secrets: string[];
}
const outcomes = new Map<UserError, Outcome>();
/** Zendesk sandboxes in special states. */
const others: ZendeskSandbox[] = [];

beforeAll(async () => {
  boxes = await startSandboxes();
  const name = path.basename(mkdtempSync(path.join(tmpdir(), 'zps-cli-')));
  env = {
    ...serviceEnvironment(boxes, name),
    MAPPING_FILE: 'mapping.yaml',
    LOG_LEVEL: 'error',
    // Set by "npx": commands in messages begin accordingly.
    npm_command: 'exec',
  };
  await storeOfLaterRelease();
  const waiting = GROUPS.flatMap(([, errors]) => errors);
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      const host = new CliHost();
      for (let next = waiting.shift(); next; next = waiting.shift())
        outcomes.set(next, await make(next, host));
      await host.stop();
    }),
  );
}, 600_000);
afterAll(async () => {
  await Promise.all([boxes, ...others].map((each) => each.close()));
});

async function storeOfLaterRelease(): Promise<void> {
  const mongo = await MongoClient.connect(testServers().mongodbUri);
  const meta = mongo.db(NEWER_STORE).collection<{ _id: string }>('meta');
  await meta.updateOne({ _id: 'store' }, { $set: { version: 99 } }, { upsert: true });
  await mongo.close();
}

/** A Zendesk in the state of the error, and the variables that cause it. */
async function stateOf({ zendesk }: UserError): Promise<Record<string, string>> {
  if (!zendesk) return {};
  const own = await startZendeskSandbox();
  others.push(own);
  return { ZENDESK_BASE_URL: own.url, ...serviceSignIn(own), ...(await zendesk(own)) };
}

let lastStart: Promise<unknown> = Promise.resolve();

/** One start at a time, because a second installation on the same accounts is refused. */
function afterOthers<T>(work: () => Promise<T>): Promise<T> {
  const next = lastStart.then(work);
  lastStart = next.catch(() => undefined);
  return next;
}

async function make(error: UserError, host: CliHost): Promise<Outcome> {
  const { args, env: changes, file } = error;
  const state = await stateOf(error);
  const dir = mkdtempSync(path.join(tmpdir(), 'zps-errors-'));
  writeFileSync(path.join(dir, 'mapping.yaml'), readFileSync(MAPPING_FILE, 'utf8'));
  if (file) {
    const shipped = readFileSync(file.name === 'profile.yaml' ? PROFILE : MAPPING_FILE, 'utf8');
    if ('change' in file) expect(shipped.replace(...file.change)).not.toBe(shipped);
    writeFileSync(path.join(dir, file.name), 'text' in file ? file.text : shipped.replace(...file.change));
  }
  const settings = { ...env, ...state, ...changes };
  // A start that fails half-way leaves resources that only its exit removes. Options of Node need a new process.
  const alone = args[0] === 'start' || 'NODE_OPTIONS' in settings;
  const { code, out, err } = await (alone
    ? afterOthers(() => runProgram(settings, args, { cwd: dir }))
    : host.run(settings, args, dir));
  const { ZENDESK_BASE_URL: url = '', ZENDESK_OAUTH_CLIENT_SECRET: secret } = state;
  const urls = [boxes.zendesk.url, ...(url === '' ? [] : [url])];
  return { code, err: err.trim(), out, dir, urls, secrets: secret === undefined ? [] : [secret] };
}

/** The message without the parts that differ between runs. */
function messageOf(error: UserError): string {
  const found = outcomes.get(error);
  if (!found) return 'was not tried';
  const { err, out, dir, urls } = found;
  const message = error.out ? (error.out.exec(out)?.[0] ?? `not found in: ${out}`) : err;
  return (
    urls
      .reduce((text, url) => text.replaceAll(url, 'https://acme.zendesk.com'), message)
      .replaceAll(`${dir}/`, '')
      .replaceAll(dir, '.')
      .replaceAll(boxes.pms.url, 'https://pms.example.com')
      // Two clocks are compared one after the other.
      .replaceAll(/\b86(399|40[01]) s\b/g, '86400 s')
  );
}

function list(errors: UserError[]): string {
  return errors
    .map((error) =>
      [
        wrapped(`**${error.did}** (exit code ${error.code})`, '- '),
        ['```text', ...messageOf(error).split('\n'), '```'].map((line) => `  ${line}`).join('\n'),
        wrapped(`Fix: ${error.cure}.`, '  '),
      ].join('\n\n'),
    )
    .join('\n\n');
}

function page(): string {
  const count = GROUPS.reduce((sum, [, errors]) => sum + errors.length, 0);
  return (
    [
      '<!-- prettier-ignore-start -->',
      '# Error messages',
      wrapped(
        `${count} mistakes, and the message that each of them causes. A test makes each mistake and writes this page (\`test/operator/errors.test.ts\`). Exit code 2: a setting, a file or an argument must be corrected. Exit code 1: a problem was found.`,
      ),
      wrapped('[reasons.md](reasons.md) lists the reasons for which a pair waits for a person.'),
      ...GROUPS.flatMap(([title, errors]) => [`## ${title}`, list(errors)]),
      '<!-- prettier-ignore-end -->',
      '',
    ]
      .join('\n\n')
      .trimEnd() + '\n'
  );
}

test.each(GROUPS.flatMap(([title, errors]) => errors.map((error) => [title, error.did, error] as const)))(
  '%s: %s',
  (_title, _did, error) => {
    const message = messageOf(error);
    expect(outcomes.get(error)?.code).toBe(error.code);
    expect(message).not.toBe('');
    // No stack, no secret, and no more lines than errors.
    expect(message).not.toMatch(/^\s+at /m);
    expect(message).not.toMatch(/wrong-credential|c2VjcmV0/);
    const { apiToken, clientSecret } = boxes.zendesk;
    const { out = '', secrets = [] } = outcomes.get(error) ?? {};
    for (const secret of [apiToken, clientSecret, boxes.pms.token, ...secrets])
      expect(message + out).not.toContain(secret);
    expect(message.split('\n').length).toBeLessThanOrEqual(2);
  },
);

test('docs/errors.md has the messages', () => {
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(DOCS, page());
  expect(page()).toBe(readFileSync(DOCS, 'utf8'));
});
