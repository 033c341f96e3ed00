import { z } from 'zod';
import { BRAKE_DEFAULTS, type BrakeMeasure, type BrakeSettings, type Threshold } from '../sync/brake';

/** The settings of the brake: how many pairs may be changed in one way before the brake holds this kind of change. */

const THRESHOLD = /^(\d{1,3}(?:\.\d+)?)% +(\d+) +(\d+)$/;

/** @returns null for "off"; undefined if the text is no threshold */
function thresholdOf(text: string): Threshold | null | undefined {
  if (text === 'off') return null;
  const [, share, least, most] = THRESHOLD.exec(text) ?? [];
  const read = { share: Number(share) / 100, least: Number(least), most: Number(most) };
  return share !== undefined && read.share <= 1 && read.least <= read.most ? read : undefined;
}

function textOf(measure: BrakeMeasure): string {
  const threshold = BRAKE_DEFAULTS.thresholds[measure];
  return threshold ? `${threshold.share * 100}% ${threshold.least} ${threshold.most}` : 'off';
}

function measured(measure: BrakeMeasure, what: string) {
  return z
    .string()
    .refine((text) => thresholdOf(text) !== undefined, {
      error: 'expected a share, at least and at most, e.g. "5% 10 1000", or "off"',
    })
    .default(textOf(measure))
    .describe(what);
}

export const brakeSettings = {
  brakeWindowMinutes: z.coerce
    .number({ error: 'expected a number of minutes' })
    .positive()
    .default(BRAKE_DEFAULTS.windowMinutes)
    .describe('Minutes within which the brake counts pairs that are changed alike.'),
  brakeEnds: measured('ends', 'How many pairs may end because one of their records was deleted or archived.'),
  brakeArchives: measured(
    'archives',
    'How many records may be archived because their counterpart was deleted or archived.',
  ),
  brakeEmptied: measured('emptied', 'On how many pairs a row’s value may be removed.'),
  brakeReplaced: measured('replaced', 'On how many pairs a row’s value may be replaced by an edit.'),
  brakeRemapped: measured('remapped', 'On how many pairs a changed mapping may replace a row’s value.'),
};

type Given = { brakeWindowMinutes: number } & Record<`brake${Capitalize<BrakeMeasure>}`, string>;

export function brakeOf(given: Given): BrakeSettings {
  const read = (text: string) => thresholdOf(text) ?? null;
  return {
    windowMinutes: given.brakeWindowMinutes,
    thresholds: {
      ends: read(given.brakeEnds),
      archives: read(given.brakeArchives),
      emptied: read(given.brakeEmptied),
      replaced: read(given.brakeReplaced),
      remapped: read(given.brakeRemapped),
    },
  };
}
