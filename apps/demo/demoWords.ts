/** The vocabulary of the demo's data. */

export const AGENTS: [string, string][] = [
  ['Maya Lindqvist', 'maya.lindqvist'],
  ['Tomás Herrera', 'tomas.herrera'],
  ['Aiko Tanabe', 'aiko.tanabe'],
  ['Jonas Weiß', 'jonas.weiss'],
  ['Priya Raman', 'priya.raman'],
  ['Oluwaseun Adeyemi', 'seun.adeyemi'],
];

export const FIRST_NAMES = [
  'Ana', 'Bjørn', 'Chloé', 'Dariusz', 'Elif', 'Fatima', 'Giulia', 'Henrik', 'Ines', 'Jakub', 'Keiko', 'Liam',
  'Marta', 'Noa', 'Óscar', 'Petra', 'Quinn', 'Rania', 'Søren', 'Teresa', 'Umar', 'Vera', 'Wen', 'Zoë',
] as const; // prettier-ignore

export const LAST_NAMES = [
  'Almeida', 'Bauer', 'Castillo', 'Dvořák', 'Eriksen', 'Fontaine', 'García', 'Horvat', 'Ivanova', 'Jensen',
  'Kowalski', 'Laurent', 'Müller', 'Nakamura', 'Okafor', 'Peña', 'Rossi', 'Santos', 'Türk', 'Vargas',
] as const; // prettier-ignore

export const COMPANY_FIRST = [
  'Alder', 'Basalt', 'Cobalt', 'Drift', 'Ember', 'Fjord', 'Granite', 'Harbor', 'Indigo', 'Juniper', 'Kestrel',
  'Lumen', 'Meridian', 'Northwind', 'Orchard', 'Pioneer', 'Quarry', 'Río Alto', 'Saffron', 'Tundra', 'Umbra',
  'Vireo', 'Willow', 'Zéphyr',
] as const; // prettier-ignore

export const COMPANY_SECOND = [
  'Logistics', 'Foods', 'Dental', 'Robotics', 'Textiles', 'Energy', 'Books', 'Clinics', 'Freight', 'Software',
  'Optics', 'Bakeries', 'Insurance', 'Outdoor', 'Pharma', 'Studios',
] as const; // prettier-ignore

export const COMPANY_FORM = ['Ltd', 'GmbH', 'Inc', 'S.A.', 'AB', '& Sons'] as const;

export const ORGANIZATION_DETAILS = [
  'Renewal in spring; procurement answers within two days.',
  'Two warehouses and a head office.\nCalls are welcome before noon only.',
  'Pilot customer for the new billing module – be generous.',
  'Moved over from the old reseller contract; keep an eye on invoices.',
  'Café chain with 41 branches. Contact: operations desk.',
  'Uses single sign-on; accounts are never created by hand.',
] as const;

export const ORGANIZATION_NOTES = [
  'Prefers e-mail to telephone.',
  'Escalate outages to the account manager at once.',
  'NDA signed. Do not name them in public.',
  'Invoice address differs from the delivery address!',
] as const;

export const ORGANIZATION_TAGS = [
  'enterprise',
  'smb',
  'vip',
  'emea',
  'apac',
  'americas',
  'reseller',
  'trial',
  'churn_risk',
] as const;

export const PRODUCTS = [
  'label printer LP-420', 'mobile app', 'customer portal', 'billing export', 'REST API', 'warehouse scanner',
  'single sign-on', 'weekly report', 'webhook endpoint', 'shipping calculator', 'invoice template', 'data import',
] as const; // prettier-ignore

interface Topic {
  subject: readonly [string, ...string[]];
  opening: readonly [string, ...string[]];
  detail: readonly [string, ...string[]];
  tags: readonly string[];
}

