import { generateData } from '../../apps/demo/data';

const data = generateData({ size: 1, seed: 7 });

it('gives the same data for the same seed, and other data for another', () => {
  expect(generateData({ size: 1, seed: 7 })).toEqual(data);
  expect(generateData({ size: 1, seed: 8 })).not.toEqual(data);
});

it('contains the records that size 1 promises', () => {
  expect(data.agents).toHaveLength(6);
  expect(data.zendesk.organizations).toHaveLength(20);
  expect(data.zendesk.tickets).toHaveLength(120);
  expect(data.zendesk.tickets.flatMap(({ comments }) => comments)).toHaveLength(400);
  const { customers, projects, notes } = data.pms;
  expect(customers.length + projects.length + notes.length).toBe(100);
});

it.each([0.05, 0.5, 3])('grows and shrinks with the size (%d) and stays consistent', (size) => {
  const { zendesk, pms, agents, sharedNames } = generateData({ size, seed: 1 });
  expect(zendesk.tickets).toHaveLength(Math.max(6, Math.round(120 * size)));

  const organizations = new Set(zendesk.organizations.map(({ key }) => key));
  const emails = [...agents, ...zendesk.endUsers].map(({ email }) => email);
  expect(new Set(emails).size).toBe(emails.length);
  const agentEmails = new Set(agents.map(({ email }) => email));
  for (const ticket of zendesk.tickets) {
    expect(ticket.organization === null || organizations.has(ticket.organization)).toBe(true);
    expect(emails).toContain(ticket.requester);
    expect(ticket.assignee === null || agentEmails.has(ticket.assignee)).toBe(true);
    for (const { author } of ticket.comments) expect(emails).toContain(author);
  }

  const customers = new Set(pms.customers.map(({ key }) => key));
  const projects = new Set(pms.projects.map(({ key }) => key));
  expect(pms.projects.every(({ customer }) => customer === null || customers.has(customer))).toBe(true);
  expect(pms.notes.every(({ project }) => projects.has(project))).toBe(true);

  const zendeskNames = new Set(zendesk.organizations.map(({ name }) => name));
  const both = pms.customers.map(({ name }) => name).filter((name) => zendeskNames.has(name));
  expect(both).toEqual(sharedNames);
  expect(both).toHaveLength(3);
  for (const names of [zendesk.organizations, pms.customers].map((list) => list.map(({ name }) => name))) {
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
  }
});

it('describes shared organizations differently on both sides', () => {
  for (const name of data.sharedNames) {
    const organization = data.zendesk.organizations.find((each) => each.name === name);
    const customer = data.pms.customers.find((each) => each.name === name);
    expect(customer?.description).not.toBe(organization?.details);
  }
});

it('contains the kinds of text that break naive code', () => {
  const texts = data.zendesk.tickets.flatMap(({ description, comments }) => [
    description,
    ...comments.map(({ body }) => body),
  ]);
  for (const kind of [/\p{Emoji_Presentation}/u, /\p{Script=Hebrew}/u, /\p{Script=Arabic}/u, /\r\n/, /<b>/]) {
    expect(texts.some((text) => kind.test(text))).toBe(true);
  }
  expect(texts.some((text) => text.length > 1_500)).toBe(true);
  expect(texts.every((text) => text.trim() !== '' && text.length < 8_000)).toBe(true);
});

it('gives a due date to tasks only, and an assignee to all but new tickets', () => {
  for (const { type, dueAt, status, assignee } of data.zendesk.tickets) {
    expect(dueAt === null || type === 'task').toBe(true);
    expect(status === 'new').toBe(assignee === null);
  }
  expect(data.zendesk.tickets.some(({ status }) => status === 'closed')).toBe(true);
});
