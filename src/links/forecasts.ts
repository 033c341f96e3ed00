import type { Db } from 'mongodb';
import type { Forecast } from '../sync/forecast';

/** The forecast of the command `plan`, stored for the backfill that follows. */
export interface KeptForecast extends Forecast {
  /** ISO time of the plan. */
  at: string;
}

const collection = (db: Db) => db.collection<KeptForecast & { _id: 'last' }>('forecasts');

export async function keepForecast(db: Db, forecast: KeptForecast): Promise<void> {
  await collection(db).replaceOne({ _id: 'last' }, forecast, { upsert: true });
}

/** The last forecast; null if there is none. */
export async function lastForecast(db: Db): Promise<KeptForecast | null> {
  return collection(db).findOne({ _id: 'last' }, { projection: { _id: 0 } });
}
