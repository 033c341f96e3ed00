import { useSandbox } from '../support/rig';

const rig = useSandbox();
const comments = async (id: number) => (await rig.api.get(`/tickets/${id}/comments`)).body.comments;
const audits = async (id: number) => (await rig.api.get(`/tickets/${id}/audits`)).body.audits;

describe('rule 20', () => {
  test('the first comment has its own visibility, which later comments take by default', async () => {
    const { id, is_public: before } = await rig.api.ticket({ comment: { body: 'inside', public: false } });
    expect(before).toBe(false);
    await rig.put(id, { comment: { body: 'inside, too' } });
    expect((await rig.ticket(id))['is_public']).toBe(false);
    const { ticket } = (await rig.put(id, { comment: { body: 'outside', public: true } })).body;
    expect(ticket['is_public']).toBe(true);
    expect((await comments(id)).map((each) => each.public)).toEqual([false, false, true]);
  });

  test('without the rule, a comment is public by default', async () => {
    rig.sandbox.obey({ firstVisibility: false });
    const { id } = await rig.api.ticket({ comment: { body: 'inside', public: false } });
    await rig.put(id, { comment: { body: 'outside' } });
    expect((await comments(id)).map((each) => each.public)).toEqual([false, true]);
  });

  test('a private note does not change the status', async () => {
    const { id } = await rig.api.ticket({ status: 'pending' });
    await rig.put(id, { comment: { body: 'note', public: false } });
    expect((await rig.ticket(id)).status).toBe('pending');
  });
});

