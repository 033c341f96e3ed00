import type { Db } from 'mongodb';
import type { Forecast } from '../sync/forecast';

/** A plan's forecast, kept for the backfill that follows. */
export interface KeptForecast extends Forecast {
  /** ISO time of the plan. */
  at: string;
}

const collection = (db: Db) => db.collection<KeptForecast & { _id: 'last' }>('forecasts');

export async function keepForecast(db: Db, forecast: KeptForecast): Promise<void> {
  await collection(db).replaceOne({ _id: 'last' }, forecast, { upsert: true });
}

/** Of the last plan; null where none was made. */
export async function lastForecast(db: Db): Promise<KeptForecast | null> {
  return collection(db).findOne({ _id: 'last' }, { projection: { _id: 0 } });
}
