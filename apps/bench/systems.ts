import { z } from 'zod';
import type { Sandboxes } from './bed';

/** The addresses and credentials of the two systems, as environment variables of a separate process. */

const settings = z.object({
  ZENDESK_BASE_URL: z.string(),
  /** The token of the sync's user, which does not expire. */
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
