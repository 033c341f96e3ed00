import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { SyntaxNode } from '@lezer/common';
import type { LRParser } from '@lezer/lr';
import type { Metric } from 'prom-client';
import { parse } from 'yaml';
import { z } from 'zod';
import { SyncMetrics } from '../../src/activities/metrics';
import { Counts, OUTCOMES } from '../../src/sync/deliveryCounts';
import { SIDES } from '../../src/sync/record';
import { headingAnchors } from '../support/headingAnchors';

/**
 * The dashboard and the alerts name only existing metrics and labels. Prometheus' own grammar reads their PromQL; the
 * registry behind `/metrics` lists the metrics.
 */

// Its types are those of an ES module, but Node loads it as CommonJS.
const { parser } = jest.requireActual<{ parser: LRParser }>('@prometheus-io/lezer-promql');

const ROOT = path.resolve(__dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

const rules = z
  .object({
    groups: z.array(
      z.object({
        name: z.string(),
        rules: z.array(
          z.object({
            alert: z.string(),
            expr: z.string(),
            for: z.string().optional(),
            labels: z.object({ severity: z.enum(['critical', 'warning']) }),
            annotations: z.object({ summary: z.string(), description: z.string(), runbook: z.string() }),
          }),
        ),
      }),
    ),
  })
  .parse(parse(read('deploy/prometheus/rules.yml')))
  .groups.flatMap((group) => group.rules);

const dashboard = z
  .object({
    panels: z.array(
      z.object({
        id: z.number(),
        title: z.string(),
        description: z.string().optional(),
        targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).default([]),
      }),
    ),
    templating: z.object({ list: z.array(z.object({ name: z.string() })) }),
  })
  .parse(JSON.parse(read('deploy/grafana/dashboard.json')));

const expressions = [
  ...rules.map(({ alert, expr }) => ({ where: alert, expr })),
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ where: title, expr }))),
];

