import { z } from 'zod';
import { SECRETS, variableOf } from '../../src/config/config';
import { SETTINGS } from '../../src/config/settings';
import { SHARED } from '../../src/config/sources';
import { wrapped } from './prose';

/** docs/configuration.md, from the schemas of the settings. */

type Process = keyof typeof SETTINGS;

interface Section {
  title: string;
  /** The paragraph above the list. */
  text: string;
  settings: string[];
}

const SECTIONS: Section[] = [
  {
    title: 'Zendesk and the PMS',
    text: 'Read by workers and commands. A process that runs `start --only intake` needs none of these and reads no credential. It uses the Zendesk address only for links in the console.',
    settings: [
      ...['zendeskSubdomain', 'zendeskBaseUrl', 'zendeskOauthClientId', 'zendeskOauthClientSecret'],
      ...['zendeskOauthScopes', 'zendeskEmail', 'zendeskApiToken', 'pmsBaseUrl', 'pmsToken'],
      ...['pmsUser', 'pmsRefreshToken', 'pmsProfile', 'pmsAdapter'],
      ...['zendeskCallsPerMinute', 'zendeskTicketUpdateShare', 'pmsCallsPerMinute', 'attachmentLimitMb'],
      ...['zendeskAttachmentHosts', 'zendeskAiAgentTickets'],
    ],
  },
  {
    title: 'Mapping and intervals',
    text: 'Read by workers and commands. The console also reads the mapping, and every process reads `taskQueue`.',
    settings: [
      ...[
        'mappingFile',
        'taskQueue',
        'zendeskPollSeconds',
        'pmsPollSeconds',
        'reconcileCron',
        'hygieneMinutes',
        'journalDays',
        'journalMegabytes',
      ],
    ],
  },
  {
    title: 'The brake',
    text: 'Read by workers. A share of the linked pairs of an entity, but at least and at most so many pairs, may be changed alike within the window; the rest is held until a person ends the hold. `off`: never held. See [operations.md](operations.md#the-brake).',
    settings: [
      ...['brakeWindowMinutes', 'brakeEnds', 'brakeArchives', 'brakeEmptied', 'brakeReplaced'],
      'brakeRemapped',
    ],
  },
  {
    title: 'Temporal and MongoDB',
    text: 'Read by every process except the codec server, which reads only `ENCRYPTION_KEYS`. [security.md](security.md) explains TLS and encryption.',
    settings: [
      ...['temporalAddress', 'temporalNamespace', 'temporalApiKey', 'temporalTls', 'temporalTlsServerName'],
      ...['temporalTlsServerCaCertPath', 'temporalTlsClientCertPath', 'temporalTlsClientKeyPath'],
      ...['encryptionKeys', 'mongodbUri', 'mongodbDatabase'],
    ],
  },
  {
    title: 'Webhooks',
    text: 'Read by the process that receives webhooks: `start`, or `start --only intake`. The latter needs the secret of at least one side, or a console. `webhooks` and `doctor` read `PUBLIC_URL`. See [webhooks.md](webhooks.md).',
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
    text: 'Read by the service. Traces use OpenTelemetry’s own variables. See [observability.md](observability.md).',
    settings: ['metricsPort', 'metricsHost', 'logLevel'],
  },
  {
    title: 'Codec server',
    text: 'Read by `zendesk-pms-sync codec-server`, from the environment only. It also needs `ENCRYPTION_KEYS`. See [security.md](security.md#reading-them-in-the-web-ui).',
    settings: ['codecServerToken', 'codecServerOrigins', 'codecServerHost', 'codecServerPort'],
  },
];

/** Every setting of a process, in the order of the schemas. */
function known(): Map<string, z.ZodType> {
  const all = new Map<string, z.ZodType>();
  for (const process of ['service', 'codecServer'] as const)
    for (const [name, type] of Object.entries<z.ZodType>(SETTINGS[process].shape))
      if (!all.has(name)) all.set(name, type);
  return all;
}

/** Settings that a process needs to start. */
function requiredBy(process: Process): Set<string> {
  const { error } = SETTINGS[process].safeParse({});
  return new Set(error?.issues.map((issue) => String(issue.path[0])));
}

