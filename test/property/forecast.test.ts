import fc from 'fast-check';
import { forecast, noWork, type SyncLimits, type SyncWork } from '../../src/sync/forecast';

/** Properties of every forecast, for any work and any limits of the APIs. */

const count = fc.nat({ max: 1_000_000 });
const none = noWork();
/** Any counts instead of these. */
const recordOf = <K extends string>(of: Record<K, number>): fc.Arbitrary<Record<K, number>> => {
  const keys = Object.keys(of) as K[];
  return fc
    .array(count, { minLength: keys.length, maxLength: keys.length })
    .map((counts) => Object.fromEntries(keys.map((key, place) => [key, counts[place]])) as Record<K, number>);
};
const work: fc.Arbitrary<SyncWork> = fc.record({ zendesk: recordOf(none.zendesk), pms: recordOf(none.pms) });
const perMinute = fc.integer({ min: 1, max: 2_500 });
const limits: fc.Arbitrary<SyncLimits> = fc.record({
  account: perMinute,
  exports: perMinute,
  ticketUpdates: fc.constantFrom(20, 100, 300),
  share: fc.constantFrom(0.01, 0.5, 0.7, 1),
  updatesOfOneTicket: perMinute,
  pms: perMinute,
  pmsBulk: fc.integer({ min: 1, max: 200 }),
});

test('the slowest limit decides, and the estimate is never longer without agents at work', () => {
  fc.assert(
    fc.property(work, limits, (todo, allowed) => {
      const { minutes, binds, minutesWithoutAgents, limits: all } = forecast(todo, allowed);
      expect(minutes).toBe(Math.max(...all.map((each) => each.minutes)));
      expect(all.find(({ limit }) => limit === binds)?.minutes).toBe(minutes);
      expect(minutesWithoutAgents).toBeLessThanOrEqual(minutes);
      for (const each of all) expect(Number.isFinite(each.minutes) && each.minutes >= 0).toBe(true);
    }),
  );
});

test('more work never takes less time', () => {
  const grown = <K extends string>(of: Record<K, number>, which: number, more: number) => {
    const entries = Object.entries<number>(of);
    const chosen = which % entries.length;
    return Object.fromEntries(
      entries.map(([key, value], place) => [key, place === chosen ? value + more : value]),
    ) as Record<K, number>;
  };
  fc.assert(
    fc.property(work, limits, fc.boolean(), fc.nat(), count, (todo, allowed, inPms, which, more) => {
      const fuller: SyncWork = inPms
        ? { ...todo, pms: grown(todo.pms, which, more) }
        : { ...todo, zendesk: grown(todo.zendesk, which, more) };
      const after = forecast(fuller, allowed).limits;
      for (const [place, each] of forecast(todo, allowed).limits.entries())
        expect(after[place]?.minutes).toBeGreaterThanOrEqual(each.minutes);
    }),
  );
});

test('a higher limit never makes it longer', () => {
  const keys = ['account', 'exports', 'ticketUpdates', 'updatesOfOneTicket', 'pms', 'pmsBulk'] as const;
  fc.assert(
    fc.property(work, limits, fc.constantFrom(...keys), perMinute, (todo, allowed, key, more) => {
      const wider = { ...allowed, [key]: allowed[key] + more };
      expect(forecast(todo, wider).minutes).toBeLessThanOrEqual(forecast(todo, allowed).minutes);
    }),
  );
});

test('an empty plan takes no time', () => {
  fc.assert(
    fc.property(limits, (allowed) => {
      expect(forecast(noWork(), allowed)).toMatchObject({ minutes: 0, minutesWithoutAgents: 0 });
    }),
  );
});
