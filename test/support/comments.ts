import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { PmsRecord } from 'pms-sandbox';
import { type ZendeskSandboxOptions, type Comment, type Ticket } from 'zendesk-sandbox';
import { controlsOf } from 'testkit';
import type { FaultInput } from 'zendesk-sandbox/common';
import type { RateBudgets } from '../../src/systems/budget/rateBudgets';
import type { Link } from '../../src/sync/link';
import { parseMapping } from '../../src/sync/mappingFile';
import { MAPPING_FILE, bearerOf, startSandboxes, type Sandboxes } from './sandboxes';
import { testServers } from './servers';
import { startStack, type Stack } from './stack';

export const MODES = ['note', 'project'] as const;
export type Mode = (typeof MODES)[number];

export interface ConversationOptions {
  mode: Mode;
  zendesk?: ZendeskSandboxOptions;
  fileLimitBytes?: number;
  budgets?: RateBudgets;
  onDelete?: 'flag' | 'archive';
  onRedact?: 'both';
}

/** A linked ticket and project, and the comments of people on either side. */
export class Conversation {
  private constructor(
    readonly mode: Mode,
    readonly boxes: Sandboxes,
    readonly stack: Stack,
    private readonly ids: { ticket: number; project: string },
  ) {}

  static async start({
    mode,
    zendesk,
    fileLimitBytes,
    budgets,
    ...entity
  }: ConversationOptions): Promise<Conversation> {
    const input = parse(readFileSync(MAPPING_FILE, 'utf8')) as {
      entities: { CommentToProject: Record<string, unknown> };
    };
    Object.assign(input.entities.CommentToProject, { mode, ...entity });
    const boxes = await startSandboxes({
      mapping: parseMapping(input, 'mapping.yaml', () => `comments-${mode}`),
      zendesk: { fileHost: true, ...zendesk },
      ...(fileLimitBytes !== undefined && { fileLimitBytes }),
      ...(budgets && { budgets }),
    });
    const stack = await startStack(testServers(), boxes.mapping, boxes.systems);
    await boxes.zd('POST', '/tickets', {
      ticket: { subject: 'Talk', comment: { body: 'The description' }, requester: CUSTOMER },
    });
    await stack.settle();
    const [ticket] = [...boxes.zendesk.store.tickets.values()];
    const [project] = [...boxes.pms.store.all('project')];
    if (!ticket || !project) throw new Error('no ticket, or no project');
    return new Conversation(mode, boxes, stack, { ticket: ticket.id, project: project.id });
  }

  async stop(): Promise<void> {
    await this.stack.stop();
    await this.boxes.close();
  }

  async quiet(): Promise<void> {
    await this.stack.settle();
    await this.stack.settle();
  }

  get ticket(): Ticket {
    const ticket = this.boxes.zendesk.store.tickets.get(this.ids.ticket);
    if (!ticket) throw new Error('the ticket is gone');
    return ticket;
  }

  get project(): string {
    return this.ids.project;
  }

  get collection(): 'notes' | 'projects' {
    return this.mode === 'note' ? 'notes' : 'projects';
  }

  /** An agent writes a comment. */
  async commentInZendesk(body: string, more: Record<string, unknown> = {}): Promise<Comment> {
    const comment = { body, ...more };
    const answer = await this.boxes.zd('PUT', `/tickets/${this.ids.ticket}`, { ticket: { comment } });
    if (answer.status !== 200) throw new Error(JSON.stringify(answer));
    const added = this.zendeskTalk().at(-1);
    if (!added) throw new Error('the ticket has no comment');
    return added;
  }

  /** A person of the PMS writes a comment. @returns the new record's id */
  async noteInPms(text: string, more: Record<string, unknown> = {}): Promise<string> {
    const answer = await this.boxes.pm('POST', `/${this.collection}`, this.words(text, more));
    if (answer.status !== 201) throw new Error(JSON.stringify(answer));
    return String(answer['id']);
  }

  /** Without HTTP, and therefore without its faults. */
  noteInPmsDirectly(text: string): string {
    return this.boxes.pms.store.create(this.mode, this.words(text), 'U-1001').id;
  }

  private words(text: string, more: Record<string, unknown> = {}): Record<string, unknown> {
    return this.mode === 'note'
      ? { projectId: this.ids.project, body: text, ...more }
      : { parentId: this.ids.project, title: 'Said', description: text, ...more };
  }

