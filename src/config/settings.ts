import { z } from 'zod';
import { SERVICE_SCOPES } from '../systems/zendesk/zendeskAuth';
import {
  address,
  encryptionKeys,
  flag,
  hostAndPort,
  hosts,
  networks,
  perMinute,
  port,
  recordUrl,
  seconds,
  secret,
  secrets,
  publicAddress,
} from './settingKinds';
import { mongodbDatabase, mongodbUri } from './mongodbAddress';
import { brakeSettings } from './brakeSettings';
import { DEFAULT_NAME } from './sources';
import { checkSignIn } from './zendeskSignIn';

/** The settings of each process. */

/** If a header names the user, the proxies that may set the header must be named. */
function proxiesGiven(config: { consoleUserHeader?: string | undefined; consoleTrustedProxies: string[] }) {
  return config.consoleUserHeader === undefined || config.consoleTrustedProxies.length > 0;
}
/**
 * If both name an account, both must name the same one. Otherwise one would be ignored, and the sync would write to
 * an account that nobody intended.
 */
function isOneAccount(subdomain: string | undefined, baseUrl: string | undefined): boolean {
  if (subdomain === undefined || baseUrl === undefined) return true;
  const { hostname } = new URL(baseUrl);
  return !hostname.endsWith('.zendesk.com') || hostname === `${subdomain.toLowerCase()}.zendesk.com`;
}
const NO_PROXIES = {
  path: ['consoleTrustedProxies'],
  error: 'expected the addresses of the proxies whose CONSOLE_USER_HEADER is trusted',
};

