import { valueOn } from '../../src/checks/conform/groups/tools';
import { record } from '../support/world';
import { CHECKS, type CheckId } from '../../src/checks/conform/checks';
import { isSound, meaningsOf } from '../../src/checks/conform/conformReport';
import { invariantsOf } from '../../src/checks/conform/invariants';
import type { Evidence } from '../../src/checks/conform/evidence';
import { judge, notDone, type Judged, type Verdict } from '../../src/checks/conform/verdict';

/** The same evidence gives the same verdict, with its meaning for the sync. */

const NO_FAULTS = { did: 'done', faults: [] };
const FAULTY = { did: 'done', faults: ['one', 'two', 'three', 'four'] };

type Case = { [C in CheckId]: [C, Evidence[C], Verdict, RegExp] }[CheckId];
const precondition = { claimed: true, accepted: [], racers: 5, winners: 1 };
const repeat = { claimed: true, again: 'same', together: 1 } as const;
const feed = { offered: true, reportsOthers: true, records: 9, missing: [], passedOver: [], seconds: 0.2 };
const walk = { pages: 2, records: 9, missing: [], ended: true, made: 5, unlisted: [], inside: false };
const values = { tried: ['title (4)'], faults: [], refused: [], untried: [] };
const exact = { exact: true, orders: [1, 2, 3], versions: ['1', '2', '3'] };
const inexact = { exact: false, orders: [1, 2, 2], versions: ['a', 'b', 'b'] };

