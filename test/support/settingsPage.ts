import { z } from 'zod';
import { SECRETS, variableOf } from '../../src/config/config';
import { SETTINGS } from '../../src/config/settings';
import { SHARED } from '../../src/config/sources';

/** docs/configuration.md, from the schemas that settings are checked with. */

type Process = keyof typeof SETTINGS;

interface Section {
  title: string;
  /** What is said above the table. */
  text: string;
  settings: string[];
}

const SECTIONS: Section[] = [
  {
    title: 'Zendesk and the PMS',
    text: 'Read by workers and commands. A process that runs `start --only intake` needs none of it and reads no credential; it takes the Zendesk address, for links in the console.',
    settings: [
      ...['zendeskSubdomain', 'zendeskBaseUrl', 'zendeskOauthClientId', 'zendeskOauthClientSecret'],
      ...['zendeskOauthScopes', 'zendeskEmail', 'zendeskApiToken', 'pmsBaseUrl', 'pmsToken'],
      ...['pmsUser', 'pmsProfile', 'pmsAdapter'],
      ...['zendeskCallsPerMinute', 'zendeskTicketUpdateShare', 'pmsCallsPerMinute', 'attachmentLimitMb'],
      'zendeskAttachmentHosts',
    ],
  },
  {
    title: 'What is synced, and when',
    text: 'Read by workers and commands; the mapping also by the console, `taskQueue` by every process.',
    settings: [
      ...[
        'mappingFile',
        'taskQueue',
        'zendeskPollSeconds',
        'pmsPollSeconds',
        'reconcileCron',
        'hygieneMinutes',
      ],
    ],
  },
  {
    title: 'Temporal and MongoDB',
    text: 'Read by every process but the codec server, which takes `ENCRYPTION_KEYS` alone. TLS and encryption are explained in [security.md](security.md).',
    settings: [
      ...['temporalAddress', 'temporalNamespace', 'temporalApiKey', 'temporalTls', 'temporalTlsServerName'],
      ...['temporalTlsServerCaCertPath', 'temporalTlsClientCertPath', 'temporalTlsClientKeyPath'],
      ...['encryptionKeys', 'mongodbUri', 'mongodbDatabase'],
    ],
  },
  {
    title: 'Webhooks',
    text: 'Read by the process that receives webhooks: `start`, or `start --only intake`, which must have the secret of one side at least, or a console. `PUBLIC_URL` is read by `webhooks` and `doctor`. See [webhooks.md](webhooks.md).',
    settings: ['intakeHost', 'intakePort', 'publicUrl', 'zendeskWebhookSecret', 'pmsWebhookSecret'],
  },
  {
    title: 'Console',
    text: 'Read by the process that receives webhooks. See [console.md](console.md).',
    settings: [
      ...['consoleToken', 'consoleUserHeader', 'consoleTrustedProxies', 'consoleHost', 'consolePort'],
      ...['temporalUiUrl', 'pmsRecordUrl'],
    ],
  },
  {
    title: 'Metrics and logs',
    text: 'Read by the service. Traces have OpenTelemetry’s own variables. See [observability.md](observability.md).',
    settings: ['metricsPort', 'metricsHost', 'logLevel'],
  },
  {
    title: 'Codec server',
    text: 'Read by `zendesk-pms-sync codec-server`, from the environment alone, besides `ENCRYPTION_KEYS`, which it must have. See [security.md](security.md#reading-them-in-the-web-ui).',
    settings: ['codecServerToken', 'codecServerOrigins', 'codecServerHost', 'codecServerPort'],
  },
];

/** Every name that a process takes, in the order of the schemas. */
function known(): Map<string, z.ZodType> {
  const all = new Map<string, z.ZodType>();
  for (const process of ['service', 'codecServer'] as const)
    for (const [name, type] of Object.entries<z.ZodType>(SETTINGS[process].shape))
      if (!all.has(name)) all.set(name, type);
  return all;
}

/** Settings without which a process does not start. */
function requiredBy(process: Process): Set<string> {
  const { error } = SETTINGS[process].safeParse({});
  return new Set(error?.issues.map((issue) => String(issue.path[0])));
}

/** Nothing that a setting could take; the first that is refused with words of our own shows what is expected. */
const WRONG = [{}, '§', '', '-1', [], -1];

