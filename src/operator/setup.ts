import { isSeq, parseDocument, type Document } from 'yaml';
import type { EntityType } from '../sync/record';
import type { SuggestedRow, UnmappedField } from './fieldPairs';

/** What `init` writes, as text. Pure. */

export interface Answers {
  zendeskBaseUrl: string;
  zendeskEmail: string;
  pmsBaseUrl: string;
}

/** The folder of secrets, beside the settings file, and what they are called in it. */
export const SECRETS_DIR = 'secrets';
export const SECRET_FILES = {
  zendeskApiToken: `${SECRETS_DIR}/zendesk-api-token`,
  pmsToken: `${SECRETS_DIR}/pms-token`,
} as const;

/** A settings file with every choice that a beginner has, commented; what is left at its default is commented out. */
export function settingsFile({ zendeskBaseUrl, zendeskEmail, pmsBaseUrl }: Answers): string {
  return `# Settings of zendesk-pms-sync. An environment variable of the same name (ZENDESK_EMAIL for zendeskEmail) wins over
# this file. All settings: docs/configuration.md

# Zendesk. The e-mail is an admin's; tokens are made in Admin Center → Apps and integrations → APIs → Zendesk API.
zendeskBaseUrl: ${JSON.stringify(zendeskBaseUrl)}
zendeskEmail: ${JSON.stringify(zendeskEmail)}
zendeskApiTokenFile: ${SECRET_FILES.zendeskApiToken}

# The project management system.
pmsBaseUrl: ${JSON.stringify(pmsBaseUrl)}
pmsTokenFile: ${SECRET_FILES.pmsToken}

# Which properties correspond. A running service takes up changes of it by itself.
mappingFile: mapping.yaml

# Where Temporal and MongoDB run. Left out, "start" runs both itself, which is good for trying.
# temporalAddress: 127.0.0.1:7233
# temporalNamespace: default
# mongodbUri: mongodb://127.0.0.1:27017

# How often each side is asked for changes. Webhooks bring them within a second: docs/webhooks.md
# zendeskPollSeconds: 60
# pmsPollSeconds: 15
# publicUrl: https://sync.example.com

# To leave some of the APIs' rates to others; calls a minute.
# zendeskCallsPerMinute: 400
# pmsCallsPerMinute: 300
`;
}

/**
 * The shipped mapping with the custom fields that both sides have. Fields that no row speaks of are listed in a comment.
 * @param shipped text of the shipped mapping; its comments stay
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
  return document.toString({ lineWidth: 130, flowCollectionPadding: true });
}

function rowNode(document: Document, { title, ...row }: SuggestedRow): unknown {
  const node = document.createNode(row, { flow: true });
  node.comment = ` ${oneLine(title)}`;
  return node;
}

/** Titles are written by people of either system; a line break would end the comment. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}
