import type { Db } from 'mongodb';
import type { Config, Several } from '../../config/config';
import { openLinkStore, type LinkStore } from '../../links/linkStore';
import type { Backbone } from '../../workers/connection';
import type { Health } from '../../workers/metricsServer';
import { gatherFacts } from '../facts';
import { faultLine, verdict } from '../verdict';

/** Link stores by database. Opening a store creates its indexes, which a probe every few seconds must not repeat. */
export class OpenStores {
  private readonly stores = new Map<string, LinkStore>();

  /** @throws if MongoDB does not answer; the next probe tries again */
  async of(db: Db): Promise<LinkStore> {
    const store = this.stores.get(db.databaseName) ?? (await openLinkStore(db));
    this.stores.set(db.databaseName, store);
    return store;
  }
}

/**
 * The answer of the health endpoint: the verdict that `status` prints. An unavailable system or a conflict is no
 * reason to restart this process. Nor is a full disk or a missing server, but the process is not ready then.
 */
export async function healthOf(
  configs: Several<Config>,
  { mongo, client }: Pick<Backbone, 'mongo' | 'client'>,
  dataDir: string | null,
  stores: OpenStores,
): Promise<Health> {
  const all = await Promise.all(
    configs.map(async ({ connection, mongodbDatabase, taskQueue }) => {
      const db = mongo.db(mongodbDatabase);
      const database = async () => ({ db, store: await stores.of(db) });
      const now = () => new Date();
      const facts = await gatherFacts({ connection, client, database, taskQueue, dataDir, now });
      const { temporal, mongodb, disk } = facts;
      return { connection, ready: !temporal && !mongodb && !disk, judged: verdict(facts) };
    }),
  );
  const ready = all.every((each) => each.ready);
  const answers = all.map(({ connection, judged: { well, line, faults } }) => ({
    ...(connection !== null && { connection }),
    well,
    verdict: line,
    faults: faults.map(faultLine),
  }));
  const [only] = answers;
  return {
    ready,
    body: {
      status: ready ? 'ready' : 'unavailable',
      ...(answers.length === 1 ? only : { connections: answers }),
    },
  };
}
