import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { startZendeskSandbox, type ZendeskSandbox } from 'zendesk-sandbox';
import { sameValue, toCanonical } from '../../src/sync/values';
import type { PropertyRow } from '../../src/sync/mapping';
import { RetryLater } from '../../src/systems/errors';
import { guarded, unguarded, withoutAddresses } from '../../src/systems/zendesk/commentText';
import { zendeskSystem } from '../../src/systems/zendesk/zendeskSystem';
import { NO_REFERENCES } from '../support/world';

const ROW: PropertyRow = {
  id: 'body',
  zendesk: 'body',
  pms: 'body',
  type: 'text',
  direction: 'both',
  transform: { kind: 'copy' },
  winner: 'latest',
  default: undefined,
  write: 'always',
  fixed: null,
};
const canonical = (text: string) => {
  const value = toCanonical(ROW, 'pms', text, NO_REFERENCES, () => ({ zendesk: '', pms: '' }));
  return value.ok ? value.value : value;
};

describe('F29: what Zendesk does to a plain body', () => {
  let zendesk: ZendeskSandbox;
  beforeAll(async () => (zendesk = await startZendeskSandbox({ obeys: 'all' })));
  afterAll(async () => zendesk.close());
  const kept = (text: string) => zendesk.tickets.comments.textOf({ body: text, uploads: [] }, { id: 7 }).body;

  test.each([
    ['a placeholder', 'Use {{ticket.id}} and {{{{ticket.title}}}} {% if x %}'],
    ['HTML', 'Press <b>bold</b>, not </b> or <!-- this --> or a<b'],
    ['runs of blanks', 'a  b   c\n    indented\n\ttabbed\t\tagain'],
    ['runs of empty lines', 'a\n\n\n\nb\n\nc'],
  ])('%s is unchanged', (_, text) => {
    expect(kept(text)).not.toBe(text);
    expect(unguarded(kept(guarded(text)))).toBe(text);
    // A reader sees no difference.
    expect(guarded(text).replaceAll('\u2060', '').replaceAll('\t', ' ')).toBe(text.replaceAll('\t', ' '));
  });

  test('any text is unchanged, and guarding it again changes nothing', () => {
    const parts = [
      '{{',
      '}}',
      '{%',
      '<',
      '>',
      '<a',
      '</p>',
      ' ',
      '  ',
      '\t',
      '\n',
      '\n\n',
      'x',
      'ticket.id',
      '&',
      '!',
    ];
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...parts), fc.string()), { maxLength: 20 }), (some) => {
        const text = some.join('').replaceAll('\u2060', '');
        expect(guarded(guarded(text))).toBe(guarded(text));
        expect(sameValue(canonical(unguarded(kept(guarded(text)))), canonical(text))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

test('F26: the URL of an attachment, which works as a key to it, is replaced by its name', () => {
  const at = 'https://acme.zendesk.com/attachments/token/aB3dE/?name=plan+1.png';
  const other = 'https://acme.zendesk.com/attachments/token/zzz';
  const files = [{ file_name: 'floor.png', content_url: other }];
  expect(withoutAddresses(`See ![](${at}) and ${at}, or [here](${other}).\n${other}`, files)).toBe(
    'See plan 1.png and plan 1.png, or floor.png.\nfloor.png',
  );
  expect(withoutAddresses(`<img src="${at}"><a href="${other}">x</a>`)).toBe(
    '<img src="plan 1.png"><a href="a file">x</a>',
  );
  expect(withoutAddresses('https://p19.zdusercontent.com/attachment/1/x?token=eyJ.a.b')).toBe('a file');
  const plain = 'https://acme.example/attachments/1.png ![](https://acme.example/a.png)';
  expect(withoutAddresses(plain)).toBe(plain);
});

/** A Zendesk that returns given answers, by path. */
async function answering(answers: Record<string, object>): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://x').pathname.replace(/\.json$/, '');
    response.setHeader('content-type', 'application/json');
    response.statusCode = path in answers ? 200 : 404;
    response.end(JSON.stringify(answers[path] ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** An audit in the form of an answer. */
const auditOf = (id: number, more: object = {}) => ({
  ...{ id, ticket_id: 7, created_at: '2026-11-30T05:00:00Z', events: [] },
  ...more,
});

test('F23: all of 50 comments in one second are read, though a page ends among them', async () => {
  const second = 1_700_000_000;
  const at = new Date(second * 1000).toISOString();
  const comments = Array.from({ length: 50 }, (_, n) => ({
    ...{ id: 100 + n, type: 'Comment', author_id: null, audit_id: 200 + n, public: true },
    ...{ body: `number ${n}`, created_at: at, attachments: [] },
  }));
  const events = comments.slice(0, 14).map((comment) => ({
    ...{ id: comment.audit_id, ticket_id: 7, created_at: at, updater_id: 1, timestamp: second },
    child_events: [{ ...comment, event_type: 'Comment' }],
  }));
  const meta = { has_more: false, after_cursor: null };
  const { url, server } = await answering({
    '/api/v2/incremental/ticket_events': {
      ...{ ticket_events: events, count: 14, end_of_stream: false, end_time: second },
    },
    '/api/v2/tickets/7/comments': { comments, meta },
    '/api/v2/tickets/7/audits': { audits: comments.map(({ audit_id: id }) => auditOf(id)), meta },
    '/api/v2/users/show_many': { users: [] },
  });
  try {
    const auth = { by: 'apiToken' as const, email: 'a@b.example', token: 'secret' };
    const system = zendeskSystem({ baseUrl: url, auth });
    const page = await system.changes('comments', String(second));
    const texts = new Set(page.records.map(({ values }) => values['body']));
    // The first one is the ticket's description.
    expect(comments.slice(1).filter(({ body }) => !texts.has(body))).toEqual([]);
    expect(page).toMatchObject({ cursor: String(second + 1), more: true });
  } finally {
    server.close();
  }
});

test('a comment whose audit is missing is not taken for a person’s: our mark on it is unknown', async () => {
  const comment = {
    ...{ id: 100, type: 'Comment', author_id: null, audit_id: 200, public: true },
    ...{ body: 'Edited in the PMS: x', created_at: '2026-11-30T05:00:00Z', attachments: [] },
  };
  const meta = { has_more: false, after_cursor: null };
  const marked = auditOf(200, { metadata: { custom: { zps_follow_up: 'pms:note:1' } } });
  const first = { ...comment, id: 99, audit_id: 199, body: 'x' };
  const comments = { comments: [first, comment], meta };
  const auth = { by: 'apiToken' as const, email: 'a@b.example', token: 'secret' };
  const ref = { side: 'zendesk' as const, kind: 'comment', id: '7-100' };
  const read = async (audits: Record<string, object>) => {
    const { url, server } = await answering({ '/api/v2/tickets/7/comments': comments, ...audits });
    try {
      const [found] = await zendeskSystem({ baseUrl: url, auth }).read([ref]);
      return found?.record?.skip;
    } finally {
      server.close();
    }
  };
  const audits = '/api/v2/tickets/7/audits';
  await expect(read({ [audits]: { audits: [auditOf(199), marked], meta } })).resolves.toBe(
    'a follow-up of an edit in the PMS',
  );
  await expect(read({})).rejects.toThrow(RetryLater);
  await expect(read({ [audits]: { audits: [auditOf(199)], meta } })).rejects.toThrow(RetryLater);
});
