import { heartbeat } from '@temporalio/activity';

const HEARTBEAT_MS = 3_000;

/** Heartbeats while the work goes on, so that a killed worker is noticed in seconds and not at the time-out. */
export async function whileAlive<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => heartbeat(), HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