describe('rule 21', () => {
  const madePrivate = async (path: 'comments' | 'audits') => {
    const { id } = await rig.api.ticket();
    const [first] = await comments(id);
    const of = path === 'comments' ? first?.id : first?.audit_id;
    const answer = await fetch(`${rig.sandbox.url}/api/v2/tickets/${id}/${path}/${of}/make_private`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${rig.sandbox.bearer('ann@sandbox.example')}` },
    });
    return { id, comment: first?.id, status: answer.status, body: await answer.text() };
  };

  test.each(['comments', 'audits'] as const)(
    'making a comment private, at its %s, returns an empty answer',
    async (path) => {
      const { id, status, body } = await madePrivate(path);
      expect([status, body]).toEqual([200, '']);
      expect(await comments(id)).toMatchObject([{ public: false }]);
      expect((await rig.ticket(id))['is_public']).toBe(false);
    },
  );

  test('in the export, making private is an event without children; the audits name the comment', async () => {
    const { id, comment } = await madePrivate('comments');
    const event = (await rig.events(id)).at(-1);
    expect(event).toMatchObject({
      child_events: [],
      updater_id: rig.userId('ann@sandbox.example'),
      via: 'Web service',
      metadata: { system: { transaction_id: expect.stringMatching(/^01/) as unknown } },
    });
    expect((await audits(id)).at(-1)?.events).toMatchObject([
      { type: 'CommentPrivacyChange', comment_id: comment, public: false },
    ]);
    rig.sandbox.obey({ silentPrivacy: false });
    expect((await rig.events(id)).at(-1)?.child_events).toMatchObject([
      { event_type: 'CommentPrivacyChange', comment_id: comment },
    ]);
  });

  test('rule 37: the Comment child of an event shows the comment in its present state', async () => {
    const { id } = await madePrivate('comments');
    const [created] = await rig.events(id);
    expect(created?.child_events[0]).toMatchObject({ event_type: 'Comment', public: false });
  });
});

describe('rule 22', () => {
  const withFile = async () => {
    const { token } = await rig.api.upload('secret.txt', 'the secret', 'text/plain');
    const { id } = await rig.api.ticket({ comment: { body: 'see the file', uploads: token } });
    const [comment] = await comments(id);
    return { id, comment, file: comment?.attachments[0] };
  };

  test('a redacted file becomes redacted.txt of one byte; the answer shows the former file', async () => {
    const { id, comment, file } = await withFile();
    const path = `/tickets/${id}/comments/${comment?.id}/attachments/${file?.id}/redact`;
    const { status, body } = await rig.api.put(path);
    expect([status, body['attachment']]).toMatchObject([200, { file_name: 'secret.txt', size: 10 }]);
    const [after] = await comments(id);
    expect(after?.attachments).toMatchObject([
      { id: file?.id, file_name: 'redacted.txt', content_type: 'text/plain', size: 1, thumbnails: [] },
    ]);
    expect((await rig.events(id)).at(-1)?.child_events).toMatchObject([
      { event_type: 'AttachmentRedactionEvent', attachment_id: String(file?.id) },
    ]);
  });

  test('each redacted character becomes one ▇, in all texts and in the description', async () => {
    const { id } = await rig.api.ticket({ comment: { body: 'card 4111 here' } });
    const [comment] = await comments(id);
    await rig.api.put(`/tickets/${id}/comments/${comment?.id}/redact`, { text: '4111' });
    const [after] = await comments(id);
    const words = 'card ▇▇▇▇ here';
    expect(after).toMatchObject({ body: words, plain_body: words });
    expect(after?.html_body).toContain(words);
    expect((await rig.ticket(id)).description).toBe(words);
    expect((await rig.events(id)).at(-1)?.child_events).toMatchObject([
      { event_type: 'CommentRedactionEvent', comment_id: String(comment?.id) },
    ]);
  });

  test('only the newer redaction call works on closed tickets', async () => {
    const { id, comment, file } = await withFile();
    await rig.put(id, { status: 'closed' });
    const below = `/tickets/${id}/comments/${comment?.id}`;
    expect((await rig.api.put(`${below}/redact`, { text: 'file' })).status).toBe(422);
    expect((await rig.api.put(`${below}/attachments/${file?.id}/redact`)).status).toBe(422);
    const newer = { ticket_id: id, html_body: 'see the <redact>file</redact>' };
    expect((await rig.api.put(`/comment_redactions/${comment?.id}`, newer)).body.comment.body).toBe(
      'see the ▇▇▇▇',
    );
  });
});

test('rule 23: a phone call is a VoiceComment, in comments, audits and events', async () => {
  const { id } = await rig.api.ticket();
  const call = { body: 'Call from +15550100', author: 'caller@x.example', public: true };
  await rig.api.control('POST', `/tickets/${id}/voice_comments`, call);
  const shown = (await comments(id)).at(-1);
  expect(shown).toMatchObject({
    type: 'VoiceComment',
    body: call.body,
    public: true,
    author_id: rig.userId(call.author),
    data: { call_duration: expect.any(Number) as unknown },
  });
  expect((await audits(id)).at(-1)?.events).toMatchObject([{ type: 'VoiceComment', body: call.body }]);
  expect((await rig.events(id)).at(-1)?.child_events).toMatchObject([
    { event_type: 'VoiceComment', body: call.body, id: shown?.id },
  ]);
});

test('rule 23: a ChatStartedEvent contains the messaging transcript', async () => {
  const { id } = await rig.api.ticket();
  const history = [{ chat_index: 0, type: 'ChatMessage', message: 'hello?' }];
  const value = { visitor_id: 'v', chat_id: 'c', history };
  await rig.api.control('POST', `/tickets/${id}/events`, { type: 'ChatStartedEvent', value });
  expect((await audits(id)).at(-1)?.events).toMatchObject([{ type: 'ChatStartedEvent', value }]);
});

describe('rule 41', () => {
  test('HTML in a body is removed, runs of spaces and line breaks are collapsed, placeholders are removed', async () => {
    const { id } = await rig.api.ticket();
    const body = 'a  b\n\n\n\nc <b>d</b> {{ticket.id}}|{{ nonsense.x }}|{{dc.hello}}';
    await rig.put(id, { comment: { body } });
    expect((await comments(id)).at(-1)?.body).toBe(`a b\n\nc d ${id}||`);
    rig.sandbox.obey({ plainText: false });
    await rig.put(id, { comment: { body } });
    expect((await comments(id)).at(-1)?.body).toBe(body);
  });

  test('a text over 64 kB is cut between characters, without an error', async () => {
    const { id } = await rig.api.ticket();
    const { status } = await rig.put(id, { comment: { body: `x${'ü'.repeat(40_000)}` } });
    const text = (await comments(id)).at(-1)?.body ?? '';
    expect([status, Buffer.byteLength(text), text.includes('\ufffd')]).toEqual([200, 65_535, false]);
  });

  test('html_body is kept as sent, and plain_body is ignored', async () => {
    const { id } = await rig.api.ticket();
    await rig.put(id, { comment: { html_body: '<p>a <i>b</i></p>', plain_body: 'other' } });
    expect((await comments(id)).at(-1)).toMatchObject({
      body: 'a b',
      plain_body: 'a b',
      html_body: '<div class="zd-comment" dir="auto"><p>a <i>b</i></p></div>',
    });
  });

  test('lists are sorted by time, in both directions', async () => {
    const { id } = await rig.api.ticket({ comment: { body: 'first' } });
    await rig.put(id, { comment: { body: 'second' } });
    const bodies = async (sort: string) =>
      (await rig.api.get(`/tickets/${id}/comments?sort=${sort}`)).body.comments.map(({ body }) => body);
    expect(await bodies('created_at')).toEqual(['first', 'second']);
    expect(await bodies('-created_at')).toEqual(['second', 'first']);
  });
});

test('rule 54: an upload is kept for three days, and its scan comes later', async () => {
  const upload = await rig.api.upload('a.txt', 'text', 'text/plain');
  expect(upload).toMatchObject({
    expires_at: '2026-01-04T00:00:00Z',
    attachment: { file_name: 'a.txt', malware_scan_result: 'not_scanned' },
    attachments: [{ file_name: 'a.txt' }],
  });
  const { id } = await rig.api.ticket({ comment: { body: 'x', uploads: [upload.token] } });
  expect((await comments(id))[0]?.attachments).toMatchObject([{ malware_scan_result: 'malware_not_found' }]);
});