/** Labels that Prometheus adds to each target that it scrapes. */
const SCRAPE_LABELS = ['instance', 'job'];
/** Labels that Temporal's SDK gives to the metrics of activities. */
const SDK_LABELS = ['namespace', 'service_name', 'task_queue', 'activity_type', 'workflow_type'];
const SUFFIXES = { histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'] };

/** Every sample name of our own registry, with its labels. */
async function exposed(): Promise<Map<string, Set<string>>> {
  const metrics = new SyncMetrics();
  metrics.watchStore({
    countUnsettled: () => Promise.resolve([]),
    observations: { count: () => Promise.resolve(0) },
    holds: { all: () => Promise.resolve([]) },
  });
  metrics.watchWebhooks(new Counts());
  const found = new Map<string, Set<string>>();
  for (const { name, type } of await metrics.registry.getMetricsAsJSON()) {
    const metric = metrics.registry.getSingleMetric(name) as Metric & { labelNames?: readonly string[] };
    const labels = [...(metric.labelNames ?? []), ...SCRAPE_LABELS];
    // If several connections share a process, each of our metrics has a connection label (docs/observability.md).
    if (name.startsWith('zps_')) labels.push('connection');
    const kind = String(type);
    for (const suffix of kind in SUFFIXES ? SUFFIXES[kind as keyof typeof SUFFIXES] : [''])
      found.set(name + suffix, new Set(suffix === '_bucket' ? [...labels, 'le'] : labels));
  }
  return found;
}

/** Temporal's core writes the metrics of the SDK; their names are constants in its source, which npm installs. */
const sdkSource = read(
  'node_modules/@temporalio/core-bridge/sdk-core/crates/common/src/telemetry/metrics.rs',
);
const isSdkMetric = (name: string) => {
  const [, bare = ''] = /^temporal_(\w+_latency)_seconds_(?:bucket|sum|count)$/.exec(name) ?? [];
  return bare !== '' && sdkSource.includes(`"${bare}"`);
};

interface Used {
  /** Selectors: the name, and the labels and values in its matchers. */
  selectors: { name: string; matchers: { label: string; operator: string; value: string }[] }[];
  /** Labels of `by (…)` and `on (…)`. */
  groupedBy: string[];
}

/** @throws if the text is not PromQL */
function readPromql(where: string, expr: string): Used {
  // Grafana inserts the values of its variables before Prometheus parses the text.
  const text = expr.replaceAll('$connection', '.*');
  const used: Used = { selectors: [], groupedBy: [] };
  const textOf = ({ from, to }: { from: number; to: number }) => text.slice(from, to);
  const childOf = (node: SyntaxNode, name: string) => node.getChild(name);
  parser.parse(text).iterate({
    enter: (each) => {
      const { node } = each;
      if (each.type.isError) throw new Error(`${where}: not PromQL at "${text.slice(each.from)}"`);
      if (each.name === 'VectorSelector') {
        const identifier = childOf(node, 'Identifier');
        if (!identifier) throw new Error(`${where}: found a selector without a metric's name`);
        used.selectors.push({ name: textOf(identifier), matchers: [] });
      }
      if (each.name === 'UnquotedLabelMatcher') {
        const parts = { label: 'LabelName', operator: 'MatchOp', value: 'StringLiteral' } as const;
        const part = (name: string) => {
          const found = childOf(node, name);
          return found ? textOf(found) : '';
        };
        used.selectors.at(-1)?.matchers.push({
          label: part(parts.label),
          operator: part(parts.operator),
          value: part(parts.value).slice(1, -1),
        });
      }
      if (each.name === 'GroupingLabels')
        for (const label of node.getChildren('LabelName')) used.groupedBy.push(textOf(label));
    },
  });
  return used;
}

/** Missing metrics and labels in an expression. */
function unknownIn(
  { where, expr }: { where: string; expr: string },
  known: Map<string, Set<string>>,
): string[] {
  const { selectors, groupedBy } = readPromql(where, expr);
  if (selectors.length === 0) return [`${where}: no metric`];
  const labelsOf = (name: string) =>
    known.get(name) ?? (isSdkMetric(name) ? new Set([...SDK_LABELS, ...SCRAPE_LABELS, 'le']) : null);
  const everywhere = new Set(selectors.flatMap(({ name }) => [...(labelsOf(name) ?? [])]));
  return [
    ...selectors.flatMap(({ name, matchers }) => {
      const labels = labelsOf(name);
      if (!labels) return [`${where}: metric ${name}`];
      return matchers.flatMap(({ label }) => (labels.has(label) ? [] : [`${where}: ${name}{${label}}`]));
    }),
    ...groupedBy.flatMap((label) => (everywhere.has(label) ? [] : [`${where}: by (${label})`])),
  ];
}

/** The possible values of a label with a closed set. */
const VALUES: Record<string, readonly string[]> = {
  side: SIDES,
  kind: ['RetryLater', 'Bug'],
  by: ['us', 'others'],
  'zps_pairs_unsettled:status': ['pending', 'conflict', 'quarantined'],
  'zps_mapping_reloads_total:outcome': ['applied', 'rejected'],
  'zps_webhooks:outcome': OUTCOMES,
  'zps_api_rate_left:bucket': ['account'],
};

test('every metric and label exists', async () => {
  const known = await exposed();
  expect(expressions.length).toBeGreaterThan(30);
  expect(expressions.flatMap((each) => unknownIn(each, known))).toEqual([]);
});

test('every value in a matcher is a possible value of the label', () => {
  const wrong = expressions.flatMap(({ where, expr }) =>
    readPromql(where, expr).selectors.flatMap(({ name, matchers }) =>
      matchers.flatMap(({ label, value, operator }) => {
        const values = VALUES[`${name}:${label}`] ?? VALUES[label];
        if (!values || value === '.*') return [];
        const named = operator.includes('~') ? value.split('|') : [value];
        return named.every((each) => values.includes(each)) ? [] : [`${where}: ${name}{${label}="${value}"}`];
      }),
    ),
  );
  expect(wrong).toEqual([]);
});

test('a missing metric, label or grouping is found, and so is invalid PromQL', async () => {
  const known = await exposed();
  const unknown = (expr: string) => unknownIn({ where: 'x', expr }, known);
  expect(unknown('sum(rate(zps_writes[5m]))')).toEqual(['x: metric zps_writes']);
  expect(unknown('zps_lag_seconds{system="pms"}')).toEqual(['x: zps_lag_seconds{system}']);
  expect(unknown('sum by (entity) (zps_lag_seconds)')).toEqual(['x: by (entity)']);
  // A histogram has no sample of its bare name, and a counter no buckets.
  expect(unknown('zps_propagation_seconds')).toEqual(['x: metric zps_propagation_seconds']);
  expect(unknown('zps_writes_total_bucket')).toEqual(['x: metric zps_writes_total_bucket']);
  expect(unknown('temporal_no_such_latency_seconds_bucket')).toEqual([
    'x: metric temporal_no_such_latency_seconds_bucket',
  ]);
  expect(() => unknown('sum by (side (zps_lag_seconds)')).toThrow(/not PromQL/);
});

test('every metric of ours is on the dashboard or in an alert, and docs/observability.md names it', async () => {
  const page = read('docs/observability.md');
  const shown = new Set(
    expressions.flatMap(({ where, expr }) => readPromql(where, expr).selectors.map(({ name }) => name)),
  );
  const bare = [...(await exposed()).keys()].filter(
    (name) => /^zps_/.test(name) && !/_(sum|count)$/.test(name),
  );
  expect(bare.length).toBeGreaterThan(15);
  expect(bare.filter((name) => !shown.has(name))).toEqual([]);
  expect(bare.filter((name) => !page.includes(name.replace(/_bucket$/, '')))).toEqual([]);
});

test('every alert has its section in docs/troubleshooting.md', () => {
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  const anchors = headingAnchors(read('docs/troubleshooting.md'));
  const broken = rules.filter(({ annotations: { runbook } }) => {
    const [page, anchor = ''] = runbook.split('#');
    return page !== 'docs/troubleshooting.md' || !anchors.has(anchor);
  });
  expect(broken.map(({ alert }) => alert)).toEqual([]);
});

test('each panel has its own id, title and description, and a known variable', () => {
  const { panels, templating } = dashboard;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const withTargets = panels.filter(({ targets }) => targets.length > 0);
  expect(withTargets.filter(({ description }) => (description ?? '') === '')).toEqual([]);
  const variables = new Set(templating.list.map(({ name }) => name));
  for (const [, name = ''] of read('deploy/grafana/dashboard.json').matchAll(/\$\{?([a-z]\w*)\}?/g))
    expect(variables).toContain(name);
  expect(readdirSync(path.join(ROOT, 'deploy/grafana'))).toEqual(['dashboard.json']);
  expect(existsSync(path.join(ROOT, 'deploy/prometheus/rules.yml'))).toBe(true);
});
