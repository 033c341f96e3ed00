import type { EntityMapping, PropertyRow } from '../../sync/mapping';
import { otherSide, type Json, type Side } from '../../sync/record';
import { refKey } from '../../sync/canonicalKey';
import type { FileContent, Seen } from './publicApi';
import { Lane, failed, type Parent, type Tools } from './checkLane';
import type { Check } from './checklistLine';
import { outcomeOf, type Ends } from './triedPair';
import { bareValues } from './samples';
import { watch, type Look } from './watch';
import type { ZendeskApi } from './zendeskApi';

/** Checks of comments that concern no single property: files and redaction. */
export class CommentChecks {
  private readonly to: Side;

  constructor(
    private readonly tools: Tools,
    private readonly zendesk: ZendeskApi,
    private readonly table: EntityMapping,
    private readonly from: Side,
    private readonly parent: Parent,
  ) {
    this.to = otherSide(from);
  }

  async run(): Promise<void> {
    const { tools, table, from, to } = this;
    const file = tools.recorder.line(table.entity, null, from, 'file') ? this.file() : null;
    const lane = new Lane(tools, table, from, [], this.parent);
    const values = bareValues(table, from, tools.world, lane.parentValues());
    const seen = await this.say(values, file);
    const ref = refKey({ side: from, kind: table.kind[from], id: seen.id });
    const made = await lane.meet(seen, () => tools.apis[to].find(table.kind[to], ref, this.parent.ids[to]));
    if (!('pair' in made)) {
      for (const check of ['file', 'redactFile', 'redact'] as const)
        this.set(check, failed(made.reason), null);
      return;
    }
    const { ends } = made.pair;
    if (file)
      await this.check('file', ends, `${file.name}, ${file.content.length} bytes`, (other) =>
        hasFile(other, file),
      );
    if (tools.recorder.line(table.entity, null, from, 'redactFile')) {
      const own = await this.read(from, ends);
      for (const { id } of own.files) await this.zendesk.redactFile(ends.ids.zendesk, id);
      await this.check('redactFile', ends, 'none', async (other) => ({
        arrived: other.files.length === 0,
        found: other.files.map(({ name }) => name),
      }));
    }
    if (tools.recorder.line(table.entity, null, from, 'redact')) {
      await tools.apis[from].redact(table.kind[from], ends.ids[from]);
      const words = textIn(seen, table, from);
      await this.check('redact', ends, 'nothing of it', async (other) => {
        const text = textIn(other, table, to);
        return { arrived: text !== '' && !text.includes(words), found: text };
      });
    }
  }

  private async say(values: Record<string, Json>, file: FileContent | null): Promise<Seen> {
    const { tools, table, from } = this;
    if (from === 'zendesk') return this.zendesk.say(values, file ? [file] : []);
    const kind = table.kind.pms;
    const seen = await tools.apis.pms.create(kind, values);
    if (file) await tools.apis.pms.attach(kind, seen.id, file);
    return seen;
  }

  private async check(
    check: Check,
    ends: Ends,
    written: string,
    look: (other: Seen) => Promise<Look>,
  ): Promise<void> {
    const { to, tools } = this;
    const once = async () => new Map([[check, await look(await this.read(to, ends))]]);
    const arrival = (await watch({ wanted: [check] }, once, tools.patience)).get(check);
    const arrived = arrival?.arrived === true;
    this.set(
      check,
      {
        status: arrived ? 'passed' : 'failed',
        reason: arrived ? null : `not there after ${Math.round(arrival?.seconds ?? 0)} s`,
        written,
        found: arrival?.found,
        seconds: arrived ? arrival.seconds : null,
      },
      ends,
    );
  }

  private set(check: Check, attempt: Parameters<typeof outcomeOf>[1][number], ends: Ends | null): void {
    const { recorder } = this.tools;
    recorder.set(recorder.line(this.table.entity, null, this.from, check), outcomeOf(ends, [attempt], null));
  }

  private async read(side: Side, { kind, ids }: Ends): Promise<Seen> {
    return (
      (await this.tools.apis[side].read(kind[side], ids[side])) ?? { id: ids[side], values: {}, files: [] }
    );
  }

  private file(): FileContent {
    const { world } = this.tools;
    const name = `${world.tag}-${world.next()}.txt`;
    return { name, content: Buffer.from(`${name}\n${'ä漢字 '.repeat(2_000)}`) };
  }
}

/** Compares a file by its bytes if the API returns them; else by name and size. */
async function hasFile(seen: Seen, { name, content }: FileContent): Promise<Look> {
  const found = seen.files.find((each) => each.name === name && each.size === content.length);
  const bytes = await found?.content();
  const arrived = found !== undefined && (bytes === null || bytes?.equals(content) === true);
  return { arrived, found: seen.files.map((each) => `${each.name}, ${each.size} bytes`) };
}

/** A comment's text. */
function textIn({ values }: Seen, table: EntityMapping, side: Side): string {
  const row: PropertyRow | undefined = table.rows.find((each) => each.zendesk === 'body');
  const text = values[row?.[side] ?? ''];
  return typeof text === 'string' ? text : '';
}
