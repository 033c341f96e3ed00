import { z } from 'zod';
import type { Sandboxes } from './bed';

/** How a process of its own is told where the two systems are, and how it gets in. */

const settings = z.object({
  ZENDESK_BASE_URL: z.string(),
  /** Of the sync's user; it never ends. */
  ZENDESK_BEARER: z.string(),
  PMS_BASE_URL: z.string(),
  PMS_TOKEN: z.string(),
});

export const systemsOf = (env: NodeJS.ProcessEnv): z.output<typeof settings> => settings.parse(env);

export function environmentFor({ zendesk, pms }: Sandboxes): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    ZENDESK_BASE_URL: zendesk.url,
    ZENDESK_BEARER: zendesk.bearer(zendesk.adminEmail),
    PMS_BASE_URL: pms.url,
    PMS_TOKEN: pms.token,
  };
}
