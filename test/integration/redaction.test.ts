import { MongoClient } from 'mongodb';
import { Conversation, MODES } from '../support/comments';
import { testServers } from '../support/servers';

/** Redacted content is removed on the other side, and from everything that the sync stores. */
describe.each(MODES)('redaction, mode %s', (mode) => {
  let talk: Conversation;
  const start = async (options: Partial<Parameters<typeof Conversation.start>[0]> = {}) =>
    (talk = await Conversation.start({ mode, ...options }));
  afterEach(async () => talk.stop());
  const hides = (id: number, text: string) =>
    talk.boxes.zd('PUT', `/tickets/${talk.ticket.id}/comments/${id}/redact`, { text });
  const redactsAll = (id: number) =>
    talk.boxes.zd('PUT', `/comment_redactions/${id}`, { ticket_id: talk.ticket.id });

  /** Everything that the sync stores, as text. */
  async function kept(): Promise<string> {
    const mongo = await MongoClient.connect(testServers().mongodbUri);
    try {
      const db = mongo.db(talk.stack.taskQueue);
      const all = ['links', 'observations', 'claims'].map((name) => db.collection(name).find().toArray());
      return JSON.stringify(await Promise.all(all));
    } finally {
      await mongo.close();
    }
  }

  test('redacted words of a comment are removed from its counterpart', async () => {
    await start();
    const { id } = await talk.commentInZendesk('card 4111 1111, thanks');
    await talk.quiet();
    await hides(id, '4111 1111');
    await talk.quiet();
    expect(talk.pmsTexts()).toEqual(['card ▇▇▇▇▇▇▇▇▇, thanks']);
    expect(await kept()).not.toContain('4111');
  });

  test('also if the counterpart was edited since, and from the link; the edit stays', async () => {
    await start();
    const comment = await talk.commentInZendesk('card 4111');
    await talk.quiet();
    const [there] = talk.pmsTalk();
    await talk.pmsEdits(String(there?.id), 'their card is 4111, call them');
    await talk.quiet();
    const followUp = talk.zendeskTalk().at(-1);
    await hides(comment.id, '4111');
    await hides(followUp?.id ?? 0, '4111');
    await talk.quiet();
    expect(talk.pmsTexts()).toEqual(['their card is ▇▇▇▇, call them']);
    expect(talk.zendeskTalk()).toHaveLength(3);
    expect(await kept()).not.toContain('4111');
    expect((await talk.linkOfComment(comment))?.status).toBe('linked');
  });

  test('an edit at the time of the redaction arrives, without the words', async () => {
    await start();
    const comment = await talk.commentInZendesk('card 4111');
    await talk.quiet();
    await talk.pmsEdits(String(talk.pmsTalk()[0]?.id), 'card 4111, edited');
    await hides(comment.id, '4111');
    await talk.quiet();
    expect(talk.pmsTexts()).toEqual(['card ▇▇▇▇, edited']);
    expect(talk.zendeskTexts().at(-1)).toContain('card ▇▇▇▇, edited');
    expect(JSON.stringify([talk.zendeskTalk(), talk.pmsTalk(), await kept()])).not.toContain('4111');
  });

  test('a comment that is redacted completely redacts its counterpart, edited or not', async () => {
    await start();
    const plain = await talk.commentInZendesk('secret plan');
    const edited = await talk.commentInZendesk('secret number');
    await talk.quiet();
    await talk.pmsEdits(String(talk.pmsTalk()[1]?.id), 'our secret in other words');
    await talk.quiet();
    const followUps = talk.zendeskTalk().length;
    for (const { id } of [plain, edited, talk.zendeskTalk().at(-1) ?? plain]) await redactsAll(id);
    await talk.quiet();
    expect(talk.pmsTexts()).toEqual(['[redacted]', '[redacted]']);
    if (mode === 'note') expect(talk.pmsTalk().every((note) => note['redacted'] === true)).toBe(true);
    for (const each of [plain, edited])
      expect(await talk.linkOfComment(each)).toMatchObject({
        status: 'tombstone',
        reason: { text: expect.stringContaining('was redacted; onRedact: toPms') as unknown },
      });
    expect(await kept()).not.toContain('secret');
    // There is no echo.
    await talk.quiet();
    expect(talk.zendeskTalk()).toHaveLength(followUps);
  });
});

describe('redacted, archived or deleted in the PMS', () => {
  let talk: Conversation;
  const start = async (options: Partial<Parameters<typeof Conversation.start>[0]> = {}) =>
    (talk = await Conversation.start({ mode: 'note', ...options }));
  afterEach(async () => talk.stop());
  const ends: [string, (id: string) => Promise<unknown>][] = [
    ['redacted', (id) => talk.boxes.pm('POST', `/notes/${id}/redact`)],
    ['archived', (id) => talk.boxes.pm('POST', `/notes/${id}/archive`)],
    ['removed', (id) => talk.boxes.pm('DELETE', `/notes/${id}`)],
  ];

  test.each(ends)(
    'onDelete flag: a note that is %s does not change the comment, and the link names the reason',
    async (how, end) => {
      await start();
      const id = await talk.noteInPms('mine', { visibility: 'public' });
      await talk.quiet();
      await end(id);
      await talk.quiet();
      expect(talk.zendeskTalk().slice(1)).toMatchObject([{ body: 'mine', public: true }]);
      expect(await talk.linkOfNote(id)).toMatchObject({
        status: 'tombstone',
        reason: { text: `pms:note:${id} was ${how}; onDelete: flag` },
      });
    },
  );

  test.each(ends)(
    'onDelete archive: when a note is %s, its comment is hidden from customers',
    async (_, end) => {
      await start({ onDelete: 'archive' });
      const id = await talk.noteInPms('mine', { visibility: 'public' });
      await talk.quiet();
      await end(id);
      await talk.quiet();
      expect(talk.zendeskTalk().slice(1)).toMatchObject([{ body: 'mine', public: false }]);
      expect((await talk.linkOfNote(id))?.status).toBe('tombstone');
    },
  );

  test('onRedact both: a redacted note redacts its comment', async () => {
    await start({ onRedact: 'both' });
    const id = await talk.noteInPms('line one\n\n<b>line</b> two');
    await talk.quiet();
    await talk.boxes.pm('POST', `/notes/${id}/redact`);
    await talk.quiet();
    const [, comment] = talk.zendeskTalk();
    expect(comment?.body).not.toMatch(/[a-z<]/);
    expect((await talk.linkOfNote(id))?.status).toBe('tombstone');
    expect(talk.zendeskTalk()).toHaveLength(2);
  });
});
