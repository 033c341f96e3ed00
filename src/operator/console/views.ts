import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { pairNamed } from '../findPairs';
import type { ConsoleContext } from './consoleContext';
import { send, type Viewer } from './layout';
import { messagePage } from './pages/loginPage';
import { loadOverview, overviewPage } from './pages/overviewPage';
import { historyPage, loadHistory } from './pages/historyPage';
import { loadPair, pairPage } from './pages/pairPage';
import { conflictsPage, loadPairs, pairsPage, quarantinePage } from './pages/pairsPage';
import { loadSchedules, schedulesPage } from './pages/schedulesPage';
import { loadUndo, undoPage } from './pages/undoPage';

/** The text that a page shows after an action, by the action's name in the page's address. */
export const DONE = {
  resolve: 'Your decision was carried out. The pair has this state now.',
  resync: 'Both records were read again. The pair has this state now.',
  retry: 'The sync tried again. The pair has this state now.',
  pause: 'Paused.',
  resume: 'Resumed.',
} as const;

const doneSchema = z.object({ done: z.enum(['resolve', 'resync', 'retry', 'pause', 'resume']) });

function noticeIn(query: unknown): string | null {
  const found = doneSchema.safeParse(query);
  return found.success ? DONE[found.data.done] : null;
}

/** The pages of the console. The user is known at this point. */
export function pages(app: FastifyInstance, context: ConsoleContext): void {
  const { root } = context;
  app.get(root, async (request, reply) =>
    send(reply, overviewPage(await loadOverview(context), context), request.viewer),
  );
  app.get(`${root}/pairs`, async (request, reply) =>
    send(reply, pairsPage(await loadPairs(context, request.query), context), request.viewer),
  );
  app.get(`${root}/conflicts`, async (request, reply) =>
    send(
      reply,
      conflictsPage(await loadPairs(context, request.query, { status: 'conflict' }), context),
      request.viewer,
    ),
  );
  app.get(`${root}/quarantine`, async (request, reply) => {
    const list = await loadPairs(context, request.query, { status: 'quarantined' });
    return send(reply, quarantinePage(list, viewerOf(request), context), request.viewer);
  });
  app.get(`${root}/history`, async (request, reply) =>
    send(reply, historyPage(await loadHistory(context, request.query), context), request.viewer),
  );
  app.get(`${root}/undo`, async (request, reply) => {
    const view = await loadUndo(context, request.query);
    return send(reply, undoPage(view, viewerOf(request), root), request.viewer);
  });
  app.get(`${root}/pair`, async (request, reply) => {
    const { key: text } = z.object({ key: z.string() }).catch({ key: '' }).parse(request.query);
    const { store } = await context.database();
    const key = await pairNamed({ store, mapping: context.mapping() }, text);
    const view = await loadPair(context, key);
    if (!view) {
      const why = `${key}: no link; the record was not seen yet, or is out of scope`;
      const back = { url: `${root}/pairs`, name: 'Pairs' };
      return send(reply.code(404), messagePage('No such pair', why, back), request.viewer);
    }
    const page = pairPage({ ...view, notice: noticeIn(request.query) }, viewerOf(request), context);
    return send(reply, page, request.viewer);
  });
  app.get(`${root}/schedules`, async (request, reply) => {
    const view = await loadSchedules(context);
    const page = schedulesPage(
      { ...view, notice: noticeIn(request.query) },
      viewerOf(request),
      context.links,
    );
    return send(reply, page, request.viewer);
  });
}

/** @throws Error without a session; the server checks this before */
export function viewerOf({ viewer }: FastifyRequest): Viewer {
  if (!viewer) throw new Error('a page was requested without a session');
  return viewer;
}
