import { controlsOf, type Access } from 'testkit';
import type { Sandboxes } from './sandboxes';

/** The users that fill two sandboxes with generated data: an agent, and a person of the PMS, who is created. */
export async function seedAccess({ zendesk, pms }: Sandboxes): Promise<{ zendesk: Access; pms: Access }> {
  const token = await controlsOf(pms).tokenOf({ email: 'seeder@pms.example', name: 'Seeder' });
  return {
    zendesk: { url: zendesk.url, token: zendesk.bearer('ann@sandbox.example') },
    pms: { url: pms.url, token },
  };
}
