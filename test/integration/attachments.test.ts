import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Conversation, MODES, base64 } from '../support/comments';

/** Files sync with their comments, both ways, and never block them. */
describe.each(MODES)('attachments, mode %s', (mode) => {
  let talk: Conversation;
  let foreign: Server | null = null;
  const start = async (options: Partial<Parameters<typeof Conversation.start>[0]> = {}) =>
    (talk = await Conversation.start({ mode, ...options }));
  afterEach(async () => {
    foreign?.close();
    foreign = null;
    await talk.stop();
  });
  const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 256));

  test('arrive in the PMS with name, type and every byte; credentials are not sent along', async () => {
    await start();
    const uploads = [
      await talk.upload('Übersicht 1.pdf', bytes, 'application/pdf'),
      await talk.upload('data.json', Buffer.from('{"a": 1}'), 'application/json'),
    ];
    const comment = await talk.commentInZendesk('see attached', { uploads });
    await talk.quiet();
    expect(talk.pmsTexts()).toEqual(['see attached']);
    expect(talk.pmsFiles()).toEqual([
      ['Übersicht 1.pdf', 'application/pdf', bytes.toString('base64')],
      ['data.json', 'application/json', base64('{"a": 1}')],
    ]);
    // The address redirects to another port.
    const { fileCalls, fileUrl } = talk.boxes.zendesk;
    expect(fileUrl).not.toBeNull();
    expect(fileCalls).toHaveLength(2);
    expect(fileCalls.filter((headers) => headers.authorization !== undefined)).toEqual([]);
    expect((await talk.linkOfComment(comment))?.status).toBe('linked');
    const before = talk.boxes.calls.filter(({ method }) => method !== 'GET').length;
    await talk.quiet();
    expect(talk.boxes.calls.filter(({ method }) => method !== 'GET')).toHaveLength(before);
  });

  test('the files of a description arrive, and its text is not repeated', async () => {
    await start();
    const uploads = [await talk.upload('screen.png', bytes, 'image/png')];
    const answer = await talk.boxes.zd('POST', '/tickets', {
      ticket: { subject: 'Shot', comment: { body: 'look here', uploads } },
    });
    await talk.quiet();
    const ticket = (answer['ticket'] as { id: number }).id;
    const records = mode === 'note' ? talk.boxes.pms.store.all('note') : talk.boxes.pms.store.all('project');
    const holders = [...records].filter((each) => (each['attachments'] as unknown[]).length > 0);
    expect(holders).toHaveLength(1);
    expect(holders[0]?.[talk.textField]).toBe('Files of the description');
    expect(talk.boxes.zendesk.store.comments.get(ticket)).toHaveLength(1);
  });

  test('arrive in Zendesk: with the comment if they exist by then, later in a follow-up', async () => {
    await start();
    const id = await talk.noteInPms('see attached');
    await talk.pmsAttaches(id, 'early.bin', bytes, 'application/octet-stream');
    await talk.quiet();
    await talk.pmsAttaches(id, 'late ünïcode.txt', Buffer.from('late'));
    await talk.quiet();
    const [comment] = talk.zendeskTalk().slice(1);
    expect(await talk.zendeskFiles()).toEqual([
      {
        comment: 'see attached',
        name: 'early.bin',
        type: 'application/octet-stream',
        content: bytes.toString('base64'),
      },
      {
        comment: `Attached in the PMS: comment ${comment?.id}\n\nlate ünïcode.txt`,
        name: 'late ünïcode.txt',
        type: 'text/plain',
        content: base64('late'),
      },
    ]);
    expect(
      talk
        .zendeskTalk()
        .slice(1)
        .map((each) => each.public),
    ).toEqual([false, false]);
    expect(talk.pmsFiles()).toHaveLength(2);
  });

  test('arrive once, whichever answers are lost', async () => {
    await start();
    const lost = (route: string) =>
      ({ route, kind: 'timeoutAfterWrite', probability: 0.6, times: 6 }) as const;
    const uploads = [
      await talk.upload('a.txt', Buffer.from('aaa')),
      await talk.upload('b.txt', Buffer.from('bbb')),
    ];
    const files = ['c.txt', 'd.txt'];
    await talk.commentInZendesk('from zendesk', { uploads });
    const id = await talk.noteInPms('from the pms');
    for (const name of files) await talk.pmsAttaches(id, name, Buffer.from(name));
    await talk.faults('pms', lost('^POST /api/v1/(notes|projects)'), lost('^GET /api/v1/attachments'));
    await talk.faults('zendesk', lost('^PUT /api/v2/tickets'), lost('^POST /api/v2/uploads'));
    await talk.quiet();
    await talk.pmsAttaches(id, 'e.txt', Buffer.from('e.txt')).catch(() => undefined);
    await talk.faults('pms');
    await talk.quiet();
    await talk.faults('zendesk');
    await talk.quiet();
    const names = (await talk.zendeskFiles()).map(({ name }) => name).sort();
    const there = talk
      .pmsFiles()
      .map(([name]) => name)
      .sort();
    expect(names).toEqual(['a.txt', 'b.txt', 'c.txt', 'd.txt', 'e.txt']);
    expect(there).toEqual(names);
  });

  test('a file that fails blocks nothing, is named with the reason, and arrives once it can', async () => {
    await start({ fileLimitBytes: 1_000 });
    const uploads = [
      await talk.upload('large.bin', bytes),
      await talk.upload('small.txt', Buffer.from('small')),
    ];
    const comment = await talk.commentInZendesk('one of two', { uploads });
    const next = await talk.commentInZendesk('and on');
    const id = await talk.noteInPms('too much for Zendesk');
    await talk.pmsAttaches(id, 'huge.bin', bytes);
    await talk.quiet();
    expect(talk.pmsTexts()).toEqual(expect.arrayContaining(['one of two', 'and on']));
    expect(talk.zendeskTexts()).toContain('too much for Zendesk');
    expect(
      talk
        .pmsFiles()
        .map(([name]) => name)
        .sort(),
    ).toEqual(['huge.bin', 'small.txt']);
    const reason = (name: string) => ({
      status: 'linked',
      reason: {
        code: 'attachment',
        text: `attachment "${name}": found 70000 bytes, expected 1000 at most`,
      },
    });
    expect(await talk.linkOfComment(comment)).toMatchObject(reason('large.bin'));
    expect(await talk.linkOfNote(id)).toMatchObject(reason('huge.bin'));
    expect((await talk.linkOfComment(next))?.reason).toBeNull();
    // It is retried with the next change, or on request.
    const { files } = talk.boxes.systems.zendesk as unknown as { files: object };
    Object.assign(files, { limitBytes: 100_000 });
    const ref = { side: 'zendesk', kind: 'comment', id: `${talk.ticket.id}-${comment.id}` } as const;
    const summary = await talk.stack.hint('CommentToProject', ref, { force: true });
    expect(summary).toMatchObject({ status: 'linked', reason: null });
    expect(talk.pmsFiles().map(([name]) => name)).toContain('large.bin');
  });

  test('a URL on a foreign host is not fetched, no redirect there is followed, and no credential is sent', async () => {
    await start();
    const seen: IncomingHttpHeaders[] = [];
    foreign = createServer((request, response) => {
      seen.push(request.headers);
      response.end('stolen');
    });
    await new Promise<void>((resolve) => void foreign?.listen(0, '127.0.0.1', resolve));
    const evil = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}/file`;
    const { store } = talk.boxes.zendesk;
    const comments: number[] = [];
    for (const address of [
      evil,
      'http://169.254.169.254/latest/meta-data/iam',
      'https://files.example.net/x',
    ]) {
      const token = await talk.upload('trap.txt', Buffer.from('six by'));
      const { id, attachments } = await talk.commentInZendesk(`trap ${address}`, { uploads: [token] });
      const [file] = attachments;
      if (!file) throw new Error('no file');
      // A redirect chosen by an attacker.
      file.content_url = address;
      comments.push(id);
    }
    await talk.quiet();
    expect(seen).toEqual([]);
    expect(talk.pmsFiles()).toEqual([]);
    expect(talk.pmsTexts()).toHaveLength(3);
    for (const id of comments) {
      const comment = store.commentById.get(id)?.comment;
      if (!comment) throw new Error('no comment');
      const link = await talk.linkOfComment(comment);
      expect(link?.reason?.text).toContain('is not among the hosts that attachments may come from');
      expect(link?.reason?.text).not.toContain('meta-data');
    }
  });

  test('a file that is redacted in Zendesk is removed from the PMS, whichever side it came from', async () => {
    await start();
    const uploads = [
      await talk.upload('keep.txt', Buffer.from('keep')),
      await talk.upload('go.txt', Buffer.from('go!')),
    ];
    const comment = await talk.commentInZendesk('two files', { uploads });
    const id = await talk.noteInPms('ours');
    await talk.quiet();
    await talk.pmsAttaches(id, 'late.txt', Buffer.from('late'));
    await talk.quiet();
    expect(
      talk
        .pmsFiles()
        .map(([name]) => name)
        .sort(),
    ).toEqual(['go.txt', 'keep.txt', 'late.txt']);
    for (const name of ['go.txt', 'late.txt']) {
      const holder = talk
        .zendeskTalk()
        .find((each) => each.attachments.some((file) => file.file_name === name));
      const file = holder?.attachments.find((each) => each.file_name === name);
      await talk.boxes.zd(
        'PUT',
        `/tickets/${talk.ticket.id}/comments/${holder?.id}/attachments/${file?.id}/redact`,
      );
    }
    await talk.quiet();
    expect(talk.pmsFiles().map(([name]) => name)).toEqual(['keep.txt']);
    expect(talk.pmsTexts()).toEqual(expect.arrayContaining(['two files', 'ours']));
    expect((await talk.linkOfComment(comment))?.status).toBe('linked');
    await talk.quiet();
    expect(talk.pmsFiles()).toHaveLength(1);
  });
});
