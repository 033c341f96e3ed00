import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy before a system that counts calls and can lose answers, like a bad connection. */
export interface Proxy {
  url: string;
  calls(): CountedCall[];
  /** Loses the next answer to such a request after the system has carried it out. */
  loseNext(method: string, path: RegExp): void;
  close(): Promise<void>;
}

export interface CountedCall {
  method: string;
  /** Path and query. */
  path: string;
  status: number;
}

export async function startProxy(target: string): Promise<Proxy> {
  const calls: CountedCall[] = [];
  const lost: { method: string; path: RegExp }[] = [];
  const { hostname, port } = new URL(target);

  const isLost = ({ method, path }: CountedCall): boolean => {
    const place = lost.findIndex((each) => each.method === method && each.path.test(path));
    if (place < 0) return false;
    lost.splice(place, 1);
    return true;
  };
  const pass = (from: IncomingMessage, to: ServerResponse): void => {
    const { method = 'GET', url: path = '/', headers } = from;
    const onward = send({ hostname, port, method, path, headers }, (answer) => {
      const call = { method, path, status: answer.statusCode ?? 0 };
      calls.push(call);
      if (isLost(call)) {
        // The whole answer is read first, so that the request is certainly complete.
        answer.resume().once('end', () => to.destroy());
        return;
      }
      to.writeHead(call.status, answer.headers);
      answer.pipe(to);
    });
    onward.once('error', () => to.destroy());
    from.pipe(onward);
  };

  const server = createServer(pass);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: () => [...calls],
    loseNext: (method, path) => void lost.push({ method, path }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
