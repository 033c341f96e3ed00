import type { MongoClient } from 'mongodb';
import type { Config, Several } from '../../config/config';
import { loadMapping } from '../../config/loadMapping';
import { peekAtLinks } from '../../links/linkStore';
import { mongoClient } from '../../platform/mongoClient';
import { pairTitle } from '../naming';

const ANSWER_WITHIN_MS = 2_000;

/** Titles of pairs for the screen of `start`. The log itself contains no record contents. */
export class ScreenTitles {
  private mongo: MongoClient | null = null;

  constructor(private readonly configs: Several<Config>) {}

  /** From this call on, titles come from the link store. */
  open(mongodbUri: string): void {
    this.mongo = mongoClient(mongodbUri, {
      serverSelectionTimeoutMS: ANSWER_WITHIN_MS,
      maxPoolSize: 1,
    });
  }

  /** @returns empty if no title is known @throws if the link store does not answer */
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