export const serviceSettings = z
  .strictObject({
    temporalAddress: hostAndPort
      .optional()
      .describe('Host and port of Temporal. Without it, `start` runs its own server.'),
    temporalNamespace: z.string().default('default').describe('Namespace of workflows and Schedules.'),
    temporalApiKey: secret('expected an API key')
      .optional()
      .describe('API key of Temporal Cloud, sent as a bearer token; switches TLS on.'),
    encryptionKeys: encryptionKeys
      .optional()
      .describe(
        'Keys for the encryption of payloads in Temporal, `id:base64,…`. The first key encrypts, all keys decrypt.',
      ),
    temporalTls: flag
      .optional()
      .describe(
        '`true`: TLS without further settings; `false`: no TLS in spite of an API key, if a proxy adds it.',
      ),
    temporalTlsServerName: z
      .string()
      .optional()
      .describe('The name in the server’s certificate, if it differs from the address.'),
    temporalTlsServerCaCertPath: z
      .string()
      .optional()
      .describe('File with a certificate authority of your own, PEM.'),
    temporalTlsClientCertPath: z.string().optional().describe('File with the client certificate, PEM.'),
    temporalTlsClientKeyPath: z
      .string()
      .optional()
      .describe('File with the key of the client certificate, PEM.'),
    mongodbUri: mongodbUri
      .optional()
      .describe('Address of MongoDB, with its credentials. Without it, `start` runs its own server.'),
    mongodbDatabase: mongodbDatabase
      .default(DEFAULT_NAME)
      .describe('Database of the links; each installation needs its own.'),
    zendeskSubdomain: z
      .string()
      .regex(/^[a-z0-9-]+$/i, 'expected the name before .zendesk.com')
      .optional()
      .describe('The name before `.zendesk.com`; this or the base URL is required.'),
    zendeskBaseUrl: address('https://acme.zendesk.com')
      .optional()
      .describe('Address of the account, if it is not `https://SUBDOMAIN.zendesk.com`.'),
    zendeskOauthClientId: z
      .string()
      .min(1, 'expected the Identifier of an OAuth client')
      .optional()
      .describe('Identifier of the OAuth client that the sync signs in with ([zendesk.md](zendesk.md)).'),
    zendeskOauthClientSecret: secret('expected the secret of an OAuth client')
      .optional()
      .describe('Secret of that client. If it is in a file, the file is read for each access token.'),
    zendeskOauthScopes: z
      .string()
      .regex(/^[a-z_]+(:[a-z]+)?( [a-z_]+(:[a-z]+)?)*$/, 'expected scopes such as "read tickets:write"')
      .optional()
      .describe(`Scopes to request, separated by spaces; \`${SERVICE_SCOPES}\` if not given.`),
    zendeskEmail: z
      .email('expected an e-mail address')
      .optional()
      .describe('In place of an OAuth client until 2027-04-30: e-mail address of the API token’s user.'),
    zendeskApiToken: secret('expected an API token')
      .optional()
      .describe('API token of that user. Since 2026-10-27, API tokens can no longer be created.'),
    pmsBaseUrl: address('https://pms.example.com').describe(
      'Address of the PMS, without the path that its profile begins with (`/api/v1`).',
    ),
    pmsToken: secret('expected an API token').describe(
      'Token, key, password or client secret of the PMS. A client secret is read again for each access token.',
    ),
    pmsUser: z
      .string()
      .min(1, 'expected a name')
      .optional()
      .describe(
        'User name or client id that belongs to the token, if the profile’s `auth` needs one (`basic`, `oauth2`).',
      ),
    pmsRefreshToken: secret('expected a refresh token')
      .optional()
      .describe(
        'Refresh token, if the profile’s `auth` has `grant: refresh_token`. It is read again for each access token.',
      ),
    pmsProfile: z
      .string()
      .default('contract')
      .describe(
        'Profile of the PMS’s API ([profile.md](profile.md)): a file, or the name of a shipped profile.',
      ),
    pmsAdapter: z
      .string()
      .min(1, 'expected a module')
      .optional()
      .describe('In place of a profile: a module with your own adapter ([adapter.md](adapter.md)).'),
    zendeskAttachmentHosts: hosts
      .default(['*.zdusercontent.com'])
      .describe(
        'Hosts, besides Zendesk itself, from which Zendesk’s attachments may be fetched; in the environment, separated by commas.',
      ),
    zendeskAiAgentTickets: flag
      .default(false)
      .describe(
        'Whether tickets that only an AI agent answers are in scope; `true` or `false` ([zendesk.md](zendesk.md#what-is-left-alone)).',
      ),
    attachmentLimitMb: z.coerce
      .number({ error: 'expected a number of megabytes' })
      .positive()
      .default(20)
      .describe('The largest file that is copied, in megabytes. If a file is larger, the link says so.'),
    mappingFile: z
      .string()
      .default('mapping.yaml')
      .describe('Mapping file ([mapping.md](mapping.md)); its path is relative to the working folder.'),
    taskQueue: z
      .string()
      .default(DEFAULT_NAME)
      .describe('Prefix of task queues, Schedules and workflow ids; each installation needs its own.'),
    zendeskCallsPerMinute: perMinute
      .optional()
      .describe(
        'The most calls a minute that all workers together send to Zendesk, if this is less than Zendesk allows.',
      ),
    pmsCallsPerMinute: perMinute
      .optional()
      .describe(
        'The most calls a minute that all workers together send to the PMS, if this is less than the PMS allows.',
      ),
    zendeskTicketUpdateShare: z.coerce
      .number({ error: 'expected a percentage' })
      .min(1, 'expected a percentage from 1 to 100')
      .max(100, 'expected a percentage from 1 to 100')
      .default(70)
      .describe(
        'Percentage of Zendesk’s ticket updates a minute that the sync may use at once. It uses the rest towards the end of the minute, as far as agents have not used it.',
      ),
    zendeskPollSeconds: seconds.default(60).describe('Interval between two polls of Zendesk.'),
    pmsPollSeconds: seconds.default(15).describe('Interval between two polls of the PMS.'),
    reconcileCron: z
      .string()
      .regex(/^(off|(CRON_TZ=\S+ )?\S+( \S+){4})$/, 'expected five fields such as "0 3 * * *", or "off"')
      .default('0 3 * * *')
      .describe('Time of the reconcile, in UTC unless it begins with `CRON_TZ=Europe/Berlin`; or `off`.'),
    hygieneMinutes: z.coerce
      .number({ error: 'expected a number of minutes' })
      .positive()
      .default(60)
      .describe('Interval of link hygiene, which searches the link store for abandoned work.'),
    journalDays: z.coerce
      .number({ error: 'expected a number of days' })
      .positive()
      .default(30)
      .describe('How long the journal of writes is kept. Older writes cannot be undone.'),
    journalMegabytes: z.coerce
      .number({ error: 'expected a number of megabytes' })
      .positive()
      .default(1000)
      .describe('How large the journal of writes may grow before link hygiene drops its oldest entries.'),
    ...brakeSettings,
    intakeHost: z.string().default('127.0.0.1').describe('Address at which webhooks are received.'),
    intakePort: port.default(8080).describe('Port at which webhooks are received.'),
    publicUrl: publicAddress
      .optional()
      .describe(
        'Address at which both systems reach the receiver, by HTTPS (`http://` on this machine only); `webhooks install` registers it.',
      ),
    zendeskWebhookSecret: secrets
      .optional()
      .describe(
        'Signing secret of Zendesk’s webhook, and the previous one while it is replaced. Without it, no webhooks of Zendesk are accepted.',
      ),
    pmsWebhookSecret: secrets.optional().describe('The same for the PMS’s webhook.'),
    consoleHost: z.string().default('127.0.0.1').describe('Address at which the console is served.'),
    consolePort: port.default(8085).describe('Port at which the console is served.'),
    consoleToken: secret('expected a token of at least 16 characters', 16)
      .optional()
      .describe(
        'Token that the log-in form asks for; the console is off without it and without a user header.',
      ),
    consoleUserHeader: z
      .string()
      .regex(/^[A-Za-z0-9-]+$/, 'expected the name of a header, e.g. X-Forwarded-Email')
      .optional()
      .describe('Header in which a proxy names the user whom it has logged in.'),
    consoleTrustedProxies: networks
      .default([])
      .describe(
        'Addresses or networks of proxies whose headers are trusted; in the environment, separated by commas.',
      ),
    temporalUiUrl: address('https://temporal.example.com')
      .optional()
      .describe(
        'Address of the Temporal Web UI, for links to workflows and Schedules; not needed if `start` runs it.',
      ),
    pmsRecordUrl: recordUrl
      .optional()
      .describe('Address of a record in the PMS, for links; `{kind}` is `customer`, `project` or `note`.'),
    metricsHost: z.string().default('127.0.0.1').describe('Address at which metrics are served.'),
    metricsPort: port.optional().describe('Port of `/metrics`; off without it.'),
    logLevel: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
      .default('info')
      .describe('The lowest level of log lines that are written.'),
  })
  .refine((config) => config.zendeskSubdomain ?? config.zendeskBaseUrl, {
    path: ['zendeskSubdomain'],
    error: 'expected the Zendesk subdomain (or zendeskBaseUrl)',
  })
  .refine(({ zendeskSubdomain, zendeskBaseUrl }) => isOneAccount(zendeskSubdomain, zendeskBaseUrl), {
    path: ['zendeskSubdomain'],
    error: 'expected one of ZENDESK_SUBDOMAIN and ZENDESK_BASE_URL: they name two accounts; remove one',
  })
  .superRefine(checkSignIn)
  .refine((config) => !config.temporalTlsClientCertPath === !config.temporalTlsClientKeyPath, {
    path: ['temporalTlsClientKeyPath'],
    error: 'expected a client certificate and its key together',
  })
  .refine((config) => config.temporalAddress ?? !(config.temporalApiKey ?? config.temporalTls), {
    path: ['temporalAddress'],
    error: 'expected the address that TLS or the API key is for',
  })
  .refine(proxiesGiven, NO_PROXIES);