  pmsEdits(id: string, text: string): Promise<unknown> {
    return this.boxes.pm('PATCH', `/${this.collection}/${id}`, { [this.textField]: text });
  }

  /** The comments of the ticket, with the description first. */
  zendeskTalk(): Comment[] {
    return this.boxes.zendesk.store.comments.get(this.ids.ticket) ?? [];
  }

  /** The comments of the project, in the order in which they were written. */
  pmsTalk(): PmsRecord[] {
    const { store } = this.boxes.pms;
    return this.mode === 'note'
      ? [...store.all('note')].filter((note) => note['projectId'] === this.ids.project)
      : [...store.all('project')].filter((project) => project['parentId'] === this.ids.project);
  }

  /** The texts as a reader sees them, without the characters that keep Zendesk from changing them. */
  zendeskTexts(): string[] {
    return this.zendeskTalk()
      .slice(1)
      .map(({ body }) => body.replaceAll('\u2060', ''));
  }

  /** Zendesk's change of a text that an agent writes (zendesk-rules.md rule 41). */
  zendeskKeeps(text: string): string {
    return this.boxes.zendesk.tickets.comments.textOf({ body: text, uploads: [] }, { ...this.ticket }).body;
  }

  pmsTexts(): string[] {
    return this.pmsTalk().map((record) => String(record[this.textField]));
  }

  get textField(): 'body' | 'description' {
    return this.mode === 'note' ? 'body' : 'description';
  }

  linkOfNote(id: string): Promise<Link | null> {
    return this.stack.store.get(`CommentToProject/pms:${this.mode}:${id}`);
  }

  linkOfComment({ id }: Comment): Promise<Link | null> {
    return this.stack.store.get(`CommentToProject/zendesk:comment:${this.ids.ticket}-${id}`);
  }

  faults(side: 'zendesk' | 'pms', ...rules: FaultInput[]): Promise<void> {
    return controlsOf(this.boxes[side]).setFaults(...rules);
  }

  /** An agent uploads a file. @returns its token */
  async upload(fileName: string, content: Buffer, contentType = 'text/plain'): Promise<string> {
    const { zendesk } = this.boxes;
    const answer = await fetch(`${zendesk.url}/api/v2/uploads?filename=${encodeURIComponent(fileName)}`, {
      method: 'POST',
      headers: { ...bearerOf(zendesk), 'content-type': contentType },
      body: new Uint8Array(content),
    });
    return ((await answer.json()) as { upload: { token: string } }).upload.token;
  }

  /** A person attaches a file to a record of the PMS. @returns the file's id */
  async pmsAttaches(
    id: string,
    fileName: string,
    content: Buffer,
    contentType = 'text/plain',
  ): Promise<string> {
    const { pms } = this.boxes;
    const at = `/api/v1/${this.collection}/${id}/attachments?fileName=${encodeURIComponent(fileName)}`;
    const answer = await fetch(`${pms.url}${at}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${pms.token}`, 'content-type': contentType },
      body: new Uint8Array(content),
    });
    return ((await answer.json()) as { id: string }).id;
  }

  /** Files in the PMS: name, type and content. */
  pmsFiles(): [string, string, string][] {
    const { store } = this.boxes.pms;
    return this.pmsTalk()
      .flatMap((record) => record['attachments'] as { id: string }[])
      .map(({ id }) => store.file(id))
      .map(({ attachment, content }) => [
        attachment.fileName,
        attachment.contentType,
        content.toString('base64'),
      ]);
  }

  /** Files in Zendesk, by the text of their comment. */
  async zendeskFiles(): Promise<{ comment: string; name: string; type: string; content: string }[]> {
    const files = this.zendeskTalk().flatMap((comment) =>
      comment.attachments.map((attachment) => ({ comment, attachment })),
    );
    return Promise.all(
      files.map(async ({ comment, attachment }) => ({
        comment: comment.body,
        name: attachment.file_name,
        type: String(attachment['content_type']),
        content: Buffer.from(await (await fetch(attachment.content_url)).arrayBuffer()).toString('base64'),
      })),
    );
  }
}

const CUSTOMER = { email: 'carla@acme.example', name: 'Carla Customer' };

/** Encodes a text, so that a search for it cannot find it in another text by chance. */
export const base64 = (words: string): string => Buffer.from(words).toString('base64');
