import type { Comment } from 'zendesk-sandbox';
import { refOf, type InsidePeople, type SandboxPair, type Side, type Thing } from './insidePeople';
import type { Journal } from './journal';

/** A comment or note that a person wrote. */
export interface PostedComment {
  thing: Thing;
  side: Side;
  id: string;
  token: string;
  /** Id of its file, if it has one. */
  file?: number;
}

type Act = (kind: string, work: () => void) => void;

/** The comments and notes of people in fault runs: they write, redact, hide and edit, and add and remove files. */
export class Talk {
  comments: PostedComment[] = [];

  constructor(
    private readonly systems: SandboxPair,
    private readonly hands: InsidePeople,
    private readonly journal: Journal,
    private readonly act: Act,
  ) {}

  /** @param id the ticket's or project's */
  comment(thing: Thing, { side, id, shown }: { side: Side; id: string; shown: boolean }): void {
    this.act('comment', () => {
      const token = this.journal.token('Said');
      const ref = this.hands.comment(side, id, `${token} & <i>so on</i>`, shown);
      this.keep({ thing, side, id: ref, token }, id, shown);
    });
  }

  /** Writes a comment in Zendesk with a file of a unique name. */
  commentWithFile(thing: Thing, ticketId: string, shown: boolean): void {
    const { tickets, uploads } = this.systems.zendesk;
    this.act('file', () => {
      const token = this.journal.token('Said');
      const upload = uploads.add(`${token}.txt`, 'text/plain', Buffer.from(token));
      const comment = { body: token, public: shown, uploads: [upload.token] };
      tickets.update(Number(ticketId), { comment }, this.hands.agent);
      const added = tickets.comments.of(Number(ticketId)).at(-1);
      if (!added) throw new Error('the comment is not there');
      const id = `${ticketId}-${added.id}`;
      this.keep({ thing, side: 'zendesk', id, token, file: upload.attachment.id }, ticketId, shown);
    });
  }

  /** Redacts the text, in the system where it was written. */
  redact(posted: PostedComment): void {
    this.act('redact', () => {
      const { zendesk, pms } = this.systems;
      if (posted.side === 'pms') pms.store.redact(posted.id, undefined, this.hands.person);
      else
        this.changeComment(posted, 'CommentRedactionEvent', 'ticket.comment_redacted', (comment) =>
          zendesk.tickets.comments.redactWords(comment, posted.token),
        );
      this.note(posted, { redacted: true });
    });
  }

  /** Redacts the file in Zendesk, where it was sent. */
  redactFile(posted: PostedComment): void {
    const { file } = posted;
    if (file === undefined) return;
    this.act('redactFile', () => {
      const { tickets, uploads } = this.systems.zendesk;
      this.changeComment(
        posted,
        'AttachmentRedactionEvent',
        'ticket.attachment_redacted_from_comment',
        (comment) => tickets.comments.redactAttachment(comment, file),
      );
      uploads.forget(file);
      this.note(posted, { isFileRedacted: true });
    });
  }

  /** Makes a public text internal, in the system where it was written. */
  hide(posted: PostedComment): void {
    this.act('hide', () => {
      if (posted.side === 'pms')
        this.systems.pms.store.update(
          'note',
          posted.id,
          { visibility: 'internal' },
          undefined,
          this.hands.person,
        );
      else
        this.changeComment(posted, 'CommentPrivacyChange', 'ticket.comment_made_private', (comment) => ({
          ...comment,
          public: false,
        }));
      this.note(posted, { hidden: true });
    });
  }

  /**
   * Edits a note. (Zendesk's comments cannot be edited.)
   * @param hide makes it internal in the same save
   */
  editNote(posted: PostedComment, hide: boolean): void {
    const { store } = this.systems.pms;
    const note =
      posted.side === 'pms'
        ? store.find('note', posted.id)
        : store.lookUp('note', 'externalRef', `zendesk:comment:${posted.id}`)[0];
    if (!note) return;
    this.act(hide ? 'editAndHide' : 'editNote', () => {
      const token = this.journal.token('Later');
      const replaced = String(note['body']);
      const value = `${token} instead`;
      const change = { body: value, ...(hide && { visibility: 'internal' }) };
      store.update('note', note.id, change, undefined, this.hands.person);
      if (hide) this.note(posted, { hidden: true });
      this.journal.edited({
        side: 'pms',
        ref: `pms:note:${note.id}`,
        property: 'description',
        value,
        replaced,
        ...(hide && { internal: true }),
      });
    });
  }

  private keep(posted: PostedComment, parent: string, shown: boolean): void {
    const { side, id, token } = posted;
    this.journal.commented({
      side,
      parent: refOf('ticket', side, parent),
      ref: `${side}:${side === 'zendesk' ? 'comment' : 'note'}:${id}`,
      token,
      redacted: false,
      shown,
    });
    this.comments.push(posted);
  }

  private note(
    { token }: PostedComment,
    change: { redacted?: true; hidden?: true; isFileRedacted?: true },
  ): void {
    for (const entry of this.journal.comments) if (entry.token === token) Object.assign(entry, change);
  }

  private changeComment(
    { id }: PostedComment,
    type: string,
    event: string,
    change: (comment: Comment) => Comment,
  ): void {
    const [ticketId, commentId] = id.split('-').map(Number);
    const { tickets } = this.systems.zendesk;
    tickets.changeComment(ticketId ?? 0, commentId ?? 0, this.hands.agent, { type, event, change });
  }
}
