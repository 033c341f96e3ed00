import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { loadConfig, loadIntakeConfigs } from '../../src/config/config';
import { taskQueueOf } from '../../src/sync/taskQueues';

/** Checks of the Kubernetes manifests that need no cluster. */

const DIR = path.resolve(__dirname, '../../deploy/kubernetes');
const read = (file: string) => readFileSync(path.join(DIR, file), 'utf8');

const kustomization = z
  .object({
    resources: z.array(z.string()),
    images: z.array(z.object({ name: z.string(), newTag: z.string() })),
    configMapGenerator: z.array(
      z.object({
        name: z.string(),
        literals: z.array(z.string()).default([]),
        files: z.array(z.string()).default([]),
      }),
    ),
  })
  .parse(parse(read('kustomization.yaml')));

interface Resource {
  kind: string;
  metadata: { name: string };
  stringData?: Record<string, string>;
  spec?: unknown;
}
const documents = (file: string) => parseAllDocuments(read(file)).map((each) => each.toJS() as Resource);
const resources = kustomization.resources.flatMap(documents);
const secrets = new Map(
  documents('secrets.example.yaml').map((each) => [each.metadata.name, each.stringData ?? {}]),
);

const podSpec = z.object({
  template: z.object({
    metadata: z.object({ labels: z.record(z.string(), z.string()) }),
    spec: z.object({
      securityContext: z.object({ runAsNonRoot: z.literal(true) }),
      containers: z
        .array(
          z.object({
            image: z.string(),
            args: z.array(z.string()),
            env: z.array(z.object({ name: z.string(), value: z.string() })),
            ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
            securityContext: z.object({
              allowPrivilegeEscalation: z.literal(false),
              readOnlyRootFilesystem: z.literal(true),
            }),
            volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
          }),
        )
        .length(1),
      volumes: z.array(
        z.object({
          name: z.string(),
          secret: z.object({ secretName: z.string() }).optional(),
          configMap: z.object({ name: z.string() }).optional(),
        }),
      ),
    }),
  }),
});

function deployment(name: string) {
  const found = resources.find((each) => each.kind === 'Deployment' && each.metadata.name === name);
  const { spec } = podSpec.parse(found?.spec).template;
  const [container] = spec.containers;
  if (!container) throw new Error(`${name} has no container`);
  return { ...spec, container };
}

/** The container's environment, with its mounted secrets in real files. */
function environment(name: string): Record<string, string> {
  const { container, volumes } = deployment(name);
  const settings = kustomization.configMapGenerator.find((each) => each.name === 'settings')?.literals ?? [];
  const env = Object.fromEntries(
    settings.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  for (const { name: variable, value } of container.env) {
    if (!variable.endsWith('_FILE') || variable === 'MAPPING_FILE') {
      env[variable] = value;
      continue;
    }
    const mount = container.volumeMounts.find(({ mountPath }) => value.startsWith(`${mountPath}/`));
    const secret = volumes.find((volume) => volume.name === mount?.name)?.secret?.secretName ?? '';
    const key = value.slice((mount?.mountPath.length ?? 0) + 1);
    expect(Object.keys(secrets.get(secret) ?? {})).toContain(key);
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'zps-k8s-')), key);
    writeFileSync(file, secrets.get(secret)?.[key] || 'long-enough-to-be-a-secret');
    env[variable] = file;
  }
  return env;
}

test('O11: the image that is built is pushed, and runs', () => {
  const { version } = JSON.parse(readFileSync(path.resolve(DIR, '../../package.json'), 'utf8')) as {
    version: string;
  };
  const named = [...read('kustomization.yaml').matchAll(/zendesk-pms-sync:(\d[\w.]*)/g)].map(
    ([, tag]) => tag,
  );
  expect(named).toEqual([version, version]);
  expect(kustomization.images.map(({ newTag }) => newTag)).toEqual([version]);
});

test('every named file exists, and every volume is a secret or map that is created', () => {
  for (const file of kustomization.resources) expect(existsSync(path.join(DIR, file))).toBe(true);
  const maps = kustomization.configMapGenerator.map(({ name }) => name);
  for (const name of ['worker', 'intake'])
    for (const volume of deployment(name).volumes) {
      if (volume.secret) expect([...secrets.keys()]).toContain(volume.secret.secretName);
      if (volume.configMap) expect(maps).toContain(volume.configMap.name);
    }
});

test('containers get known settings', () => {
  expect(loadConfig(null, environment('worker'))).toMatchObject({
    zendeskBaseUrl: 'https://acme.zendesk.com',
    mappingFile: '/etc/zendesk-pms-sync/mapping.yaml',
    metricsPort: deployment('worker').container.ports[0]?.containerPort,
  });
  const intake = environment('intake');
  expect(Object.keys(intake).filter((name) => /API_TOKEN|PMS_TOKEN/.test(name))).toEqual([]);
  expect(loadIntakeConfigs(null, intake)[0]).toMatchObject({
    intakePort: deployment('intake').container.ports[0]?.containerPort,
  });
});

test('all containers use the image that kustomize names', () => {
  const names = kustomization.images.map(({ name }) => name);
  for (const name of ['worker', 'intake']) expect(names).toContain(deployment(name).container.image);
});

test('workers are scaled by existing task queues', () => {
  const { taskQueue } = loadConfig(null, environment('worker'));
  const scaled = resources.find((each) => each.kind === 'ScaledObject');
  const { triggers, scaleTargetRef, minReplicaCount } = z
    .object({
      scaleTargetRef: z.object({ name: z.string() }),
      minReplicaCount: z.number(),
      triggers: z.array(
        z.object({ type: z.literal('temporal'), metadata: z.record(z.string(), z.string()) }),
      ),
    })
    .parse(scaled?.spec);
  expect(scaleTargetRef.name).toBe('worker');
  // Polls and timers continue when nothing waits.
  expect(minReplicaCount).toBeGreaterThan(0);
  expect(triggers.map(({ metadata }) => metadata['taskQueue'])).toEqual([
    taskQueue,
    taskQueueOf(taskQueue, 'zendesk', 'interactive'),
    taskQueueOf(taskQueue, 'pms', 'interactive'),
  ]);
});

test('O11: a worker that hangs is restarted, and a worker without its servers is not ready', () => {
  const worker = read('worker.yaml');
  expect(worker).toMatch(/livenessProbe:\n\s+httpGet: \{ path: \/livez, port: metrics \}/);
  expect(worker).toMatch(/readinessProbe:\n\s+httpGet: \{ path: \/healthz, port: metrics \}/);
});