function expected(type: z.ZodType): string {
  for (const wrong of WRONG) {
    const [issue] = type.safeParse(wrong).error?.issues ?? [];
    if (issue?.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`;
    if (issue?.message.startsWith('expected ')) return issue.message.slice('expected '.length);
  }
  return 'text';
}

function defaultOf(type: z.ZodType): string | null {
  const { data } = type.safeParse(undefined);
  return data === undefined ? null : z.array(z.coerce.string()).parse([data].flat()).join(', ') || null;
}

const code = (text: string) => `\`${text}\``;
const cell = (text: string) => text.replaceAll('|', '\\|');

function row(name: string, type: z.ZodType): string {
  const fallback = defaultOf(type);
  const needed =
    requiredBy('service').has(name) || (name.startsWith('codec') && requiredBy('codecServer').has(name));
  const variable = code(variableOf(name)) + (SECRETS.has(name) ? ' (secret)' : '');
  const preset = needed ? '**required**' : fallback === null ? '—' : code(fallback);
  const description = type.description ?? '';
  if (description === '') throw new Error(`${name} has no description`);
  const words = SHARED.has(name) ? `${description} Shared.` : description;
  return `| ${[variable, code(name), preset, expected(type), words].map(cell).join(' | ')} |`;
}

/** What is no setting of a deployment. */
const ENVIRONMENT = {
  OTEL_EXPORTER_OTLP_ENDPOINT:
    'Where traces go; off without it. The other `OTEL_…` variables mean what OpenTelemetry says ([observability.md](observability.md#traces)).',
  NO_COLOR: 'Not empty: no colours on a terminal.',
  ZPS_NO_DOWNLOAD:
    '`1`: servers that `start` runs itself are built from package registries, never downloaded.',
  XDG_CACHE_HOME: 'Where those servers are kept, in a folder `zendesk-pms-sync`; `~/.cache`.',
};

export function settingsPage(): string {
  const settings = known();
  const listed = SECTIONS.flatMap((section) => section.settings);
  const missing = [...settings.keys()].filter((name) => !listed.includes(name));
  if (missing.length > 0) throw new Error(`in no section of docs/configuration.md: ${missing.join(', ')}`);
  const sections = SECTIONS.flatMap(({ title, text, settings: names }) => [
    `## ${title}`,
    text,
    [
      '| variable | in YAML | default | expected | |',
      '| --- | --- | --- | --- | --- |',
      ...names.map((name) => {
        const type = settings.get(name);
        if (!type) throw new Error(`docs/configuration.md lists ${name}, which is no setting`);
        return row(name, type);
      }),
    ].join('\n'),
  ]);
  return (
    [
      '<!-- prettier-ignore-start -->',
      '# Settings',
      '<!-- Written by test/docs/configuration.test.ts from src/config/config.ts: UPDATE_DOCS=1 npm test -- test/docs/configuration.test.ts -->',
      'From the environment, or from a YAML file with the same names in camel case: `zendesk-pms-sync.yaml` in the working folder, where `init` writes it, or the file that `--config` names. The environment wins, so that one file serves several deployments. An unknown name in the file, or a value that is not as expected, ends the start with one line for each fault ([errors.md](errors.md)).',
      'A **secret** may be given as a file, the way containers mount them: `PMS_TOKEN_FILE=/run/secrets/pms`, or `pmsTokenFile: secrets/pms-token` in the YAML file, whose path counts from that file. It is shown in no message and no log.',
      'Several accounts are **connections**, each with a name and its own part of the file ([operations.md](operations.md#many-accounts)); variables that begin with that name and two `_` are its own, and win over its part: `ACME__PMS_TOKEN`, `ACME__PMS_TOKEN_FILE`. What a connection does not set is taken from the environment and the top of the file, except for addresses, credentials and webhook secrets, which each has for itself. What is marked _Shared_ stands at the top alone.',
      `\`start --only intake\` must have ${[...requiredBy('intake')].map((name) => code(variableOf(name))).join(' and ')}, and a webhook secret or a way into the console. It needs nothing else.`,
      ...sections,
      '## Read from the environment alone',
      [
        '| variable | |',
        '| --- | --- |',
        ...Object.entries(ENVIRONMENT).map(([name, text]) => `| ${code(name)} | ${text} |`),
      ].join('\n'),
      '<!-- prettier-ignore-end -->',
    ].join('\n\n') + '\n'
  );
}
