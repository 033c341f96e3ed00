import type { Forecast, LimitForecast, LimitName } from '../../sync/forecast';

const number = (value: number) => value.toLocaleString('en-US');

const CALLS: Record<LimitName, string> = {
  account: 'calls to Zendesk',
  exports: 'pages of Zendesk exports',
  ticketUpdates: 'ticket updates',
  updatesOfOneTicket: 'updates of one ticket',
  pms: 'calls to the PMS',
};

/** For example `about 3 h 20 min: 14,000 ticket updates at 70 a minute bind; about 2 h 20 min if no agent works`. */
export function forecastWords({ minutes, binds, minutesWithoutAgents, limits }: Forecast): string {
  const binding = limits.find(({ limit }) => limit === binds);
  if (!binding || minutes < 1) return 'less than a minute';
  const quiet = inHours(minutesWithoutAgents);
  const alone = quiet === inHours(minutes) ? '' : `; ${quiet} if no agent works`;
  return `${inHours(minutes)}: ${rateOf(binding)} bind${alone}`;
}

function rateOf({ limit, calls, allowed, perMinutes }: LimitForecast): string {
  const span = perMinutes === 1 ? 'a minute' : `in ${perMinutes} minutes`;
  return `${number(calls)} ${CALLS[limit]} at ${number(allowed)} ${span}`;
}

function inHours(minutes: number): string {
  if (minutes < 1) return 'less than a minute';
  const whole = Math.ceil(minutes);
  if (whole < 60) return `about ${whole} min`;
  const [days, hours, rest] = [Math.floor(whole / 1440), Math.floor(whole / 60) % 24, whole % 60];
  if (days > 0) return `about ${days} d ${hours} h`;
  return rest === 0 ? `about ${hours} h` : `about ${hours} h ${rest} min`;
}
