import { existsSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { projectRoot } from '../platform/embedded/serverCache';
import { profileSchema, type Profile } from '../systems/profile/profileSchema';
import { expectedBy, fieldsAt, meant } from '../sync/schemaWords';
import { ConfigError } from './config';
import { readYamlFile, refuseOther } from './readYaml';

const SHIPPED = 'profiles';
const LONGEST = 60;

/**
 * @param named a profile of the package, e.g. `contract`, or a file
 * @throws ConfigError with file, line and field of every fault, what was found and what was expected
 */
export function loadProfile(named: string): Profile {
  const file = fileOf(named);
  const { input, lineOf } = readYamlFile(file, '; expected a profile’s file, or contract');
  refuseOther(file, input, 'a profile');
  const parsed = profileSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => {
    const { at, message } = closest(issue);
    return `${file}:${lineOf(at)}: ${at.length === 0 ? '' : `${nameOf(at)}: `}${message(input)}`;
  });
  throw new ConfigError([...new Set(faults)].join('\n'));
}

function fileOf(named: string): string {
  const shipped = path.join(projectRoot(), SHIPPED, `${named}.yaml`);
  return !/[/\\.]/.test(named) && existsSync(shipped) ? shipped : named;
}

interface Fault {
  at: PropertyKey[];
  message: (input: unknown) => string;
}

/** The alternative of a union that is closest to the input. */
function closest(issue: z.core.$ZodIssue, above: readonly PropertyKey[] = []): Fault {
  const at = [...above, ...issue.path];
  if (issue.code === 'invalid_union') {
    const near = issue.errors.find(
      ([first]) => first && (first.path.length > 0 || first.code !== 'invalid_type'),
    );
    if (near?.[0]) return closest(near[0], at);
  }
  if (issue.code === 'invalid_key') {
    const name = String(at.at(-1) ?? '');
    const expected = issue.issues[0]?.message ?? 'expected another name';
    return { at, message: () => `found the name "${name}", ${expected}` };
  }
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    return { at: [...at, key], message: () => `unknown field${meant(key, fieldsAt(profileSchema, at))}` };
  }
  const message = (input: unknown) => {
    const found = valueAt(input, at);
    const expected = expectedBy({ ...issue, path: at }, found, profileSchema);
    // The message of an expression says what was expected.
    return expected.startsWith('found ') ? expected : `found ${shown(found)}, ${expected}`;
  };
  return { at, message };
}

function valueAt(input: unknown, at: readonly PropertyKey[]): unknown {
  let value = input;
  for (const step of at) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[step];
  return value;
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function nameOf(at: readonly PropertyKey[]): string {
  return at
    .map((step, n) => (typeof step === 'number' ? `[${step}]` : `${n > 0 ? '.' : ''}${String(step)}`))
    .join('');
}
