import { NeedsHuman } from '../../../systems/errors';
import type { Probe } from '../probe';
import { isNotOffered } from '../conformRecorder';
import type { Subject, TextProperty } from '../subjects';
import type { Evidence, TextOutcome } from '../evidence';
import { shown, type Tools } from './tools';

const UNICODE: Record<string, string> = {
  emoji: 'smile 😀 family 👩‍👩‍👧‍👦 flag 🇩🇪 end',
  'right-to-left text': 'שלום עולם, مرحبا بالعالم',
  CJK: '漢字とかな, 한국어, 𠮷野家',
  accents: 'ÄÖÜß àéîøů ŁŻ İıŞğ',
  'combining characters': 'e\u0301 and \u00e9, A\u030a',
  'capital letters': 'MiXeD CaSe',
};
const MARKUP: Record<string, string> = {
  HTML: '<b>bold</b> <script>alert(1)</script> <br/> 1 < 2 > 0',
  entities: 'a&b &amp; &lt;b&gt; &nbsp; &#39;',
  quotes: `"double" 'single' \`back\` \\backslash\\ %20 $1 {{x}}`,
};
const LINES = { lines: 'first\n\n- second\n    indented\n\n\nlast' };
/** Characters: the usual limit of a database's short column, and of a comment in Zendesk. */
const LENGTHS: Record<string, readonly number[]> = {
  string: [150, 255, 1_024],
  text: [1_024, 4_096, 65_000],
};

/** Checks that the system stores text unchanged, or refuses it. */
export async function checkText({ probe, recorder }: Tools, subject: Subject): Promise<void> {
  await recorder.try('unicode', subject.name, () => kept(probe, subject, () => UNICODE));
  await recorder.try('markup', subject.name, () =>
    kept(probe, subject, ({ row }) => (row.type === 'text' ? { ...MARKUP, ...LINES } : MARKUP)),
  );
  for (const text of subject.texts)
    await recorder.try('length', `${subject.name}.${text.name}`, () => length(probe, subject, text));
}

async function kept(
  probe: Probe,
  subject: Subject,
  samplesOf: (text: TextProperty) => Record<string, string>,
): Promise<TextOutcome> {
  const faults: string[] = [];
  const refused: string[] = [];
  let tried = 0;
  for (const text of subject.texts) {
    for (const [what, sample] of Object.entries(samplesOf(text))) {
      const words = probe.words();
      const wrote = `${words} ${sample}`;
      const found = await written(probe, subject, text, wrote);
      tried += 1;
      if (found === null) refused.push(`${what} in ${text.name}`);
      else if (!subject.same(text.name, wrote, found.value))
        faults.push(
          `${what} in ${text.name}: wrote ${shown(sample)}, found ${shown(found.value.slice(words.length + 1))}`,
        );
    }
  }
  return { did: `${tried} samples`, faults, refused };
}

async function length(probe: Probe, subject: Subject, text: TextProperty): Promise<Evidence['length']> {
  let keptWhole = 0;
  for (const characters of LENGTHS[text.row.type] ?? []) {
    const words = `${probe.words()} `;
    const wrote = words + 'x'.repeat(characters - words.length);
    const found = await written(probe, subject, text, wrote);
    if (found === null) return { keptWhole, refusedAt: characters, cut: null };
    if (!subject.same(text.name, wrote, found.value))
      return { keptWhole, refusedAt: null, cut: { wrote: characters, found: found.value.length } };
    keptWhole = characters;
  }
  return { keptWhole, refusedAt: null, cut: null };
}

/** Makes a record with the text. @returns the text as read back; null if the system refused it */
async function written(
  probe: Probe,
  subject: Subject,
  text: TextProperty,
  wrote: string,
): Promise<{ value: string } | null> {
  try {
    const values = { ...subject.values(probe.words()), [text.name]: wrote };
    const record = await probe.read(await probe.create(subject, { values }));
    const value = record?.values[text.name];
    return { value: typeof value === 'string' ? value : '' };
  } catch (error) {
    if (error instanceof NeedsHuman && !isNotOffered(error) && error.code !== 'unauthorized') return null;
    throw error;
  }
}
