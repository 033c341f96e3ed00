import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';
import { Client, Connection } from '@temporalio/client';
import { freePort } from '../../src/platform/ports';
import { SIDES } from '../../src/sync/record';
import { pollScheduleId } from '../../src/workers/schedules';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { ServiceProcess, serviceEnvironment, until } from '../support/serviceProcess';

/** Metrics, traces and logs of the service as its own process: a scrape, a collector, and its output. */

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes: { key: string; value: { stringValue?: string; intValue?: number } }[];
}

describe('telemetry', () => {
  const name = `telemetry-${randomUUID().slice(0, 8)}`;
  const secret = 'secret-of-the-pms-webhook';
  const spans = new Map<string, Span>();
  let boxes: Sandboxes;
  let collector: FastifyInstance;
  let service: ServiceProcess;
  let metricsPort: number;
  let ticketId: number;

  beforeAll(async () => {
    boxes = await startSandboxes();
    collector = fastify({ bodyLimit: 50_000_000 });
    collector.post('/v1/traces', async (request) => {
      const { resourceSpans } = request.body as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
      for (const span of resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((it) => it.spans)))
        spans.set(span.spanId, span);
      return {};
    });
    const endpoint = await collector.listen({ host: '127.0.0.1', port: 0 });
    metricsPort = await freePort();
    const intakePort = await freePort();
    service = new ServiceProcess({
      ...serviceEnvironment(boxes, name),
      // Webhooks report changes of the PMS, polls report changes of Zendesk.
      PMS_POLL_SECONDS: '3600',
      PMS_WEBHOOK_SECRET: secret,
      INTAKE_PORT: String(intakePort),
      METRICS_PORT: String(metricsPort),
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_BSP_SCHEDULE_DELAY: '200',
      LOG_LEVEL: 'debug',
    });
    await until(() => service.output.includes('running; Ctrl-C stops'));
    await boxes.pm('POST', '/webhooks', { url: `http://127.0.0.1:${intakePort}/webhooks/pms`, secret });

    const made = await boxes.zd('POST', '/tickets', {
      ticket: { subject: 'Xylograph', comment: { body: 'Quagmire' } },
    });
    ticketId = (made['ticket'] as { id: number }).id;
    await until(() => project() !== undefined);
    // The pair's workflow must have ended, or the edit belongs to the same run.
    await until(async () => (await runsEnded()) >= 1);
    await boxes.pm('PATCH', `/projects/${project()?.id}`, { title: 'edited' });
    await until(() => boxes.zendesk.store.tickets.get(ticketId)?.subject === 'edited');
    await until(async () => (await runsEnded()) >= 2);
  });
  afterAll(async () => {
    await service.signal('SIGTERM');
    const connection = await Connection.connect({ address: testServers().temporalAddress });
    const client = new Client({ connection });
    for (const side of SIDES) await client.schedule.getHandle(pollScheduleId(name, side)).delete();
    await connection.close();
    await collector.close();
    await boxes.close();
  });

  const project = () => [...boxes.pms.store.all('project')][0];
  const scrape = async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  /** The samples of a metric: labels and value. */
  const metric = async (wanted: string) =>
    (await scrape()).split('\n').flatMap((line) => {
      const [, id, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      return id === wanted ? [{ labels, value: Number(value) }] : [];
    });

  /** The pairs of tickets. */
  const runsEnded = async () =>
    (await metric('temporal_workflow_completed_total'))
      .filter(({ labels }) => labels.includes('workflow_type="TicketToProject"'))
      .reduce((sum, { value }) => sum + value, 0);

  test('one endpoint has the metrics of the sync, the process and Temporal’s SDK', async () => {
    const text = await scrape();
    for (const sample of [
      /^zps_api_calls_total\{side="pms",method="POST",route="\/api\/v1\/projects",status="201"\} 1$/m,
      /^zps_api_calls_total\{side="zendesk",method="PUT",route="\/api\/v2\/tickets\/\{id\}",status="200"\} 1$/m,
      /^zps_api_call_seconds_count\{side="pms",method="POST"\} [1-9]/m,
      /^zps_api_rate_left\{side="zendesk",bucket="account"\} \d+$/m,
      /^zps_changes_seen_total\{side="zendesk",stream="tickets"\} [1-9]/m,
      /^zps_changes_dispatched_total\{side="zendesk"\} [1-9]/m,
      /^zps_changes_dispatched_total\{side="pms"\} [1-9]/m,
      /^zps_writes_total\{side="pms",entity="TicketToProject",op="create"\} 1$/m,
      /^zps_writes_total\{side="zendesk",entity="TicketToProject",op="update"\} 1$/m,
      /^zps_propagation_seconds_count\{side="zendesk",entity="TicketToProject"\} 1$/m,
      /^zps_lag_seconds\{side="zendesk",stream="tickets"\} \d/m,
      /^zps_pairs_unsettled\{entity="TicketToProject",status="quarantined"\} 0$/m,
      /^zps_observations \d+$/m,
      /^zps_webhooks\{side="pms",outcome="accepted"\} [1-9]/m,
      /^zps_mapping_info\{version="[0-9a-f]{12}"\} 1$/m,
      /^zps_mapping_reloads_total\{outcome="rejected"\} 0$/m,
      /^process_resident_memory_bytes \d/m,
      /^temporal_workflow_completed_total\{.*workflow_type="TicketToProject".*\} [2-9]/m,
    ])
      expect(text).toMatch(sample);
    // An id in a label would create a time series for every record.
    const ours = text.split('\n').filter((line) => line.startsWith('zps_'));
    for (const id of [String(ticketId), String(project()?.id)]) expect(ours.join('\n')).not.toContain(id);
  });

  test.each([
    [
      'a poll',
      [
        'RunActivity:pollStream',
        'SignalWithStartWorkflow:TicketToProject',
        'RunWorkflow:TicketToProject',
        'StartActivity:writePlanned',
        'RunActivity:writePlanned',
        'POST /api/v1/projects',
      ],
    ],
    [
      'a webhook',
      [
        'SignalWithStartWorkflow:readHints',
        'RunWorkflow:readHints',
        'StartActivity:readHinted',
        'RunActivity:readHinted',
        'SignalWithStartWorkflow:TicketToProject',
        'RunWorkflow:TicketToProject',
        'StartActivity:writePlanned',
        'RunActivity:writePlanned',
        'PUT /api/v2/tickets/{id}',
      ],
    ],
  ])('one trace connects %s with the call that writes', async (_, path) => {
    // Each span's ancestors, nearest first.
    const ancestry = (span: Span): string[] => {
      const parent = spans.get(span.parentSpanId ?? '');
      return [span.name, ...(parent ? ancestry(parent) : [])];
    };
    const leads = () =>
      [...spans.values()].some((span) => {
        const names = ancestry(span).reverse();
        const at = names.indexOf(path[0] ?? '');
        return at >= 0 && JSON.stringify(names.slice(at)) === JSON.stringify(path);
      });
    await until(leads);
    const call = [...spans.values()].find((span) => span.name === path.at(-1));
    expect(call?.attributes).toEqual(
      expect.arrayContaining([
        { key: 'http.request.method', value: { stringValue: path.at(-1)?.split(' ')[0] } },
        { key: 'url.template', value: { stringValue: path.at(-1)?.split(' ')[1] } },
        { key: 'http.response.status_code', value: { intValue: expect.any(Number) as number } },
      ]),
    );
  });

  test('traces and metrics contain no content', async () => {
    const exported = JSON.stringify([...spans.values()]) + (await scrape());
    const tokens = boxes.zendesk.oauth.tokens.list().map(({ value }) => value);
    expect(tokens.length).toBeGreaterThan(1);
    for (const word of ['Xylograph', 'Quagmire', boxes.zendesk.clientSecret, ...tokens, boxes.pms.token])
      expect(exported).not.toContain(word);
    expect(spans.size).toBeGreaterThan(20);
  });

  test('each line of an activity names pair, workflow, run and attempt', () => {
    const lines = service.output.split('\n').flatMap((line) => {
      try {
        return [JSON.parse(line) as Record<string, unknown>];
      } catch {
        return [];
      }
    });
    const key = `TicketToProject/zendesk:ticket:${ticketId}`;
    expect(lines.filter(({ msg }) => msg === 'written')).toMatchObject([
      { key, workflowId: key, runId: expect.any(String) as string, attempt: 1, side: 'pms', op: 'create' },
      {
        key,
        workflowId: key,
        runId: expect.any(String) as string,
        attempt: 1,
        side: 'zendesk',
        op: 'update',
      },
    ]);
  });
});
