import { AggregatorRegistry, Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { LinkStore } from '../links/linkStore';
import { awaitsDecision, type HeldKind } from '../sync/holds';
import { OUTCOMES, type Counts } from '../sync/deliveryCounts';
import { SIDES, type EntityType, type Side } from '../sync/record';
import type { LimitState } from '../systems/budget/rateBudgets';
import type { ApiCall } from '../systems/http';
import { routeOf } from '../systems/route';

const CALL_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const PROPAGATION_BUCKETS = [0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600, 14_400];

interface WatchedStore extends Pick<LinkStore, 'countUnsettled'> {
  holds: Pick<LinkStore['holds'], 'all'>;
  observations: Pick<LinkStore['observations'], 'count'>;
}

/**
 * What this process measures. One instance a connection; docs/observability.md lists every metric. Labels are
 * sides, kinds and codes, and the connection's name where there are several: no id, no content.
 */
export class SyncMetrics {
  readonly registry = new Registry();
  private readonly make = { registers: [this.registry] };
  private readonly positions = new Map<string, { side: Side; stream: string; at: number }>();
  private store: WatchedStore | null = null;

  private readonly apiCalls = new Counter({
    name: 'zps_api_calls_total',
    help: 'Calls to an API; status 0 is a call without an answer',
    labelNames: ['side', 'method', 'route', 'status'],
    ...this.make,
  });
  private readonly apiSeconds = new Histogram({
    name: 'zps_api_call_seconds',
    help: 'How long calls to an API took',
    labelNames: ['side', 'method'],
    buckets: CALL_BUCKETS,
    ...this.make,
  });
  private readonly rateLeft = new Gauge({
    name: 'zps_api_rate_left',
    help: 'Calls that the API allows in its present window, as its latest answer said',
    labelNames: ['side', 'bucket'],
    ...this.make,
  });
  private readonly rateLimit = new Gauge({
    name: 'zps_api_rate_limit',
    help: 'Calls that the API allows in a window, as its latest answer said',
    labelNames: ['side', 'bucket'],
    ...this.make,
  });
  private readonly rateUsed = new Gauge({
    name: 'zps_api_rate_used',
    help: 'Calls of the present window by all workers (by="us") and by everybody else (by="others")',
    labelNames: ['side', 'bucket', 'by'],
    ...this.make,
  });
  private readonly changesSeen = new Counter({
    name: 'zps_changes_seen_total',
    help: 'Records on pages of the change streams, echoes included',
    labelNames: ['side', 'stream'],
    ...this.make,
  });
  private readonly changesHanded = new Counter({
    name: 'zps_changes_dispatched_total',
    help: 'Pairs told of a change',
    labelNames: ['side'],
    ...this.make,
  });
  private readonly writes = new Counter({
    name: 'zps_writes_total',
    help: 'Writes that a side confirmed',
    labelNames: ['side', 'entity', 'op'],
    ...this.make,
  });
  private readonly propagation = new Histogram({
    name: 'zps_propagation_seconds',
    help: 'From a change on one side (by its clock) to its write on the side named; without the first load',
    labelNames: ['side', 'entity'],
    buckets: PROPAGATION_BUCKETS,
    ...this.make,
  });
  private readonly parked = new Counter({
    name: 'zps_pairs_parked_total',
    help: 'Pairs left to a person: conflicts and quarantine',
    labelNames: ['entity', 'status', 'code'],
    ...this.make,
  });
  private readonly holdsBegun = new Counter({
    name: 'zps_brake_holds_begun_total',
    help: 'Holds of the brake that began: too many pairs were changed alike',
    labelNames: ['entity', 'kind'],
    ...this.make,
  });
  private readonly failures = new Counter({
    name: 'zps_activity_failures_total',
    help: 'Attempts of activities that failed; kind is RetryLater or Bug',
    labelNames: ['kind'],
    ...this.make,
  });
  private readonly reloads = new Counter({
    name: 'zps_mapping_reloads_total',
    help: 'Changed mapping files that were taken up (applied) or could not be used (rejected)',
    labelNames: ['outcome'],
    ...this.make,
  });
  private readonly mappingInfo = new Gauge({
    name: 'zps_mapping_info',
    help: 'Always 1, labelled with the version of the mapping in use',
    labelNames: ['version'],
    ...this.make,
  });

  /** @param connection labels all of it, where there are several */
  constructor(readonly connection: string | null = null) {
    if (connection === null) collectDefaultMetrics({ register: this.registry });
    else this.registry.setDefaultLabels({ connection });
    const { positions } = this;
    new Gauge({
      name: 'zps_lag_seconds',
      help: 'How far behind now a change stream was read and dispatched',
      labelNames: ['side', 'stream'],
      ...this.make,
      collect() {
        for (const { side, stream, at } of positions.values())
          this.set({ side, stream }, Math.max(0, Date.now() - at) / 1000);
      },
    });
    for (const outcome of ['applied', 'rejected']) this.reloads.inc({ outcome }, 0);
  }

  apiCall({ side, method, path, status, ms }: ApiCall): void {
    this.apiCalls.inc({ side, method, route: routeOf(path), status: status ?? 0 });
    this.apiSeconds.observe({ side, method }, ms / 1000);
  }

  /** What an answer said of a limit of its API. */
  rate(side: Side, { bucket, limit, left, ours, others }: LimitState): void {
    this.rateLeft.set({ side, bucket }, left);
    this.rateLimit.set({ side, bucket }, limit);
    this.rateUsed.set({ side, bucket, by: 'us' }, ours);
    this.rateUsed.set({ side, bucket, by: 'others' }, others);
  }

  /**
   * A page of a change stream was handed on.
   * @param newest ISO time of the newest change on it; null for an empty page
   * @param atEnd whether the stream was read to its present end: then it is not behind, however old the change
   */
  pageDispatched(side: Side, stream: string, records: number, newest: string | null, atEnd: boolean): void {
    this.changesSeen.inc({ side, stream }, records);
    const at = atEnd ? Date.now() : newest === null ? null : Date.parse(newest);
    if (at !== null) this.positions.set(`${side}:${stream}`, { side, stream, at });
  }

  dispatched(side: Side, pairs: number): void {
    this.changesHanded.inc({ side }, pairs);
  }

  /**
   * @param side the one that was written to
   * @param changedAt ISO time of the change that caused it; null where that was before the sync began
   */
  written(side: Side, entity: EntityType, op: string, changedAt: string | null): void {
    this.writes.inc({ side, entity, op });
    if (changedAt !== null)
      this.propagation.observe({ side, entity }, Math.max(0, Date.now() - Date.parse(changedAt)) / 1000);
  }

  pairParked(entity: EntityType, status: 'conflict' | 'quarantined', code: string): void {
    this.parked.inc({ entity, status, code });
  }

  braked(entity: EntityType, kind: HeldKind): void {
    this.holdsBegun.inc({ entity, kind });
  }

  activityFailed(kind: 'RetryLater' | 'Bug'): void {
    this.failures.inc({ kind });
  }

  mappingApplied(version: string, isNew: boolean): void {
    this.mappingInfo.reset();
    this.mappingInfo.set({ version }, 1);
    if (isNew) this.reloads.inc({ outcome: 'applied' });
  }

  mappingRejected(): void {
    this.reloads.inc({ outcome: 'rejected' });
  }

  /** Counts what waits in the link store, at each scrape. Once more: in another one. */
  watchStore(store: WatchedStore): void {
    const isFirst = this.store === null;
    this.store = store;
    if (!isFirst) return;
    const watched = () => this.store ?? store;
    new Gauge({
      name: 'zps_pairs_unsettled',
      help: 'Pairs that are not linked: pending, conflict or quarantined',
      labelNames: ['entity', 'status'],
      ...this.make,
      async collect() {
        for (const { entity, status, count } of await watched().countUnsettled())
          this.set({ entity, status }, count);
      },
    });
    new Gauge({
      name: 'zps_brake_holds',
      help: 'Kinds of change that the brake holds, until a person releases or discards them',
      labelNames: ['entity', 'kind'],
      ...this.make,
      async collect() {
        this.reset();
        for (const { entity, kind, by, state } of await watched().holds.all())
          if (by === 'brake' && awaitsDecision(state)) this.inc({ entity, kind });
      },
    });
    new Gauge({
      name: 'zps_observations',
      help: 'Records seen whose pair has not dealt with them yet',
      ...this.make,
      async collect() {
        this.set(await watched().observations.count());
      },
    });
  }

  /** Shows the webhook receiver's counts, at each scrape. */
  watchWebhooks(counts: Counts): void {
    new Gauge({
      name: 'zps_webhooks',
      help: 'Webhook deliveries since the start, by what became of them',
      labelNames: ['side', 'outcome'],
      ...this.make,
      collect() {
        for (const side of SIDES)
          for (const outcome of OUTCOMES) this.set({ side, outcome }, counts.of(side, outcome));
      },
    });
  }
}

/** What Prometheus reads. Of several connections each metric is told once, with the labels of all. */
export class Exposition {
  readonly contentType: string;
  private readonly ofProcess: Registry[];
  private readonly ofConnections: Registry[];

  constructor(several: readonly [SyncMetrics, ...SyncMetrics[]]) {
    const [{ registry, connection }] = several;
    this.contentType = registry.contentType;
    this.ofProcess = connection === null ? [registry] : [processMetrics()];
    this.ofConnections = connection === null ? [] : several.map((each) => each.registry);
  }

  async text(): Promise<string> {
    const ofConnections = this.ofConnections.map((registry) => registry.getMetricsAsJSON());
    const merged = AggregatorRegistry.aggregate(await Promise.all(ofConnections));
    const parts = [...this.ofProcess, merged].map((registry) => registry.metrics());
    return (await Promise.all(parts)).join('\n');
  }
}

function processMetrics(): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register });
  return register;
}
