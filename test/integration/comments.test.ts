import { Conversation, MODES } from '../support/comments';

/** Comments sync in order, with their authors, and are never more visible than on their own side. */
describe.each(MODES)('comments, mode %s', (mode) => {
  let talk: Conversation;
  const start = async (options: Partial<Parameters<typeof Conversation.start>[0]> = {}) =>
    (talk = await Conversation.start({ mode, ...options }));
  afterEach(async () => talk.stop());
  const numbers = (count: number, word: string) =>
    Array.from({ length: count }, (_, i) => `${word} ${i + 1}`);
  const loses = (route: string, times: number) =>
    ({ route, kind: 'timeoutAfterWrite', probability: 0.4, times }) as const;

  test('many comments of one second arrive in the order of their creation, both ways, whichever answers are lost', async () => {
    await start();
    await talk.faults('pms', loses('^POST /api/v1/(notes|projects)', 4));
    await talk.faults('zendesk', loses('^PUT /api/v2/tickets', 4), {
      route: '^PUT /api/v2/tickets',
      kind: 'status',
      status: 429,
      retryAfterSeconds: 0,
      probability: 0.3,
      times: 3,
    });
    const [agents, people] = [numbers(8, 'agent'), numbers(8, 'person')];
    const actor = talk.boxes.zendesk.store.userByEmail.get('ann@sandbox.example');
    if (!actor) throw new Error('no agent');
    for (const body of agents)
      talk.boxes.zendesk.tickets.update(talk.ticket.id, { comment: { body } }, actor);
    for (const body of people) talk.noteInPmsDirectly(body);
    await talk.quiet();
    expect(talk.pmsTexts().filter((body) => body.startsWith('agent'))).toEqual(agents);
    expect(talk.zendeskTexts().filter((body) => body.startsWith('person'))).toEqual(people);
    expect(talk.pmsTexts()).toHaveLength(16);
    expect(talk.zendeskTexts()).toHaveLength(16);
  });

  test('a comment that cannot be written is set aside with the reason while the others continue; once fixed, it arrives', async () => {
    await start();
    const ids: string[] = [];
    for (const body of ['one', 'x'.repeat(65_537), 'three', 'four']) ids.push(await talk.noteInPms(body));
    await talk.quiet();
    expect(talk.zendeskTexts()).toEqual(['one', 'three', 'four']);
    const [, tooLong = ''] = ids;
    expect(await talk.linkOfNote(tooLong)).toMatchObject({
      status: 'quarantined',
      reason: { code: 'too_long', text: expect.stringContaining('found 65537 bytes') as unknown },
    });
    await talk.pmsEdits(tooLong, 'y'.repeat(65_536));
    await talk.quiet();
    expect(talk.zendeskTexts()[3]).toBe('y'.repeat(65_536));
    expect((await talk.linkOfNote(tooLong))?.status).toBe('linked');
  });

  test('text is unchanged: emoji, right-to-left, HTML and Markdown come out as they went in', async () => {
    await start();
    const texts = [
      '👩‍👩‍👧‍👦 🔥 naïve — ¿qué?',
      'שלום עולם, مرحبا بالعالم ‏ABC',
      '<script>alert(1)</script> <b>bold</b> &amp; <img src=x onerror=alert(1)>',
      '# no heading\n\n* no list\n[no](javascript:link) `code`',
      // F29
      'Your ticket {{ticket.id}}, {{{ticket.title}}} and {% raw %}',
      'a  b\n    indented\n\n\n\nfar below',
    ];
    for (const body of texts) {
      await talk.commentInZendesk(body);
      await talk.noteInPms(body);
    }
    await talk.quiet();
    // A text of the PMS is unchanged; Zendesk itself changes an agent's text.
    const kept = texts.map((text) => talk.zendeskKeeps(text));
    expect(talk.pmsTexts().sort()).toEqual([...texts, ...kept].sort());
    expect(talk.zendeskTexts().sort()).toEqual([...texts, ...kept].sort());
    const before = talk.zendeskTalk().length;
    await talk.quiet();
    expect(talk.zendeskTalk()).toHaveLength(before);
    const html = talk.zendeskTalk().map((comment) => comment.html_body);
    expect(html.join('')).not.toMatch(/<(script|img|b)\b/);
    // HTML in Zendesk arrives as text.
    await talk.commentInZendesk('', { html_body: '<p>Say <b>no</b></p><script>x</script>' });
    await talk.quiet();
    expect(talk.pmsTexts().at(-1)).toBe('Say no');
  });

  test('the author is shown: as the comment’s author if Zendesk knows the person, else by name, which is no edit', async () => {
    await start();
    const field = mode === 'note' ? 'authorId' : 'requesterId';
    const person = async (email: string, name: string) =>
      String((await talk.boxes.pm('POST', '/people', { email, name }))['id']);
    await talk.noteInPms('from Ann', { [field]: await person('ann@sandbox.example', 'Ann') });
    const id = await talk.noteInPms('from Nora', {
      [field]: await person('nora@pms.example', 'Nora Nobody'),
    });
    talk.boxes.zendesk.store.addUser({ name: 'Dan', email: 'dan@acme.example', role: 'end-user' });
    // A customer must not be shown as the author of a comment that customers cannot read.
    await talk.noteInPms('about Dan', { [field]: await person('dan@acme.example', 'Dan Customer') });
    await talk.quiet();
    const comments = talk.zendeskTalk().slice(1);
    const author = (id: number | null) => talk.boxes.zendesk.store.users.get(id ?? 0)?.email;
    expect(comments.map(({ body, author_id: by }) => [body, author(by)])).toEqual([
      ['from Ann', 'ann@sandbox.example'],
      ['Nora Nobody wrote:\n\nfrom Nora', talk.boxes.zendesk.adminEmail],
      ['Dan Customer wrote:\n\nabout Dan', talk.boxes.zendesk.adminEmail],
    ]);
    await talk.stack.hint('CommentToProject', { side: 'pms', kind: mode, id }, { force: true });
    await talk.quiet();
    expect(talk.pmsTexts()).toEqual(['from Ann', 'from Nora', 'about Dan']);
    expect(talk.zendeskTalk()).toHaveLength(4);

    await talk.commentInZendesk('from Ann of Zendesk');
    await talk.quiet();
    const last = talk.pmsTalk().at(-1);
    expect(mode === 'note' ? last?.['authorName'] : last?.['title']).toContain('Ann Agent');
  });

  test('public and internal are kept; a note of the PMS is internal by default', async () => {
    await start();
    await talk.commentInZendesk('for all');
    await talk.commentInZendesk('for us', { public: false });
    await talk.noteInPms('nothing said');
    const open = await talk.noteInPms('said in public', { visibility: 'public' });
    await talk.quiet();
    const zendesk = () =>
      Object.fromEntries(talk.zendeskTalk().map(({ body, public: shown }) => [body, shown]));
    const pms = () =>
      Object.fromEntries(talk.pmsTalk().map((each) => [String(each[talk.textField]), each['visibility']]));
    const isNote = mode === 'note';
    expect(zendesk()).toMatchObject({ 'nothing said': false, 'said in public': isNote });
    expect(pms()).toMatchObject({
      'for all': 'public',
      'for us': 'internal',
      'nothing said': 'internal',
      'said in public': isNote ? 'public' : 'internal',
    });
    if (!isNote) return;
    // A comment made internal on either side becomes internal on both; made public again, it stays internal.
    await talk.boxes.pm('PATCH', `/notes/${open}`, { visibility: 'internal' });
    const forAll = talk.zendeskTalk().find(({ body }) => body === 'for all');
    await talk.boxes.zd('PUT', `/tickets/${talk.ticket.id}/comments/${forAll?.id}/make_private`);
    await talk.quiet();
    expect(zendesk()).toMatchObject({ 'said in public': false });
    expect(pms()).toMatchObject({ 'for all': 'internal' });
    await talk.boxes.pm('PATCH', `/notes/${open}`, { visibility: 'public' });
    await talk.quiet();
    expect(zendesk()).toMatchObject({ 'said in public': false });
    expect(pms()).toMatchObject({ 'said in public': 'internal' });
    expect((await talk.linkOfNote(open))?.history).toMatchObject([{ row: 'visibility', lost: 'public' }]);
  });

  test('each edit in the PMS becomes one follow-up that names the comment, whichever answers are lost', async () => {
    await start();
    const id = await talk.noteInPms('first');
    await talk.quiet();
    await talk.faults('zendesk', { route: '^PUT /api/v2/tickets', kind: 'timeoutAfterWrite', times: 3 });
    for (const text of ['second', 'third', 'fourth']) {
      await talk.pmsEdits(id, text);
      await talk.quiet();
    }
    const [first] = talk.zendeskTalk().slice(1);
    expect(talk.zendeskTexts()).toEqual([
      'first',
      ...['second', 'third', 'fourth'].map((text) => `Edited in the PMS: comment ${first?.id}\n\n${text}`),
    ]);
    expect(
      talk
        .zendeskTalk()
        .slice(1)
        .every((comment) => !comment.public),
    ).toBe(true);
    expect(talk.pmsTexts()).toEqual(['fourth']);
  });

  test('an edit while the ticket is closed is set aside with the reason', async () => {
    await start();
    const id = await talk.noteInPms('first');
    await talk.quiet();
    await talk.boxes.zd('PUT', `/tickets/${talk.ticket.id}`, { ticket: { status: 'closed' } });
    await talk.quiet();
    await talk.pmsEdits(id, 'too late');
    const late = await talk.noteInPms('new, and too late');
    await talk.quiet();
    for (const each of [id, late])
      expect(await talk.linkOfNote(each)).toMatchObject({
        status: 'quarantined',
        reason: { code: 'closed_ticket' },
      });
    expect(talk.zendeskTexts()).toEqual(['first']);
    expect(talk.pmsTexts()).toEqual(['too late', 'new, and too late']);
  });

  test('a comment on a merged ticket is set aside; one on a deleted ticket waits', async () => {
    await start();
    const { zendesk } = talk.boxes;
    await talk.boxes.zd('POST', '/tickets', { ticket: { subject: 'Winner', comment: { body: 'w' } } });
    const winner = Math.max(...zendesk.store.tickets.keys());
    await talk.boxes.zd('POST', `/tickets/${winner}/merge`, { ids: [talk.ticket.id] });
    const merged = await talk.noteInPms('to the merged one');
    await talk.quiet();
    expect(await talk.linkOfNote(merged)).toMatchObject({
      status: 'quarantined',
      reason: { code: 'closed_ticket' },
    });
    const other = [...talk.boxes.pms.store.all('project')].find((each) => each['title'] === 'Winner');
    await talk.boxes.zd('DELETE', `/tickets/${winner}`);
    const text =
      mode === 'note'
        ? { projectId: other?.id, body: 'x' }
        : { parentId: other?.id, title: 'x', description: 'x' };
    const { id } = await talk.boxes.pm('POST', `/${talk.collection}`, text);
    await talk.quiet();
    expect(await talk.linkOfNote(String(id))).toMatchObject({
      status: 'pending',
      reason: { code: 'waiting', text: expect.stringContaining(`zendesk:ticket:${winner}`) as unknown },
    });
  });

  test('the 5,001st comment is set aside, and the ticket continues to sync', async () => {
    await start();
    const { tickets } = talk.boxes.zendesk;
    const parts = { authorId: null, metadata: {}, events: [], createdAt: '2020-01-01T00:00:00Z' };
    const { store } = talk.boxes.zendesk;
    const logged = store.addAudit.bind(store);
    // The comments are made outside of the export, which would copy 5,000 of them first.
    store.addAudit = () => undefined;
    for (let i = 0; i < 4_999; i += 1)
      tickets.comments.keep(talk.ticket.id, { author_id: null, body: 'x', public: true }, parts);
    store.addAudit = logged;
    const id = await talk.noteInPms('one too many');
    await talk.boxes.pm('PATCH', `/projects/${talk.project}`, { title: 'Goes on' });
    await talk.quiet();
    expect(await talk.linkOfNote(id)).toMatchObject({
      status: 'quarantined',
      reason: { text: expect.stringContaining('limit of 5000 comments') as unknown },
    });
    expect(talk.ticket.subject).toBe('Goes on');
  });
});
