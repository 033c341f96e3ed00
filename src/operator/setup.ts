import { isSeq, parseDocument, type Document } from 'yaml';
import type { EntityType } from '../sync/record';
import type { SuggestedRow, UnmappedField } from './fieldPairs';
import { withDocsPages } from '../platform/docsPage';

/** The text of the files that `init` writes. Pages of the documentation are named by their path on this machine. */

export interface Answers {
  zendeskBaseUrl: string;
  zendesk:
    | {
        by: 'oauth';
        clientId: string;
        /** Null for the default scopes. */
        scopes: string | null;
      }
    | { by: 'apiToken'; email: string };
  pmsBaseUrl: string;
  /** From PMS_PROFILE and PMS_USER, if they are set. */
  pmsProfile?: string | undefined;
  pmsUser?: string | undefined;
  /** Whether the console is on. It then has its own token. */
  console: boolean;
}

/** The folder of secrets, beside the settings file, and the names of the files in it. */
export const SECRETS_DIR = 'secrets';
export const SECRET_FILES = {
  zendeskOauthClientSecret: `${SECRETS_DIR}/zendesk-oauth-client-secret`,
  zendeskApiToken: `${SECRETS_DIR}/zendesk-api-token`,
  pmsToken: `${SECRETS_DIR}/pms-token`,
  consoleToken: `${SECRETS_DIR}/console-token`,
} as const;

/**
 * The settings file, with a comment for every setting that a beginner may need. Settings that keep their default are
 * commented out.
 */
export function settingsFile({ zendeskBaseUrl, zendesk, pmsBaseUrl, console, ...pms }: Answers): string {
  return withDocsPages(`# Settings of zendesk-pms-sync. An environment variable of the same name (PMS_BASE_URL for pmsBaseUrl) wins over
# this file. All settings: docs/configuration.md

${signIn(zendesk)}
zendeskBaseUrl: ${JSON.stringify(zendeskBaseUrl)}
${credential(zendesk)}

# The project management system.
pmsBaseUrl: ${JSON.stringify(pmsBaseUrl)}
${given('pmsProfile', pms.pmsProfile)}${given('pmsUser', pms.pmsUser)}pmsTokenFile: ${SECRET_FILES.pmsToken}

# Which properties correspond. A running service takes up changes of it by itself.
mappingFile: mapping.yaml

# Where Temporal and MongoDB run. Left out, "start" runs both itself, which is good for trying.
# temporalAddress: 127.0.0.1:7233
# temporalNamespace: default
# mongodbUri: mongodb://127.0.0.1:27017

# The web console, at http://127.0.0.1:8085/console while "start" runs: docs/console.md
${console ? '' : '# '}consoleTokenFile: ${SECRET_FILES.consoleToken}

# How often each side is asked for changes. Webhooks bring them within a second: docs/webhooks.md
# zendeskPollSeconds: 60
# pmsPollSeconds: 15
# publicUrl: https://sync.example.com

# To leave some of the APIs' rates to others; calls a minute.
# zendeskCallsPerMinute: 400
# pmsCallsPerMinute: 300
`);
}

function given(setting: string, value: string | undefined): string {
  return value === undefined ? '' : `${setting}: ${JSON.stringify(value)}\n`;
}

function signIn({ by }: Answers['zendesk']): string {
  return by === 'oauth'
    ? '# Zendesk. The OAuth client is made in Admin Center → Apps and integrations → APIs → OAuth clients: docs/zendesk.md'
    : '# Zendesk. API tokens end on 2027-04-30; before that day, an OAuth client must take its place: docs/zendesk.md';
}

function credential(zendesk: Answers['zendesk']): string {
  if (zendesk.by === 'apiToken')
    return `zendeskEmail: ${JSON.stringify(zendesk.email)}
zendeskApiTokenFile: ${SECRET_FILES.zendeskApiToken}`;
  const { clientId, scopes } = zendesk;
  return `zendeskOauthClientId: ${JSON.stringify(clientId)}
zendeskOauthClientSecretFile: ${SECRET_FILES.zendeskOauthClientSecret}${scopes === null ? '' : `\nzendeskOauthScopes: ${JSON.stringify(scopes)}`}`;
}

/**
 * The shipped mapping with the custom fields that both sides have. A comment lists the fields that have no row.
 * @param shipped text of the shipped mapping; its comments are kept
 */
export function mappingFile(
  shipped: string,
  fields: Partial<Record<EntityType, { rows: SuggestedRow[]; unmapped: UnmappedField[] }>>,
): string {
  const document = parseDocument(shipped);
  for (const [entity, { rows, unmapped }] of Object.entries(fields)) {
    const properties = document.getIn(['entities', entity, 'properties']);
    if (!isSeq(properties)) throw new Error(`the shipped mapping has no properties of ${entity}`);
    for (const row of rows) properties.add(rowNode(document, row));
    if (unmapped.length > 0)
      properties.comment = [
        ' Custom fields that are not mapped yet:',
        ...unmapped.map(
          ({ side, name, title, why }) => `   ${side} ${name} "${oneLine(title)}": ${oneLine(why)}`,
        ),
      ].join('\n');
  }
  return withDocsPages(document.toString({ lineWidth: 130, flowCollectionPadding: true }));
}

function rowNode(document: Document, { title, ...row }: SuggestedRow): unknown {
  const node = document.createNode(row, { flow: true });
  node.comment = ` ${oneLine(title)}`;
  return node;
}

/** Titles are written by users of either system; a line break would end the comment. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}
