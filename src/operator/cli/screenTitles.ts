import type { MongoClient } from 'mongodb';
import type { Config, Several } from '../../config/config';
import { loadMapping } from '../../config/loadMapping';
import { peekAtLinks } from '../../links/linkStore';
import { mongoClient } from '../../platform/mongoClient';
import { pairTitle } from '../naming';

const ANSWER_WITHIN_MS = 2_000;

/** Titles of pairs for a person at the terminal of `start`. The log itself holds no content. */
export class ScreenTitles {
  private mongo: MongoClient | null = null;

  constructor(private readonly configs: Several<Config>) {}

  /** From now on, the link store is asked. */
  open(mongodbUri: string): void {
    this.mongo = mongoClient(mongodbUri, {
      serverSelectionTimeoutMS: ANSWER_WITHIN_MS,
      maxPoolSize: 1,
    });
  }

  /** @returns empty where no title is known @throws where the link store does not answer */
  async of(key: string, connection: string | null): Promise<string> {
    const config = this.configs.find((each) => each.connection === connection);
    if (!this.mongo || !config) return '';
    const store = peekAtLinks(this.mongo.db(config.mongodbDatabase));
    return pairTitle(store, loadMapping(config.mappingFile), key);
  }

  async close(): Promise<void> {
    const { mongo } = this;
    this.mongo = null;
    await mongo?.close();
  }
}
