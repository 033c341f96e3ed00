import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { ConfigError } from '../../src/config/config';
import {
  connectClient,
  connectWorkers,
  connectionOptions,
  type TemporalConfig,
} from '../../src/workers/temporalClient';
import { testServers } from '../support/servers';

/** TLS, client certificates and API keys, as Temporal Cloud requires them. */
describe('the connection to Temporal', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'zps-tls-'));
  const at = (name: string) => path.join(folder, name);
  const closing: (() => void)[] = [];

  beforeAll(() => {
    // The server's name differs from the address of the connection.
    const make = (name: string, ...more: string[]) => {
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
      const files = ['-keyout', at(`${name}-key.pem`), '-out', at(`${name}.pem`)];
      execFileSync('openssl', ['req', '-x509', ...key, '-subj', `/CN=${name}.example`, ...more, ...files], {
        stdio: 'ignore',
      });
    };
    make('ca');
    const signed = ['-CA', at('ca.pem'), '-CAkey', at('ca-key.pem'), '-addext', 'basicConstraints=CA:FALSE'];
    for (const name of ['temporal', 'worker'])
      make(name, ...signed, '-addext', `subjectAltName=DNS:${name}.example`);
  });
  afterAll(() => {
    for (const close of closing) close();
  });

  const config = (changes: Partial<TemporalConfig> = {}): TemporalConfig => ({
    temporalNamespace: 'default',
    ...changes,
  });
  const anonymous = () =>
    config({
      temporalTlsServerCaCertPath: at('ca.pem'),
      temporalTlsServerName: 'temporal.example',
    });

  const certified = () => ({
    ...anonymous(),
    temporalTlsClientCertPath: at('worker.pem'),
    temporalTlsClientKeyPath: at('worker-key.pem'),
  });

  /** The test server behind TLS that asks for a client's certificate. */
  async function tlsProxy(): Promise<string> {
    const [host = '', port = ''] = testServers().temporalAddress.split(':');
    const read = (name: string) => readFileSync(at(name));
    const certificate = { key: read('temporal-key.pem'), cert: read('temporal.pem'), ca: read('ca.pem') };
    const server = createTlsServer({ ...certificate, requestCert: true, ALPNProtocols: ['h2'] }, (socket) => {
      const behind = connect(Number(port), host);
      for (const end of [socket, behind]) end.on('error', () => undefined);
      socket.pipe(behind).pipe(socket);
    });
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  test('client and workers connect through TLS with their certificate', async () => {
    const address = await tlsProxy();
    const temporal = await connectClient(certified(), address);
    expect(await temporal.client.workflowService.describeNamespace({ namespace: 'default' })).toMatchObject({
      namespaceInfo: { name: 'default' },
    });
    await temporal.close();
    const workers = await connectWorkers(certified(), address);
    await workers.close();
    await expect(connectWorkers(anonymous(), address)).rejects.toThrow();
  });

  test('an API key is sent as a bearer token', async () => {
    const seen: unknown[] = [];
    const server = createServer();
    server.on('stream', (stream, headers) => {
      seen.push(headers.authorization);
      // An empty message: when connecting, client and worker only ask for the server's capabilities.
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.end(Buffer.alloc(5));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const settings = config({ temporalApiKey: 'key-of-the-cloud', temporalTls: false });
    await (await connectClient(settings, address)).close();
    const asked = seen.length;
    await (await connectWorkers(settings, address)).close();
    expect(seen.length).toBeGreaterThan(asked);
    expect(new Set(seen)).toEqual(new Set(['Bearer key-of-the-cloud']));
  });

  test('TLS is on if any setting needs it, and off if a setting says so', () => {
    expect(connectionOptions(config()).tls).toBe(false);
    expect(connectionOptions(config({ temporalApiKey: 'k' }))).toEqual({ tls: {}, apiKey: 'k' });
    expect(connectionOptions(config({ temporalTls: true })).tls).toEqual({});
    expect(connectionOptions(config({ temporalApiKey: 'k', temporalTls: false })).tls).toBe(false);
    expect(() => connectionOptions(config({ temporalTlsServerCaCertPath: '/nowhere.pem' }))).toThrow(
      new ConfigError(
        'TEMPORAL_TLS_SERVER_CA_CERT_PATH: /nowhere.pem cannot be read (ENOENT): it is not there; check the path; expected a PEM file',
      ),
    );
  });
});
