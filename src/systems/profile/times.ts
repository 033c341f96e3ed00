import { DateTime } from 'luxon';
import type { Json } from '../../sync/record';
import { textOf } from '../../sync/values';
import type { Dates } from './callSchemas';

const WITH_ZONE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$/;
const PER_SECOND = 1000;

/** Converts times and dates between the API's format and the sync's: ISO times in UTC, and dates like `2026-12-24`. */
export class Times {
  constructor(private readonly dates: Dates) {}

  /** @returns null if the value is no time */
  instant(value: Json): string | null {
    const { instant, zone } = this.dates;
    if (instant === 'iso') {
      if (typeof value !== 'string') return null;
      return WITH_ZONE.test(value) ? value : isoOf(DateTime.fromISO(value, { zone }));
    }
    if (instant === 'seconds' || instant === 'milliseconds') {
      const number = Number(value ?? NaN);
      return isoOf(DateTime.fromMillis(instant === 'seconds' ? number * PER_SECOND : number));
    }
    return typeof value === 'string' ? isoOf(DateTime.fromFormat(value, instant, { zone })) : null;
  }

  /** A time in the API's format. An invalid time is returned unchanged, so that the system refuses it. */
  toInstant(value: Json): Json {
    const { instant, zone } = this.dates;
    const time = DateTime.fromISO(textOf(value), { zone });
    if (!time.isValid) return value;
    if (instant === 'iso') return value;
    if (instant === 'milliseconds') return time.toMillis();
    if (instant === 'seconds') return Math.floor(time.toSeconds());
    return time.toFormat(instant);
  }

  day(value: Json): string | null {
    const { day, zone } = this.dates;
    const date = DateTime.fromFormat(textOf(value), day, { zone });
    return date.isValid ? date.toISODate() : null;
  }

  toDay(value: Json): Json {
    const date = DateTime.fromISO(textOf(value), { zone: 'UTC' });
    return date.isValid ? date.toFormat(this.dates.day) : value;
  }
}

function isoOf(time: DateTime): string | null {
  return time.isValid ? time.toUTC().toISO() : null;
}
