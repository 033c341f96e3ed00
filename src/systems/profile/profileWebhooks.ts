import { z } from 'zod';
import type { AdapterConnection } from '../pmsAdapter';
import { HttpClient, type Request } from '../http';
import { endpointOf, type InstalledWebhook, type WebhookAdmin } from '../webhookAdmin';
import { credentialOf } from './profileAuth';
import type { Profile } from './profileSchema';

/** The PMS's webhooks (docs/pms-openapi.yaml). They have no name field, so the URL's query holds the name. */

const webhookSchema = z.looseObject({ id: z.string(), url: z.string(), kinds: z.array(z.string()) });
const listAnswer = z.looseObject({ items: z.array(webhookSchema) });
type Webhook = z.output<typeof webhookSchema>;

/** @param at the path of the webhooks */
export function profileWebhooks(
  profile: Profile,
  at: string,
  { baseUrl, token, readToken, readRefreshToken, user, secret }: AdapterConnection & { secret: string },
): WebhookAdmin {
  const path = `${profile.base}${at}`;
  const common = {
    side: 'pms' as const,
    name: profile.name,
    baseUrl,
    headers: profile.headers,
    credential: 'PMS_TOKEN',
  };
  const auth = credentialOf(profile.auth, { token, readToken, readRefreshToken, user: user ?? null }, common);
  const http = new HttpClient({ ...common, auth });
  const all = async (name: string, receiver: string): Promise<Webhook[]> => {
    const { items } = await http.get(listAnswer, path);
    return items.filter(({ url }) => url === named(receiver, name));
  };
  return {
    side: 'pms',
    list: async (name, receiver) => (await all(name, receiver)).map((webhook) => shown(webhook, name)),
    async install(name, receiver) {
      const [existing] = await all(name, receiver);
      if (existing) return { ...shown(existing, name), done: 'unchanged', secret: null };
      const body = { url: named(receiver, name), secret };
      const request: Request = { method: 'POST', path, body };
      const webhook = http.parse(webhookSchema, request, (await http.send(request)).body);
      return { ...shown(webhook, name), done: 'created', secret };
    },
    async remove({ id }) {
      await http.send({ method: 'DELETE', path: `${path}/${id}` }, [404]);
    },
  };
}

/** The receiver ignores the query. */
function named(receiver: string, name: string): string {
  return `${endpointOf(receiver, 'pms')}?webhook=${encodeURIComponent(name)}`;
}

function shown({ id, url }: Webhook, name: string): InstalledWebhook {
  return { side: 'pms', id, name, url };
}
