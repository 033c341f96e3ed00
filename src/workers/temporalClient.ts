import { readFileSync } from 'node:fs';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { NativeConnection } from '@temporalio/worker';
import { ConfigError, variableOf, type Config } from '../config/config';
import { EncryptionCodec } from '../platform/encryption/codec';
import type { Tracing } from '../platform/tracing';
import { cannotRead } from '../platform/systemErrors';

/**
 * Connections to Temporal for the client, the workers and the command line. TLS, API key and payload encryption are
 * decided here, for all of them.
 */

/** The settings that concern the connection to Temporal. */
export type TemporalConfig = Pick<
  Config,
  | 'encryptionKeys'
  | 'temporalNamespace'
  | 'temporalApiKey'
  | 'temporalTls'
  | 'temporalTlsServerName'
  | 'temporalTlsServerCaCertPath'
  | 'temporalTlsClientCertPath'
  | 'temporalTlsClientKeyPath'
>;

export interface TemporalClient {
  client: Client;
  close(): Promise<void>;
}

/** @throws ConfigError if a certificate cannot be read; the SDK's error if no server answers */
export async function connectClient(
  config: TemporalConfig,
  address: string,
  tracing: Tracing | null = null,
): Promise<TemporalClient> {
  const connection = await Connection.connect({
    address,
    connectTimeout: 10_000,
    ...connectionOptions(config),
  });
  return { client: clientOver(connection, config, tracing), close: () => connection.close() };
}

/** A client on a connection that the caller made with {@link connectionOptions}. */
export function clientOver(
  connection: Connection,
  config: Pick<TemporalConfig, 'temporalNamespace' | 'encryptionKeys'>,
  tracing: Tracing | null,
): Client {
  return new Client({
    connection,
    namespace: config.temporalNamespace,
    dataConverter: dataConverter(config),
    ...(tracing && { plugins: [tracing.plugin] }),
  });
}

/** The connection that workers share. @throws as {@link connectClient} */
export async function connectWorkers(config: TemporalConfig, address: string): Promise<NativeConnection> {
  return NativeConnection.connect({ address, ...connectionOptions(config) });
}

/** Converts values to payloads. Client and workers must use the same converter. */
export function dataConverter({ encryptionKeys }: Pick<TemporalConfig, 'encryptionKeys'>): DataConverter {
  if (!encryptionKeys) return {};
  return {
    payloadCodecs: [new EncryptionCodec(encryptionKeys)],
    failureConverterPath: require.resolve('../platform/encryption/failureConverter'),
  };
}

/**
 * TLS is on if one of these is set: `TEMPORAL_TLS`, a certificate, a server name or an API key. `TEMPORAL_TLS=false` turns
 * it off in any case, e.g. for an API key behind a proxy that adds TLS.
 * The variables are those of Temporal's own tools: https://docs.temporal.io/references/client-environment-configuration
 *
 * @throws ConfigError naming the variable whose file cannot be read
 */
export function connectionOptions(config: TemporalConfig): { tls: TlsOptions; apiKey?: string } {
  const { temporalApiKey, temporalTlsServerName: serverName } = config;
  const ca = readCertificate(config, 'temporalTlsServerCaCertPath');
  const crt = readCertificate(config, 'temporalTlsClientCertPath');
  const key = readCertificate(config, 'temporalTlsClientKeyPath');
  const wanted = config.temporalTls ?? [temporalApiKey, serverName, ca, crt].some((it) => it !== undefined);
  return {
    tls: wanted && {
      ...(serverName !== undefined && { serverNameOverride: serverName }),
      ...(ca && { serverRootCACertificate: ca }),
      ...(crt && key && { clientCertPair: { crt, key } }),
    },
    ...(temporalApiKey !== undefined && { apiKey: temporalApiKey }),
  };
}

type TlsOptions = NonNullable<ConnectionOptions['tls']>;

function readCertificate(
  config: TemporalConfig,
  setting: 'temporalTlsServerCaCertPath' | 'temporalTlsClientCertPath' | 'temporalTlsClientKeyPath',
): Buffer | undefined {
  const file = config[setting];
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError(`${variableOf(setting)}: ${file} ${cannotRead(error)}; expected a PEM file`);
  }
}
