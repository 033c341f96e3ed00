import { z } from 'zod';
import type { Sandboxes } from './bed';

/** How a process of its own is told where the two systems are: by the service's settings. */

const settings = z.object({
  ZENDESK_BASE_URL: z.string(),
  ZENDESK_EMAIL: z.string(),
  ZENDESK_API_TOKEN: z.string(),
  PMS_BASE_URL: z.string(),
  PMS_TOKEN: z.string(),
});

export const systemsOf = (env: NodeJS.ProcessEnv): z.output<typeof settings> => settings.parse(env);

export function environmentFor({ zendesk, pms }: Sandboxes): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    ZENDESK_BASE_URL: zendesk.url,
    ZENDESK_EMAIL: zendesk.adminEmail,
    ZENDESK_API_TOKEN: zendesk.apiToken,
    PMS_BASE_URL: pms.url,
    PMS_TOKEN: pms.token,
  };
}