/** Replaces the schema of a setting that a process does not read. */
export const UNUSED = z.unknown().optional();
/** The webhook receiver is open to the internet, so it holds no credential of either API, and starts no servers. */
export const intakeSettings = z
  .strictObject({
    ...serviceSettings.shape,
    zendeskOauthClientId: UNUSED,
    zendeskOauthClientSecret: UNUSED,
    zendeskOauthScopes: UNUSED,
    zendeskEmail: UNUSED,
    zendeskApiToken: UNUSED,
    pmsBaseUrl: UNUSED,
    pmsToken: UNUSED,
    pmsUser: UNUSED,
    pmsRefreshToken: UNUSED,
    pmsProfile: UNUSED,
    pmsAdapter: UNUSED,
    temporalAddress: serviceSettings.shape.temporalAddress.unwrap(),
    mongodbUri: serviceSettings.shape.mongodbUri.unwrap(),
  })
  .refine(proxiesGiven, NO_PROXIES);

/** The codec server's own settings; it needs no credential of either system. */
export const codecServerSettings = z.strictObject({
  encryptionKeys: encryptionKeys.describe(
    'Keys for the encryption of payloads in Temporal, `id:base64,…`. The first key encrypts, all keys decrypt.',
  ),
  codecServerToken: secret('expected a token of at least 16 characters', 16).describe(
    'Token with which the Web UI and the command line request decryption.',
  ),
  codecServerOrigins: z
    .string()
    .default('http://localhost:8233,http://127.0.0.1:8233,http://localhost:8080,http://127.0.0.1:8080')
    .transform((text) => text.split(',').map((origin) => origin.trim()))
    .describe('Origins of the Web UIs that may send requests, separated by commas.'),
  codecServerHost: z.string().default('127.0.0.1').describe('Address at which the codec server listens.'),
  codecServerPort: port.default(8089).describe('Port at which the codec server listens.'),
});

/** The settings of each process, for docs/configuration.md. */
export const SETTINGS = {
  service: serviceSettings,
  intake: intakeSettings,
  codecServer: codecServerSettings,
} as const;