export const TOPICS: readonly [Topic, ...Topic[]] = [
  {
    subject: [
      'Printer shows error {n} after the update',
      '{p} prints blank labels',
      '{p}: paper jam every {s} sheets',
    ],
    opening: [
      'Since this morning the {p} stops with error {n}.',
      'We changed the roll twice and the {p} still prints nothing but blank labels.',
    ],
    detail: [
      'The self-test page looks fine, so we think that it is the driver.',
      'Switching it off and on helps for about {s} minutes.',
      'Three colleagues see the same on different machines.',
    ],
    tags: ['printer', 'hardware', 'driver'],
  },
  {
    subject: ['Invoice {n} is wrong', 'Charged twice for invoice {n}', 'Credit note missing for order {n}'],
    opening: [
      'Invoice {n} lists {s} licences, but we cancelled four of them in time.',
      'Our bank statement shows two debits of 1.249,00 € for invoice {n}.',
    ],
    detail: [
      'Please send a corrected copy; the auditors come at the end of the month.',
      'The VAT number on page 2 is still the old one.',
      'Order {n} was returned complete, see the delivery slip.',
    ],
    tags: ['billing', 'invoice', 'refund'],
  },
  {
    subject: [
      'Cannot log in to the {p}',
      'Password reset mail never arrives',
      'Locked out after {s} attempts',
    ],
    opening: [
      'Whenever I sign in to the {p} I land on the login page again.',
      'The reset mail does not arrive, not even in the spam folder.',
    ],
    detail: [
      'It works in a private window, so perhaps a cookie?',
      'Two-factor codes are accepted and then nothing happens.',
      'A colleague with the same role gets in without trouble.',
    ],
    tags: ['login', 'access', 'sso'],
  },
  {
    subject: [
      'Parcel {n} has not moved for {s} days',
      'Wrong delivery address on order {n}',
      'Damaged on arrival: order {n}',
    ],
    opening: [
      'Tracking for parcel {n} has said "in transit" for {s} days.',
      'Order {n} went to our old address in São Paulo.',
    ],
    detail: [
      'The customer is waiting and asks every day.',
      'Photos of the box are with our front desk.',
      'The carrier says that only the sender can open an inquiry.',
    ],
    tags: ['shipping', 'carrier', 'order'],
  },
  {
    subject: ['{p} answers HTTP 500', 'API error {n} on bulk import', 'Time-outs from the {p} since {s}:00'],
    opening: [
      'Our nightly job gets HTTP 500 from the {p} for about one call in {s}.',
      'POST /v1/items fails with code {n}: {"error":"invalid_state","retry":true}.',
    ],
    detail: [
      'Request id: 7f3a-{n}. The same body succeeds a minute later.',
      'if (a < b && c > d) { retry(); } // this is all that our client does',
      'We send <items count="{s}"> and get <error code="{n}"/> back.',
    ],
    tags: ['api', 'integration', 'outage'],
  },
  {
    subject: ['How do I change the {p}?', 'Question about the {p}', 'Can the {p} be scheduled weekly?'],
    opening: [
      'Is there a way to change the {p} for one team only?',
      'The handbook does not mention the {p} at all.',
    ],
    detail: [
      'We have {s} people who would use it.',
      'It need not be pretty – a CSV would do.',
      'Thank you for the quick help last time!',
    ],
    tags: ['how_to', 'configuration', 'documentation'],
  },
  {
    subject: [
      'Feature request: dark mode for the {p}',
      'Please add a filter to the {p}',
      'Export of the {p} lacks a column',
    ],
    opening: [
      'It would help us a lot if the {p} had a filter by site.',
      'The export of the {p} lacks the cost centre.',
    ],
    detail: [
      'At the moment we copy {s} rows by hand.',
      'Happy to test an early version.',
      'No hurry, next quarter is fine.',
    ],
    tags: ['feature_request', 'product', 'export'],
  },
  {
    subject: [
      'Move {s} users to the new contract',
      'Set up the {p} at the new site',
      'Renew certificate of the {p}',
    ],
    opening: [
      'Please prepare the {p} for our new site, we open with {s} people.',
      'The certificate of the {p} expires soon.',
    ],
    detail: [
      'Floor plan and serial numbers will follow.',
      'Best done outside office hours.',
      'Our technician can be there from 7 a.m.',
    ],
    tags: ['onboarding', 'maintenance', 'certificate'],
  },
];

export const REPLIES = [
  'Thank you, I can reproduce it here and have passed it on.',
  'Could you send the log of the last hour, please?',
  'It happened again just now, at {s} past the hour.',
  'We rolled back the change; could you try once more?',
  'Works now, many thanks 🎉',
  'Sorry for the wait – a technician calls you tomorrow.',
  'Not solved yet: error {n} is back 😞',
  'I have attached nothing new, only want to know how it stands.',
  'The replacement for the {p} is on its way, reference {n}.',
  'Please ignore my last message, wrong window.',
] as const;

export const INTERNAL_REMARKS = [
  'Looks like the same cause as ticket {n}, keep them together.',
  'Asked engineering; answer expected on Thursday.',
  'Customer sounded annoyed on the telephone, please be quick.',
  'Root cause: the cache in front of the {p}. Fix is in review.',
  'Do not promise a date yet.',
] as const;

/** Contents of real texts that simple test data lacks. */
export const SPECIALS = [
  '\r\n\r\nSteps:\r\n1. open the list\r\n2. sort by date\r\n3. see error',
  '\n\nשלום, המדפסת לא עובדת מאז הבוקר. תודה!',
  '\n\nمرحبا، لا أستطيع تسجيل الدخول منذ أمس.',
  '\n\n🚚📦 → 🏭 (still there)',
  '\n\n<b>Important:</b> <script>alert("no")</script> & "quotes" &amp; entities',
  '\n\nÀ bientôt, grüße, día, søn, žluťoučký kůň – ½ % ±3°',
  '\n\n日本語のメッセージ:プリンターが動きません。',
  '\n\nkey\tvalue\nmode\tfast   \npath\tC:\\temp\\"a b"',
] as const;

export const PMS_TITLES = [
  'Roll out {p} at site {s}', 'Migrate {p} to the new data centre', 'Quarterly review: {p}', 'Replace {p} (batch {n})',
  'Workshop on the {p}', 'Rework onboarding, part {s}', 'Security review of the {p}', 'Train {s} people on the {p}',
] as const; // prettier-ignore

export const PMS_TEXTS = [
  'Goal: have the {p} running for {s} users before the end of the quarter.',
  'Agreed with the customer on the telephone; budget code {n}.',
  'Scope: inventory, plan, pilot, roll-out.\nOut of scope: training.',
  'Depends on the contract that legal is reading now.',
] as const;

export const PROJECT_TAGS = [
  'Rollout',
  'migration',
  'review',
  'Q3',
  'pilot',
  'security',
  'training',
  'budget',
] as const;
