import { render, type Viewer } from '../../src/operator/console/layout';
import { undoPage, type UndoView } from '../../src/operator/console/pages/undoPage';
import type { Undo } from '../../src/links/undoStore';
import type { UndoOutcome, UndoPlan } from '../../src/operator/undo';
import { NOW } from '../support/world';

/** The console's page of undos, from the findings to its markup. */

const HOSTILE = `"><script>alert('1')</script>`;
const viewer: Viewer = {
  session: { user: 'Ann', by: 'token', nonce: 'n', since: 0 },
  formToken: 'a-form-token',
  at: { connection: null, root: '/console' },
};
const shown = (view: UndoView) => render(undoPage(view, viewer, '/console'), viewer);
const criteria = { pair: '', entity: '', since: NOW, cause: HOSTILE, row: 'priority' } as const;
const plan: UndoPlan = {
  pairs: 500,
  values: [
    {
      ...{ entity: 'TicketToProject', row: 'priority', side: 'zendesk', property: 'priority' },
      ...{ pairs: 500, overwritten: 3 },
      examples: [
        { key: 'TicketToProject/zendesk:ticket:1', ref: 'zendesk:ticket:1', now: HOSTILE, former: null },
      ],
    },
  ],
  cannot: [{ what: 'created', cure: 'delete it by hand', count: 2, examples: ['zendesk:ticket:9'] }],
  standing: [],
};
const planned = (over: Partial<UndoPlan> = {}) =>
  shown({ shows: 'plan', criteria, until: NOW, plan: { ...plan, ...over } });

describe('a plan', () => {
  test('shows its values and what cannot be undone, each cell with its column, all as text', () => {
    const page = planned();
    expect(page).not.toContain('<script>');
    expect(page).toContain(
      'Values of 500 pairs would be put back, if the records still show what the sync wrote:',
    );
    expect(page).toMatch(
      /<td data-title="Pairs"><div>500<\/div><\/td>\s*<td data-title="Written again since"><div>3<\/div><\/td>/,
    );
    expect(page).toMatch(/<td data-title="Back to"><div><span class="soft">empty<\/span><\/div><\/td>/);
    expect(page).toMatch(/<td data-title="How many"><div>2<\/div><\/td>/);
    // It needs no style that the policy forbids.
    expect(page).not.toContain('style=');
  });

  test('is started by a form of the console, with the shown values, and only after a confirmation', () => {
    const page = planned();
    const form = /<form method="post" action="\/console\/undo"[\s\S]*?<\/form>/.exec(page)?.[0] ?? '';
    expect(form).toContain('name="formToken" value="a-form-token"');
    expect(form).toContain(`name="until" value="${NOW}"`);
    expect(form).toContain(`name="since" value="${NOW}"`);
    expect(form).toContain('name="cause" value="&quot;&gt;&lt;script&gt;');
    expect(form).toMatch(/name="confirm" value="yes" required/);
    expect(form).not.toContain('name="hold"');
  });

  test('shows if the mapping is still wrong, and asks whether to hold the rows', () => {
    const page = planned({ standing: [{ entity: 'TicketToProject', row: 'priority' }] });
    expect(page).toContain('Not yet: the mapping still binds TicketToProject &quot;priority&quot;');
    expect(page).toMatch(/name="hold" value="yes" required/);
  });

  test('without values has no form', () => {
    const page = planned({ pairs: 0, values: [] });
    expect(page).toContain('Nothing can be put back.');
    expect(page).not.toContain('name="confirm"');
  });
});

describe('an outcome', () => {
  const undo: Undo = {
    ...{ id: '20260101000000-beef', at: NOW, hold: true, state: 'done', holds: [] },
    filter: { cause: 'mapping:9f3a11c0', row: 'priority', until: NOW },
  };
  const keyOf = (n: number) => `TicketToProject/zendesk:ticket:${n}`;
  const edited = (n: number) => ({
    key: keyOf(n),
    rows: [{ property: 'priority', side: 'zendesk' as const, why: 'changed since, left alone' }],
    why: null,
  });
  const outcome = (left: UndoOutcome['left']): UndoOutcome => ({
    ...{ id: undo.id, state: undo.state, restored: 480, left },
    values: {} as UndoOutcome['values'],
  });

  test('names the values that were not restored, like the command, and links to their pairs and to its own undo', () => {
    const page = shown({ shows: 'outcome', undo, outcome: outcome([edited(1)]), run: null });
    expect(page).toContain('<code>--cause mapping:9f3a11c0 --row priority --hold</code>');
    expect(page).toMatch(
      /480 pairs are as they were before\. 1 pairs were left as they are, in whole or in part:/,
    );
    expect(page).toMatch(/data-title="Why" class="long"><div>changed since, left alone</);
    expect(page).toContain(`/console/pair?key=${encodeURIComponent(keyOf(1))}`);
    expect(page).toContain('href="/console/undo?cause=undo%3A20260101000000-beef"');
  });

  test('with very many values is cut, and names where to find all of them', () => {
    const many = Array.from({ length: 1_000 }, (_, n) => edited(n));
    const page = shown({ shows: 'outcome', undo, outcome: outcome(many), run: null });
    expect(page.match(/changed since, left alone/g)).toHaveLength(200);
    expect(page).toContain(
      '… and 800 more: <code>npx zendesk-pms-sync undo --resume 20260101000000-beef</code>',
    );
  });

  test('of a running undo counts the pairs without an answer, and names only the others', () => {
    const open = { key: keyOf(7), rows: [], why: 'not done yet' };
    const progress = { told: 90, left: 0, after: null, state: 'working' as const };
    const page = shown({
      ...{ shows: 'outcome', undo: { ...undo, state: 'working' }, outcome: outcome([edited(1), open]) },
      run: { is: 'running', progress },
    });
    expect(page).toContain('working, 90 pairs');
    expect(page).toMatch(/<dt>Pairs still to do<\/dt>\s*<dd>1<\/dd>/);
    expect(page).not.toContain('not done yet');
    expect(page).toContain('>Look again</a>');
  });

  test('of an undo that a worker refused names the reason, and can be continued', () => {
    const page = shown({
      ...{ shows: 'outcome', undo: { ...undo, state: 'working' }, outcome: outcome([]) },
      run: { is: 'stopped', why: `the mapping still binds ${HOSTILE}` },
    });
    expect(page).toContain('it stopped before it was done: the mapping still binds &quot;&gt;&lt;script&gt;');
    expect(page).toMatch(/action="\/console\/undo\/resume"/);
  });
});
