import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * A TCP relay in front of a server that a test can close: connections are then cut and refused, like those of an
 * unavailable server.
 */
export interface Gate {
  /** `127.0.0.1:port` */
  address: string;
  shut(): void;
  open(): void;
  close(): Promise<void>;
}

/** @param target `host:port` */
export async function startGate(target: string): Promise<Gate> {
  const [host = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  let isShut = false;
  const server = createServer((inner) => {
    if (isShut) return inner.destroy();
    const outer = connect(Number(port), host);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    shut() {
      isShut = true;
      cut();
    },
    open() {
      isShut = false;
    },
    close() {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
