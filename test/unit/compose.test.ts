import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadConfig, loadIntakeConfigs } from '../../src/config/config';

/** Checks of the deployment files that need no Docker engine. */

const ROOT = path.resolve(__dirname, '../..');
const compose = z
  .object({
    services: z.record(
      z.string(),
      z.object({
        image: z.string().optional(),
        build: z.string().optional(),
        depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
        environment: z.record(z.string(), z.string()).default({}),
        healthcheck: z.object({ test: z.array(z.string()).min(2) }).optional(),
        ports: z.array(z.string()).default([]),
      }),
    ),
    volumes: z.record(z.string(), z.unknown()),
  })
  .parse(parse(readFileSync(path.join(ROOT, 'docker-compose.yml'), 'utf8')));

describe('docker-compose.yml', () => {
  const services = Object.entries(compose.services);

  test('has Temporal, its Web UI, MongoDB, a worker, a webhook receiver and a console', () => {
    expect(Object.keys(compose.services).sort()).toEqual([
      'console',
      'intake',
      'mongodb',
      'temporal',
      'temporal-db',
      'temporal-ui',
      'worker',
    ]);
  });

  test('pins every image, and waits only for services that exist and have a health check', () => {
    for (const [, service] of services) {
      if (service.image !== undefined) expect(service.image).toMatch(/:[\d.]+(-\w+)?$/);
      for (const [name, { condition }] of Object.entries(service.depends_on)) {
        expect(condition).toBe('service_healthy');
        expect(compose.services[name]?.healthcheck).toBeDefined();
      }
    }
  });

  test('publishes ports on this machine only, and none of the worker, which scales', () => {
    for (const [, service] of services)
      for (const port of service.ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    expect(compose.services['worker']?.ports).toEqual([]);
  });

  test('passes known settings to the worker', () => {
    expect(loadConfig(null, settingsOf('worker'))).toMatchObject({
      temporalAddress: 'temporal:7233',
      zendeskBaseUrl: 'https://acme.zendesk.com',
    });
  });
});

test('O11: MongoDB is a replica set, and every setting of .env reaches the worker', () => {
  const file = readFileSync(path.join(ROOT, 'docker-compose.yml'), 'utf8');
  const { services } = z.object({ services: z.record(z.string(), z.looseObject({})) }).parse(parse(file));
  expect(services['mongodb']).toMatchObject({ command: ['--replSet', 'rs0', '--bind_ip_all'] });
  expect(services['worker']).toMatchObject({ env_file: [{ path: '.env', required: false }] });
  for (const { environment } of Object.values(compose.services))
    if (environment['MONGODB_URI']) expect(environment['MONGODB_URI']).toContain('replicaSet=rs0');
});

test('O11: the console is reachable on this machine only, and has no credential of either API', () => {
  const filled = settingsOf('console');
  expect(
    loadIntakeConfigs(null, { ...filled, CONSOLE_TOKEN: 'a-console-token-of-24-chars' })[0],
  ).toMatchObject({
    consoleHost: '0.0.0.0',
    mappingFile: '/app/mapping.yaml',
  });
  expect(compose.services['console']?.ports).toEqual(['127.0.0.1:8085:8085']);
  expect(Object.keys(filled).filter((name) => /ZENDESK_.*(SECRET|TOKEN)|PMS_TOKEN/.test(name))).toEqual([]);
});

test('O11: the image has a health check and is owned by root; no trial files get into it', () => {
  const image = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8');
  expect(image).toMatch(/^HEALTHCHECK .*\/healthz/m);
  expect(image).toMatch(/METRICS_PORT=9464/);
  expect(image).not.toMatch(/COPY .*--chown=node/);
  const ignored = readFileSync(path.join(ROOT, '.dockerignore'), 'utf8').split('\n');
  expect(ignored).toEqual(expect.arrayContaining(['my-sync', '**/secrets', '**/.zendesk-pms-sync']));
});

test('the webhook receiver gets known settings, and no credential of either API', () => {
  const filled = settingsOf('intake');
  expect(loadIntakeConfigs(null, filled)[0]).toMatchObject({
    intakeHost: '0.0.0.0',
    zendeskWebhookSecret: ['zendesk-secret'],
    pmsWebhookSecret: ['pms-secret-new', 'pms-secret-old'],
  });
  expect(Object.keys(filled).filter((name) => /TOKEN|EMAIL|BASE_URL/.test(name))).toEqual([]);
});

function settingsOf(service: string): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(compose.services[service]?.environment ?? {}).map(([name, value]) => [
      name,
      value.replace(/\$\{(\w+)[^}]*\}/, (_, variable: string) => EXAMPLES[variable] ?? ''),
    ]),
  );
}

const EXAMPLES: Record<string, string> = {
  ZENDESK_WEBHOOK_SECRET: 'zendesk-secret',
  PMS_WEBHOOK_SECRET: 'pms-secret-new,pms-secret-old',
  ZENDESK_SUBDOMAIN: 'acme',
  ZENDESK_OAUTH_CLIENT_ID: 'sync',
  ZENDESK_OAUTH_CLIENT_SECRET: 'secret',
  PMS_BASE_URL: 'https://pms.example',
  PMS_TOKEN: 'token',
};

test('the Dockerfile runs as an unprivileged user, and starts what npm start starts', () => {
  const lines = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8').split('\n');
  expect(lines).toContain('USER node');
  expect(lines.at(-2)).toBe('CMD ["node", "dist/src/operator/cli/main.js", "start"]');
  expect(lines.some((line) => line.startsWith('HEALTHCHECK'))).toBe(true);
});