test.each<Case>([
  ['properties', { missing: [], readOnly: [] }, 'holds', /^all of them$/],
  ['properties', { missing: ['name'], readOnly: ['tags'] }, 'failed', /^no "name", "tags" is read-only$/],
  ['create', NO_FAULTS, 'holds', /^done$/],
  ['create', FAULTY, 'lies', /^one; two; three and 1 more$/],

  ['values', values, 'holds', /^title \(4\)$/],
  ['values', { ...values, faults: ['title, empty: wrote nothing, found "x"'] }, 'lies', /^title, empty/],
  ['values', { ...values, refused: ['title empty'] }, 'holds', /^title \(4\); refused: title empty$/],
  ['values', { ...values, untried: ['owner: why'] }, 'holds', /; not tried: owner: why$/],
  ['values', { ...values, tried: [], untried: ['owner: why'] }, 'untried', /^owner: why$/],

  ['precondition', precondition, 'holds', /^refused, also as one of 5 concurrent edits$/],
  [
    'precondition',
    { ...precondition, claimed: false },
    'window',
    /cannot have a version as its precondition/,
  ],
  ['precondition', { ...precondition, accepted: ['an edit'] }, 'lies', /^took an edit on an old version$/],
  ['precondition', { ...precondition, winners: 2 }, 'lies', /^2 of 5 concurrent edits/],
  ['precondition', { ...precondition, winners: 0 }, 'lies', /^refused all of 5 edits/],
  ['precondition', { ...precondition, racers: 0, winners: 0 }, 'holds', /^refused$/],

  ['repeat', repeat, 'holds', /returns the first/],
  ['repeat', { ...repeat, again: 'second' }, 'lies', /made a second record/],
  ['repeat', { ...repeat, again: 'refused' }, 'lies', /was refused; expected the first record/],
  ['repeat', { ...repeat, together: 2 }, 'lies', /two concurrent creates with the same key made 2 records/],
  ['repeat', { ...repeat, claimed: false, again: 'second' }, 'window', /makes a second record/],
  ['repeat', { ...repeat, claimed: false }, 'holds', /returns the first/],
  [
    'repeat',
    { ...repeat, claimed: false, again: 'refused' },
    'holds',
    /refused, because of its back-reference/,
  ],
  ['repeat', { claimed: false, again: 'refused', together: 2 }, 'window', /makes a second record/],

  ['lookUp', { ...NO_FAULTS, seconds: 0.1 }, 'holds', /^done$/],
  ['lookUp', { ...NO_FAULTS, seconds: 7.25 }, 'window', /after 7\.\d s/],
  ['lookUp', { ...FAULTY, seconds: 7.2 }, 'lies', /^one/],
  ['unique', { claimed: true, second: 'refused' }, 'holds', /refused/],
  ['unique', { claimed: false, second: 'refused' }, 'holds', /refused/],
  ['unique', { claimed: true, second: 'made' }, 'lies', /took a second/],
  ['unique', { claimed: false, second: 'made' }, 'window', /is taken/],
  ['match', { ...NO_FAULTS, property: 'name', offered: false }, 'off', /by "name"/],
  ['match', { ...FAULTY, property: 'name', offered: true }, 'lies', /^one/],

  ['walk', walk, 'holds', /^9 records over 2 pages/],
  [
    'walk',
    { ...walk, unlisted: ['a', 'b'] },
    'lies',
    /^no page contained 2 of 5 records that were made: a, b$/,
  ],
  ['walk', { ...walk, pages: 1, unlisted: ['a'] }, 'lies', /^no page contained 1 of 5/],
  ['walk', { ...walk, pages: 1, inside: true }, 'holds', /5 of them made here inside one record/],
  ['walk', { ...walk, missing: ['a', 'b'] }, 'lies', /^left out 2 of 9 .*: a, b$/],
  ['walk', { ...walk, pages: 1 }, 'untried', /on one page/],
  ['walk', { ...walk, pages: 1, missing: ['a'] }, 'lies', /^left out 1/],
  ['walk', { ...walk, pages: 500, ended: false }, 'untried', /more than 500 pages/],

  ['feed', feed, 'holds', /^9 records, reported within 0.2 s$/],
  ['feed', { ...feed, seconds: 61 }, 'window', /within 61.0 s/],
  ['feed', { ...feed, offered: false, records: 0 }, 'off', /no change feed/],
  ['feed', { ...feed, records: 0 }, 'untried', /nothing/],
  ['feed', { ...feed, records: 1, missing: ['a'] }, 'off', /does not report this kind/],
  ['feed', { ...feed, records: 1, missing: ['a'], reportsOthers: false }, 'lies', /^never reported 1 of 1/],
  [
    'feed',
    { ...feed, missing: ['a'], passedOver: ['b'] },
    'lies',
    /^never reported 1 of 9 .*; inserted 1 of 9/,
  ],
  ['feedOrder', { offered: true, records: 9, stale: [] }, 'holds', /^9 records$/],
  ['feedOrder', { offered: true, records: 9, stale: ['a'] }, 'lies', /^the last entry of 1 of 9/],
  ['feedOrder', { offered: false, records: 0, stale: [] }, 'off', /no change feed/],
  ['feedSince', { offered: true, records: 9, missing: ['a'] }, 'lies', /^left out 1 of 9/],
  ['feedSince', { offered: true, records: 0, missing: [] }, 'untried', /nothing/],

  ['unicode', { ...NO_FAULTS, refused: [] }, 'holds', /^done$/],
  ['unicode', { ...NO_FAULTS, refused: ['emoji in name'] }, 'window', /^refused: emoji in name$/],
  ['markup', { ...FAULTY, refused: ['HTML in name'] }, 'lies', /^one/],
  ['length', { keptWhole: 65_000, refusedAt: null, cut: null }, 'holds', /^65000 characters$/],
  ['length', { keptWhole: 255, refusedAt: 1_024, cut: null }, 'holds', /^255 characters; 1024 are refused$/],
  ['length', { keptWhole: 150, refusedAt: null, cut: { wrote: 1_024, found: 255 } }, 'lies', /kept 255$/],

  ['followUp', { claimed: true, shown: true, copies: 1 }, 'holds', /once/],
  ['followUp', { claimed: true, shown: true, copies: 2 }, 'lies', /added 2 times/],
  ['followUp', { claimed: false, shown: true, copies: 2 }, 'window', /added 2 times/],
  ['followUp', { claimed: true, shown: false, copies: 0 }, 'untried', /no change feed shows/],
  ['fileRepeat', { claimed: true, copies: 2 }, 'lies', /stored 2 times/],

  ['version', exact, 'holds', /versions 1, 2, 3$/],
  ['version', { ...exact, versions: ['1', '1', '3'] }, 'lies', /did not change the version or the order/],
  ['version', { ...exact, orders: [1, 3, 2] }, 'lies', /went back: 1, 3, 2/],
  ['version', inexact, 'window', /versions a, b, b$/],
  ['version', { ...inexact, orders: [2, 1, 2] }, 'lies', /went back/],
  ['clock', { dateSkewSeconds: -0.4, stampSkewSeconds: 0.1 }, 'holds', /the same as here; .* the same/],
  ['clock', { dateSkewSeconds: 119, stampSkewSeconds: 0 }, 'holds', /119 s ahead/],
  ['clock', { dateSkewSeconds: 0, stampSkewSeconds: -121 }, 'window', /121 s behind/],
  ['clock', { dateSkewSeconds: null, stampSkewSeconds: 0 }, 'holds', /^no Date header/],
])('%s %j: %s', (check, evidence, verdict, found) => {
  const judged = judge(check, evidence as never);
  expect(judged).toMatchObject({ verdict, found: expect.stringMatching(found) as string });
  // Each verdict other than "holds" has a meaning.
  if (verdict !== 'holds') expect(judged.means).toMatch(/\S/);
});

