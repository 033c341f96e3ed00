import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { Resource, envDetectorSync } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry';

/** Exports the spans of clients, workflows and activities. HTTP spans use OpenTelemetry's global API. */
export interface Tracing {
  plugin: OpenTelemetryPlugin;
  /** Sends the remaining spans. */
  shutdown(): Promise<void>;
}

/**
 * Starts tracing if OpenTelemetry's standard variables name a collector. Spans are sent by OTLP over HTTP as JSON. Call it
 * once per process.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 *
 * @returns null if tracing is off
 */
export function startTracing(env: NodeJS.ProcessEnv = process.env): Tracing | null {
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  if (!endpoint || env['OTEL_SDK_DISABLED'] === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none') return null;
  const resource = new Resource({ 'service.name': 'zendesk-pms-sync' }).merge(envDetectorSync.detect());
  // Address, headers, time-outs, batching and sampling are read from the environment by these classes.
  const spanProcessor = new BatchSpanProcessor(new OTLPTraceExporter());
  const provider = new NodeTracerProvider({ resource, spanProcessors: [spanProcessor] });
  provider.register();
  return {
    plugin: new OpenTelemetryPlugin({ resource, spanProcessor }),
    shutdown: () => provider.shutdown(),
  };
}
