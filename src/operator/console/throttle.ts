import ipaddr from 'ipaddr.js';

const FAILURES = 5;
const WITHIN_MS = 15 * 60_000;
/** The number of remembered addresses; the oldest failure is forgotten first. */
const ADDRESSES = 1_000;

/** Counts wrong tokens by the address that they came from. In the memory of one process, bounded. */
export class Throttle {
  private readonly failures = new Map<string, { count: number; since: number }>();

  constructor(private readonly now: () => number = Date.now) {}

  /** @returns the seconds until the next token may be tried; 0 if at once */
  waitSeconds(address: string): number {
    const known = this.failures.get(networkOf(address));
    if (!known || known.count < FAILURES) return 0;
    return Math.max(0, Math.ceil((known.since + WITHIN_MS - this.now()) / 1000));
  }

  failed(address: string): void {
    const network = networkOf(address);
    const known = this.failures.get(network);
    const goesOn = known && this.now() - known.since < WITHIN_MS;
    this.failures.delete(network);
    this.failures.set(
      network,
      goesOn ? { ...known, count: known.count + 1 } : { count: 1, since: this.now() },
    );
    const [oldest] = this.failures.keys();
    if (this.failures.size > ADDRESSES && oldest !== undefined) this.failures.delete(oldest);
  }

  succeeded(address: string): void {
    this.failures.delete(networkOf(address));
  }
}

/** The /64 network of an IPv6 address, because one person can use all addresses of such a network. */
function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return (parsed as ipaddr.IPv6).parts.slice(0, 4).join(':');
}