const result = (check: CheckId, verdict: Verdict, subject = 'project'): Judged => ({
  check,
  subject,
  verdict,
  found: `found ${verdict}`,
  means: verdict === 'holds' ? null : `means ${verdict}`,
});

describe('an invariant is as good as the worst check that it depends on', () => {
  const of = (...results: Judged[]) =>
    invariantsOf(results).map(({ number, holds, because }) => [number, holds, ...because]);

  test('holds fully if all checks hold or are not offered', () => {
    expect(of(result('precondition', 'holds'), result('match', 'off'))).toEqual([
      [1, 'fully'],
      [2, 'fully'],
      [3, 'fully'],
      [4, 'fully'],
      [5, 'fully'],
    ]);
  });

  test('P7: untried checks are named, and no invariant holds fully without them', () => {
    const part = { ...result('values', 'holds'), untried: ['assignee: no person is known'] };
    const [, , third, , fifth] = invariantsOf([part, result('walk', 'untried')]);
    expect(third).toMatchObject({
      holds: 'as far as tried',
      untried: expect.arrayContaining(['project, values: assignee: no person is known']) as string[],
    });
    expect(fifth).toMatchObject({
      holds: 'as far as tried',
      untried: expect.arrayContaining(['project, walk: found untried']) as string[],
    });
    expect(invariantsOf([part, result('create', 'lies')])[2]).toMatchObject({ holds: 'not' });
  });

  test('a window is outweighed by a failure, and a failure by a broken promise', () => {
    const window = result('unique', 'window');
    const failed = result('lookUp', 'failed');
    const lies = result('repeat', 'lies');
    expect(of(window)[3]).toEqual([4, 'with a window', 'project, unique: means window']);
    expect(of(window, failed)[3]).toEqual([4, 'unknown', 'project, lookUp: found failed']);
    expect(of(window, failed, lies)[3]).toEqual([4, 'not', 'project, repeat: found lies']);
    expect(of(window, failed, lies)[0]).toEqual([1, 'unknown', 'project, lookUp: found failed']);
    expect(of(window, failed, lies)[2]).toEqual([3, 'fully']);
  });

  test('depends on some check, and each check serves some invariant', () => {
    for (const info of Object.values(CHECKS)) expect(info.serves.length).toBeGreaterThan(0);
    for (const check of Object.keys(CHECKS) as CheckId[])
      expect(of(result(check, 'lies')).some(([, holds]) => holds === 'not')).toBe(true);
  });
});

test('a system is sound if nothing failed or broke a promise, and the run was not stopped', () => {
  const cleanup = { made: 0, removed: 0, archived: 0, leftBehind: [] };
  const of = (verdict: Verdict, stopped = false) =>
    isSound({ results: [result('walk', verdict)], invariants: [], cleanup, stopped });
  expect((['holds', 'window', 'off', 'untried'] as const).map((verdict) => of(verdict))).toEqual(
    Array(4).fill(true),
  );
  expect([of('lies'), of('failed'), of('holds', true)]).toEqual([false, false, false]);
  expect(notDone('answered 500')).toMatchObject({ verdict: 'failed', found: 'answered 500' });
});

test('the meaning of a verdict is printed once, with all checks that it applies to', () => {
  const results = [result('unique', 'window'), result('version', 'window', ''), result('walk', 'lies')];
  expect(meaningsOf(results, 'window')).toEqual([['means window', ['project (unique)', 'version']]]);
});

test('a property missing in a record is empty, unless the record lists all properties of its side', () => {
  const made = record('pms', { title: 'x' });
  const partial = { ...made };
  delete partial.complete;
  expect(valueOn(partial, 'title')).toBe('x');
  expect(valueOn(partial, 'customFields.plan')).toBeNull();
  expect(valueOn(made, 'customFields.plan')).toBeUndefined();
});
