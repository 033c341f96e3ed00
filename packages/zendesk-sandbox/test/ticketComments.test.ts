import { fault, refused, useFreshSandbox } from './support/fresh';
import { SINCE } from './support/rig';

/** The rules of https://developer.zendesk.com/api-reference/ that a client runs into, over plain HTTP. */
const t = useFreshSandbox();

describe('comments', () => {
  test('text becomes escaped HTML; HTML becomes text, without active content', async () => {
    const { id } = await t.api.ticket({ comment: { body: 'a < b & "c"\nd' } });
    await t.api.comment(id, {
      html_body:
        '<p>Hi&nbsp;<b onclick="x()">you</b> &amp; me</p><ul><li>one</li></ul><script>bad()</script><a href="javascript:x()">l</a>',
    });
    const { comments } = (await t.api.get(`/tickets/${id}/comments`)).body;
    expect(comments.map(({ body, html_body: html }) => [body, html])).toEqual([
      [
        'a < b & "c"\nd',
        '<div class="zd-comment" dir="auto"><p dir="auto">a &lt; b &amp; &quot;c&quot;<br>d</p></div>',
      ],
      [
        'Hi you & me\n\n- one\n\nl',
        '<div class="zd-comment" dir="auto"><p>Hi&nbsp;<b>you</b> &amp; me</p><ul><li>one</li></ul><a >l</a></div>',
      ],
    ]);
  });

  test('the author is the caller or a known user; of the first comment it is the requester', async () => {
    const { id, requester_id: carla } = await t.api.ticket({
      requester: { email: 'c@example.com', name: 'C' },
    });
    await t.api.comment(id, { body: 'mine' });
    await t.api.comment(id, { body: 'hers', author_id: carla, public: false });
    expect(refused(await t.api.comment(id, { body: 'whose?', author_id: 5 }))).toEqual(
      fault('comment', 'InvalidValue'),
    );
    expect(refused(await t.api.comment(id, {}))).toEqual(fault('comment', 'BlankValue'));
    const { comments } = (await t.api.get(`/tickets/${id}/comments`)).body;
    expect(comments.map(({ body, author_id: author, public: shown }) => [body, author, shown])).toEqual([
      ['It smokes', carla, true],
      ['mine', t.userId('ann@sandbox.example'), true],
      ['hers', carla, false],
    ]);
  });

  test('the audit keeps the metadata, and lists the changes', async () => {
    const { id } = await t.api.ticket();
    const bob = t.api.as('bob@sandbox.example');
    const { body } = await bob.comment(
      id,
      { body: 'hi' },
      { status: 'open', metadata: { ref: 'pms:note:1' } },
    );
    expect(body.audit).toMatchObject({
      ticket_id: id,
      author_id: t.userId('bob@sandbox.example'),
      metadata: { system: {}, custom: { ref: 'pms:note:1' } },
    });
    const { audits } = (await t.api.get(`/tickets/${id}/audits`)).body;
    expect(audits[1]).toEqual(body.audit);
    expect(audits[0]?.events).toContainEqual(
      expect.objectContaining({ type: 'Create', field_name: 'subject' }),
    );
    expect(audits[1]?.events).toEqual([
      expect.objectContaining({ type: 'Comment', body: 'hi', audit_id: body.audit.id }),
      expect.objectContaining({ type: 'Change', field_name: 'status', previous_value: 'new', value: 'open' }),
      expect.objectContaining({ type: 'Change', field_name: 'custom_status_id' }),
    ]);
  });

  test('are listed oldest first, or in the given order, page by page', async () => {
    const { id } = await t.api.ticket({ comment: { body: '0' } });
    for (const body of ['1', '2']) await t.api.comment(id, { body });
    const bodies = async (query: string) => {
      const { body } = await t.api.get(`/tickets/${id}/comments${query}`);
      return { bodies: body.comments.map((each) => each.body), next: body.links?.next ?? '' };
    };
    expect((await bodies('')).bodies).toEqual(['0', '1', '2']);
    expect((await bodies('?sort_order=desc')).bodies).toEqual(['2', '1', '0']);
    const first = await bodies('?sort=-created_at&page[size]=2');
    expect(first.bodies).toEqual(['2', '1']);
    // Somebody writes in between: what is newer does not push anything onto the next page twice.
    await t.api.comment(id, { body: '3' });
    expect((await t.api.get(first.next)).body.comments.map(({ body }) => body)).toEqual(['0']);
  });

  test('are limited to 5,000 per ticket; other updates still pass', async () => {
    const { id } = await t.api.ticket();
    const agent = t.sandbox.store.userByEmail.get('ann@sandbox.example');
    for (let i = 1; i < 5_000; i += 1)
      t.sandbox.tickets.update(id, { comment: { body: String(i) } }, agent as never);
    expect(refused(await t.api.comment(id, { body: 'too much' }))).toEqual(fault('base', 'TooManyComments'));
    expect((await t.api.put(`/tickets/${id}`, { ticket: { subject: 'S' } })).status).toBe(200);
    expect((await t.api.get(`/tickets/${id}/comments/count`)).body['count']).toMatchObject({ value: 5_000 });
  });

  test('are redacted everywhere, also in the description, audits and exports', async () => {
    const { id } = await t.api.ticket({ comment: { body: 'card 4111 & 4111' } });
    await t.api.comment(id, { body: 'pin 77 & pin 88 & ok' });
    const [first, second] = (await t.api.get(`/tickets/${id}/comments`)).body.comments;
    const { body } = await t.api.put(`/tickets/${id}/comments/${first?.id}/redact`, { text: '4111' });
    expect(body.comment.body).toBe('card ▇▇▇▇ & ▇▇▇▇');
    const html = '<div><redact>pin 77</redact> &amp; <redact>pin 88</redact> &amp; ok</div>';
    const marked = await t.api.put(`/comment_redactions/${second?.id}`, { ticket_id: id, html_body: html });
    expect(marked.body.comment).toMatchObject({ plain_body: '▇▇▇▇▇▇ & ▇▇▇▇▇▇ & ok' });
    expect((await t.api.get(`/tickets/${id}`)).body.ticket.description).toBe('card ▇▇▇▇ & ▇▇▇▇');
    const everywhere = JSON.stringify([
      await t.api.get(`/tickets/${id}/comments`),
      await t.api.get(`/tickets/${id}/audits`),
      await t.exported(`start_time=${SINCE}`),
      await t.events(),
    ]);
    expect(everywhere).not.toMatch(/4111|pin/);
    expect((await t.events()).flatMap((event) => event.child_events)).toContainEqual(
      expect.objectContaining({ event_type: 'CommentRedactionEvent', comment_id: String(first?.id) }),
    );
    const all = await t.api.put(`/comment_redactions/${second?.id}`, { ticket_id: id });
    expect(all.body.comment.body).toMatch(/^▇+$/);
    expect((await t.api.put(`/comment_redactions/${second?.id}`, { ticket_id: id + 1 })).status).toBe(404);
  });

  test('are made private, also on a closed ticket', async () => {
    const { id } = await t.api.ticket({ status: 'closed' });
    const [first] = (await t.api.get(`/tickets/${id}/comments`)).body.comments;
    expect((await t.api.put(`/tickets/${id}/comments/${first?.id}/make_private`)).status).toBe(200);
    expect((await t.api.get(`/tickets/${id}/comments`)).body.comments[0]?.public).toBe(false);
    expect((await t.api.put(`/tickets/${id}/comments/5/make_private`)).status).toBe(404);
  });

  test('carry uploaded files byte for byte, behind a redirect', async () => {
    const upload = await t.api.upload('a b.json', '{"a":  1}', 'application/json');
    expect(upload.attachment).toMatchObject({ file_name: 'a b.json', size: 9 });
    const { id } = await t.api.ticket({ comment: { body: 'see', uploads: [upload.token] } });
    const [comment] = (await t.api.get(`/tickets/${id}/comments`)).body.comments;
    const [attachment] = comment?.attachments ?? [];
    expect(attachment).toMatchObject({
      id: upload.attachment.id,
      content_url: upload.attachment.content_url,
    });
    const redirect = await fetch(attachment?.content_url ?? '', { redirect: 'manual' });
    expect([redirect.status, redirect.headers.get('location')]).toEqual([
      302,
      expect.stringContaining('a%20b.json'),
    ]);
    expect(await (await fetch(attachment?.content_url ?? '')).text()).toBe('{"a":  1}');
    // A token is used up.
    await t.api.comment(id, { body: 'again', uploads: [upload.token] });
    expect((await t.api.get(`/tickets/${id}/comments`)).body.comments[1]?.attachments).toEqual([]);
    await t.api.put(`/tickets/${id}/comments/${comment?.id}/attachments/${attachment?.id}/redact`);
    expect((await fetch(attachment?.content_url ?? '')).status).toBe(404);
    expect((await t.api.get(`/tickets/${id}/comments`)).body.comments[0]?.attachments[0]?.file_name).toBe(
      'redacted.txt',
    );
  });
});
