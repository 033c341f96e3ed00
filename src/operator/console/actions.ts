import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { answerOf } from '../answer';
import type { OperatorContext } from '../operatorContext';
import { decide, type Choice } from '../decide';
import { BadInput } from '../operatorErrors';
import { pairNamed } from '../findPairs';
import { setPaused } from '../pauseSchedule';
import { expectCanBeDone, expectSelecting, planUndo } from '../undo';
import { storeUndo, startUndo } from '../undoRun';
import { ENTITY_TYPES } from '../../sync/record';
import { pauseOrResume } from '../../workers/pauseControl';
import { pairCommands } from '../../workers/pairSignals';
import type { ConsoleContext } from './consoleContext';
import { pairUrl } from './layout';
import { criteriaIn, filterOf, outcomeUrl } from './pages/undoPage';
import { viewerOf, type DONE } from './views';

/** The longest wait for a pair's answer, in seconds. */
const WAIT_SECONDS = 20;

const resolveSchema = z.union([
  z.object({ key: z.string(), row: z.string().min(1), choose: z.enum(['zendesk', 'pms']) }),
  z.object({ key: z.string(), row: z.string().min(1), choose: z.literal('merged'), value: z.string() }),
  z.object({ key: z.string(), counterpart: z.string().min(1) }),
]);
const resyncSchema = z.object({ key: z.string(), what: z.enum(['resync', 'retry']) });
const steerWords = z.enum(['pause', 'resume']);
const scheduleSchema = z.object({
  id: z.string(),
  what: steerWords,
  why: z.string().trim().max(200).default(''),
});
/** `until`: the time of the plan that a person confirms. */
const undoSchema = z.object({
  until: z.string().datetime(),
  confirm: z.literal('yes'),
  hold: z.literal('yes').optional(),
});
const resumeSchema = z.object({ id: z.string().min(1).max(60) });
const entitySchema = z.object({ scope: z.enum(ENTITY_TYPES), what: steerWords });

/**
 * The actions of the console. They call the same functions as the commands. The user is known, and the form is ours.
 */
export function actions(app: FastifyInstance, context: ConsoleContext): void {
  const { client, taskQueue, pairPrefix, root, log } = context;
  const operator = async (): Promise<OperatorContext> => {
    const { store } = await context.database();
    const mapping = context.mapping();
    const commands = pairCommands(client, taskQueue, mapping, pairPrefix);
    return { store, mapping, client, commands, pairPrefix };
  };

  app.post(`${root}/pair/resolve`, async (request, reply) => {
    const form = read(resolveSchema, request.body);
    const { user } = viewerOf(request).session;
    const service = await operator();
    const key = await pairNamed(service, form.key);
    log.info({ user, pair: key, ...('row' in form && { row: form.row }) }, 'console: resolve');
    await decide(service, key, choiceOf(form), { wait: WAIT_SECONDS, valueName: 'value', by: user });
    return reply.redirect(done(pairUrl(root, key), 'resolve'), 303);
  });

  app.post(`${root}/pair/resync`, async (request, reply) => {
    const form = read(resyncSchema, request.body);
    const service = await operator();
    const key = await pairNamed(service, form.key);
    log.info({ user: viewerOf(request).session.user, pair: key }, `console: ${form.what}`);
    await answerOf(client, WAIT_SECONDS, () => service.commands.resync(key));
    return reply.redirect(done(pairUrl(root, key), form.what), 303);
  });

  app.post(`${root}/schedules`, async (request, reply) => {
    const { id, what, why } = read(scheduleSchema, request.body);
    const { user } = viewerOf(request).session;
    log.info({ user, schedule: id }, `console: ${what}`);
    const found = await setPaused(context, { id, paused: what === 'pause', why, who: user });
    if (!found) throw new BadInput(`"${id}" is no Schedule of this service`);
    return reply.redirect(done(`${root}/schedules`, what), 303);
  });

  app.post(`${root}/entities`, async (request, reply) => {
    const { scope, what } = read(entitySchema, request.body);
    log.info({ user: viewerOf(request).session.user, scope }, `console: ${what}`);
    await answerOf(client, WAIT_SECONDS, () => pauseOrResume(client, taskQueue, what, scope));
    return reply.redirect(done(`${root}/schedules`, what), 303);
  });
  undoActions(app, context);
}

/** Undo: starts the plan that was shown, when a person confirms it. */
function undoActions(app: FastifyInstance, context: ConsoleContext): void {
  const { client, taskQueue, root, log } = context;
  const begin = (id: string) =>
    client.withDeadline(Date.now() + WAIT_SECONDS * 1_000, () => startUndo({ client, taskQueue }, id));

  app.post(`${root}/undo`, async (request, reply) => {
    const { until, hold } = read(undoSchema, request.body);
    const { store } = await context.database();
    const chosen = await filterOf(context, criteriaIn(request.body));
    expectSelecting(chosen, 'a time, a cause, a property or a pair');
    const now = new Date(context.now()).toISOString();
    const filter = { ...chosen, until: until < now ? until : now };
    expectCanBeDone(await planUndo(store, context.mapping(), filter), hold === 'yes');
    const id = await storeUndo(store, filter, hold === 'yes', new Date(now));
    log.info({ user: viewerOf(request).session.user, undo: id }, 'console: undo');
    await begin(id);
    return reply.redirect(outcomeUrl(root, id), 303);
  });

  app.post(`${root}/undo/resume`, async (request, reply) => {
    const { id } = read(resumeSchema, request.body);
    const { store } = await context.database();
    if (!(await store.undos.get(id))) throw new BadInput(`found "${id}", which is no undo`);
    log.info({ user: viewerOf(request).session.user, undo: id }, 'console: go on with an undo');
    await begin(id);
    return reply.redirect(outcomeUrl(root, id), 303);
  });
}

function choiceOf(form: z.output<typeof resolveSchema>): Choice {
  if ('counterpart' in form) return { counterpart: form.counterpart };
  return form.choose === 'merged'
    ? { row: form.row, value: form.value }
    : { row: form.row, choice: form.choose };
}

/** @throws BadInput if the form is not one of ours */
function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const form = schema.safeParse(body);
  if (form.success) return form.data;
  const fields = [...new Set(form.error.issues.map(({ path }) => path.join('.')))].filter((it) => it !== '');
  throw new BadInput(`the form is not one of the console's (${fields.join(', ') || 'its fields'})`);
}

function done(url: string, what: keyof typeof DONE): string {
  return `${url}${url.includes('?') ? '&' : '?'}done=${what}`;
}
