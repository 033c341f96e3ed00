import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fixedCredential } from '../../src/systems/credential';
import { Egress, EgressRefused, publicLookup, type EgressOptions } from '../../src/platform/egress';

/** Real HTTP on loopback, the most private kind of address. */
describe('which hosts a URL in data may reach', () => {
  const servers: Server[] = [];
  const seen: { at: string; headers: IncomingHttpHeaders }[] = [];

  async function serve(handler: RequestListener): Promise<string> {
    const server = createServer((request, response) => {
      seen.push({ at: `${request.headers.host}${request.url}`, headers: request.headers });
      handler(request, response);
    });
    servers.push(server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const content: RequestListener = (_, response) => void response.end('the file');
  const redirect =
    (to: () => string): RequestListener =>
    (_, response) =>
      void response.writeHead(302, { location: to() }).end();
  const egress = (own: string, over: Partial<EgressOptions> = {}) =>
    new Egress({
      own,
      credential: fixedCredential({ authorization: 'secret' }),
      hosts: [],
      timeoutMs: 2_000,
      ...over,
    });
  const refusal = (work: Promise<unknown>) =>
    work.then(
      () => 'opened',
      (error: unknown) => (error instanceof EgressRefused ? error.message : error),
    );

  beforeEach(() => void seen.splice(0));
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  test('the API’s own origin is read, with credentials', async () => {
    const own = await serve(content);
    expect(await text(await egress(own).open(`${own}/file`))).toBe('the file');
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['secret']);
  });

  test('a redirect to a configured origin is followed, without the credential', async () => {
    const files = await serve(content);
    const own = await serve(redirect(() => `${files}/real`));
    expect(await text(await egress(own, { hosts: [files] }).open(`${own}/file`))).toBe('the file');
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['secret', undefined]);
  });

  test('a redirect back to the API’s origin gets the credential again, and a circle of redirects ends', async () => {
    const own = await serve((request, response) =>
      request.url === '/file'
        ? redirect(() => '/real')(request, response)
        : request.url === '/real'
          ? content(request, response)
          : redirect(() => `${own}/circle`)(request, response),
    );
    expect(await text(await egress(own).open(`${own}/file`))).toBe('the file');
    expect(await refusal(egress(own).open(`${own}/circle`))).toContain('more than 5 redirects');
  });

  test.each<[string, (foreign: string) => string]>([
    ['another port of the same host', (foreign) => `${foreign}/file`],
    ['another host', () => 'https://files.example.net/file'],
    ['the metadata service of a cloud', () => 'http://169.254.169.254/latest/meta-data'],
    ['a file on this machine', () => 'file:///etc/passwd'],
    ['a URL with a credential in it', (foreign) => foreign.replace('http://', 'http://user:word@')],
    ['an invalid URL', () => 'nonsense://'],
  ])('%s is refused at once, and after a redirect', async (_, addressOf) => {
    const foreign = await serve(content);
    const own = await serve(redirect(() => addressOf(foreign)));
    const guard = egress(own, { hosts: ['*.zdusercontent.com'] });
    expect(await refusal(guard.open(addressOf(foreign)))).toEqual(expect.any(String));
    expect(await refusal(guard.open(addressOf(foreign)))).not.toBe('opened');
    expect(seen).toEqual([]);
    expect(await refusal(guard.open(`${own}/file`))).not.toBe('opened');
    expect(seen.map(({ at }) => `http://${at}`)).toEqual([`${own}/file`]);
  });

  test.each([
    ['127.0.0.1', 'loopback'],
    ['10.1.2.3', 'private'],
    ['169.254.169.254', 'linkLocal'],
    ['100.64.0.1', 'carrierGradeNat'],
    ['0.0.0.0', 'unspecified'],
    ['[::1]', 'loopback'],
    ['[fe80::1]', 'linkLocal'],
    ['[fd00::1]', 'uniqueLocal'],
    ['[::ffff:10.0.0.1]', 'private'],
    ['[64:ff9b::a00:1]', 'rfc6052'],
    // Other spellings of 127.0.0.1 that URLs allow.
    ['0x7f.1', 'loopback'],
    ['2130706433', 'loopback'],
  ])('a listed name may not resolve to the address %s', async (host, range) => {
    const { hostname } = new URL(`https://${host}/`);
    const guard = egress('https://acme.zendesk.example', { hosts: [hostname] });
    expect(await refusal(guard.open(`https://${host}/file`))).toContain(range);
  });

  test('the connection itself refuses a listed name that resolves to a private address', async () => {
    const guard = egress('https://acme.zendesk.example', { hosts: ['localhost'] });
    expect(await refusal(guard.open('https://localhost/file'))).toContain('not public');
    const error = await new Promise((resolve) => publicLookup('localhost', {}, (found) => resolve(found)));
    expect(error).toBeInstanceOf(EgressRefused);
  });

  test('a pattern allows names below it, over https and on the default port', async () => {
    const guard = egress('https://acme.zendesk.example', { hosts: ['*.zdusercontent.com'] });
    for (const address of [
      'https://zdusercontent.com/x',
      'https://evilzdusercontent.com/x',
      'https://a.zdusercontent.com.evil.example/x',
      'http://a.zdusercontent.com/x',
      'https://a.zdusercontent.com:8443/x',
    ])
      expect(await refusal(guard.open(address))).toContain('is not among the hosts');
  });

  test('messages contain only the origin of a URL', async () => {
    const guard = egress('https://acme.zendesk.example');
    const message = await refusal(guard.open('https://files.example.net/token/very-secret?key=very-secret'));
    expect(message).toContain('https://files.example.net');
    expect(message).not.toContain('very-secret');
  });

  test('a host that does not answer ends in an error', async () => {
    const own = await serve(() => undefined);
    await expect(egress(own, { timeoutMs: 50 }).open(`${own}/file`)).rejects.toThrow('nothing came');
  });
});
