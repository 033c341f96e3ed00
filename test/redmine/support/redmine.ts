import { send, type Body } from 'testkit';

/** The Redmine that the test run started (globalSetup.ts), over plain HTTP, like a person's tool. */
export const REDMINE = {
  url: setting('ZPS_TEST_REDMINE_URL'),
  apiKey: setting('ZPS_TEST_REDMINE_KEY'),
};

export function redmine(
  method: string,
  path: string,
  body?: unknown,
  apiKey: string = REDMINE.apiKey,
): Promise<Body> {
  return send(REDMINE.url + path, method, { 'x-redmine-api-key': apiKey }, body);
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error('This test needs Redmine: run it by `npm run test:redmine`.');
  return value;
}