/** Values that no setting accepts; the first that gives a custom message shows the expected form. */
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

function item(name: string, type: z.ZodType): string {
  const fallback = defaultOf(type);
  const needed =
    requiredBy('service').has(name) || (name.startsWith('codec') && requiredBy('codecServer').has(name));
  const description = type.description ?? '';
  if (description === '') throw new Error(`${name} has no description`);
  const marks = [
    ...(needed ? ['required'] : []),
    ...(SECRETS.has(name) ? ['secret'] : []),
    ...(SHARED.has(name) ? ['shared'] : []),
  ];
  const text = [
    `**${code(variableOf(name))}**${marks.length > 0 ? ` (${marks.join(', ')})` : ''}, in YAML ${code(name)}.`,
    description,
    ...(expected(type) === 'text' ? [] : [`Expected: ${expected(type)}.`]),
    ...(fallback === null ? [] : [`Default: ${code(fallback)}.`]),
  ];
  return wrapped(text.join(' '), '- ');
}

/** Variables that are not settings of a deployment. */
const ENVIRONMENT = {
  OTEL_EXPORTER_OTLP_ENDPOINT:
    'Collector for traces; without it, traces are off. The other `OTEL_…` variables have OpenTelemetry’s meaning ([observability.md](observability.md#traces)).',
  NO_COLOR: 'If not empty: no colours on a terminal.',
  ZPS_NO_DOWNLOAD:
    'If `1`: servers that `start` runs itself are built from package registries, and not downloaded.',
  XDG_CACHE_HOME:
    'Folder with the subfolder `zendesk-pms-sync`, where those servers are kept. Default: `~/.cache`.',
};

export function settingsPage(): string {
  const settings = known();
  const listed = SECTIONS.flatMap((section) => section.settings);
  const missing = [...settings.keys()].filter((name) => !listed.includes(name));
  if (missing.length > 0) throw new Error(`in no section of docs/configuration.md: ${missing.join(', ')}`);
  const sections = SECTIONS.flatMap(({ title, text, settings: names }) => [
    `## ${title}`,
    wrapped(text),
    names
      .map((name) => {
        const type = settings.get(name);
        if (!type) throw new Error(`docs/configuration.md lists ${name}, which is no setting`);
        return item(name, type);
      })
      .join('\n'),
  ]);
  const intake = [...requiredBy('intake')].map((name) => code(variableOf(name))).join(' and ');
  return (
    [
      '<!-- prettier-ignore-start -->',
      '# Settings',
      '<!-- Written by test/docs/configuration.test.ts from src/config/config.ts: UPDATE_DOCS=1 npm test -- test/docs/configuration.test.ts -->',
      ...[
        'A setting comes from the environment or from a YAML file, which uses the same names in camel case. The file is `zendesk-pms-sync.yaml` in the working folder, where `init` writes it, or the file that `--config` names. The environment has priority, so one file can serve several deployments. If the file has an unknown name, or if a value is not as expected, the start ends with one line for each error ([errors.md](errors.md)).',
        'A **secret** can be given as a file, as containers mount them: `PMS_TOKEN_FILE=/run/secrets/pms`, or `pmsTokenFile: secrets/pms-token` in the YAML file, relative to that file. No message and no log shows a secret.',
        'To serve several accounts, give each **connection** a name and a section of the file ([operations.md](operations.md#many-accounts)). A variable that begins with that name and two `_` belongs to the connection and has priority over its section: `ACME__PMS_TOKEN`, `ACME__PMS_TOKEN_FILE`. If a connection does not set a value, the environment and the top of the file apply. This does not hold for addresses, credentials and webhook secrets, which each connection sets itself. A setting that is marked "shared" can only be set at the top.',
        `\`start --only intake\` needs ${intake}, and a webhook secret or a way to log in to the console. It needs nothing else.`,
      ].map((paragraph) => wrapped(paragraph)),
      ...sections,
      '## Read from the environment only',
      Object.entries(ENVIRONMENT)
        .map(([name, text]) => wrapped(`**${code(name)}**. ${text}`, '- '))
        .join('\n'),
      '<!-- prettier-ignore-end -->',
    ].join('\n\n') + '\n'
  );
}
