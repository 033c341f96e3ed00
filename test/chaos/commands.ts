import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import {
  CUSTOM_FIELD_NAMES,
  SIDES,
  WEATHERS,
  WEATHER_NAMES,
  editable,
  type RandomPeople,
  type PostedComment,
  type Side,
  type Thing,
  type Weather,
} from 'testkit';
import { PROCESSES, type ProcessName, type World } from './world';

/** The possible events of an episode, as commands that fast-check chooses, prints and shrinks. */

/** The number of records of each kind, which decides whether a command is possible. */
export interface Model {
  org: number;
  ticket: number;
  comment: number;
}

export interface Real {
  world: World;
  people: RandomPeople;
}

type Command = fc.AsyncCommand<Model, Real>;

/** A command with its name, the record kind that it needs, the kind that it creates, and its action. */
function command(
  name: string,
  parts: { needs?: keyof Model; makes?: keyof Model; run: (real: Real) => void | Promise<void> },
): Command {
  const { needs, makes } = parts;
  return {
    check: (model) => needs === undefined || model[needs] > 0,
    async run(model, real) {
      await parts.run(real);
      const { things, talk } = real.people;
      // A system may have refused the action.
      if (makes) model[makes] = makes === 'comment' ? talk.comments.length : things[makes].length;
    },
    toString: () => name,
  };
}

const side = fc.constantFrom(...SIDES);
const index = fc.nat(19);
const thing = (people: RandomPeople, kind: Thing['kind'], n: number): Thing => {
  const { [kind]: all } = people.things;
  const found = all[n % Math.max(1, all.length)];
  if (!found) throw new Error(`no ${kind} to act on`);
  return found;
};
const commentAt = (people: RandomPeople, n: number): PostedComment | undefined =>
  people.talk.comments[n % Math.max(1, people.talk.comments.length)];

const createOrg = side.map((on) =>
  command(`createOrg(${on})`, { makes: 'org', run: ({ people }) => people.createOrg(on) }),
);
const createTwins = fc.constant(
  command('createTwins', { makes: 'org', run: ({ people }) => people.createTwins() }),
);
/** One in five begins with an internal comment. */
const createTicket = fc.tuple(side, index, fc.nat(4)).map(([on, n, shown]) =>
  command(`createTicket(${on},${n}${shown === 0 ? ',internal' : ''})`, {
    makes: 'ticket',
    run: ({ people }) => {
      const org = n < 5 || people.things.org.length === 0 ? undefined : thing(people, 'org', n);
      people.createTicket(on, org, shown > 0);
    },
  }),
);
const edit = fc
  .tuple(side, index, fc.constantFrom<Thing['kind']>('org', 'ticket', 'ticket'), index)
  .map(([on, n, kind, p]) =>
    command(`edit(${on},${kind} ${n},${p})`, {
      needs: kind,
      run: ({ people }) => {
        const options = editable(kind, on);
        people.edit(thing(people, kind, n), on, options[p % options.length] ?? 'tags');
      },
    }),
  );
/** Two people edit the same property at the same moment. */
const clash = fc.tuple(index, fc.constantFrom<Thing['kind']>('org', 'ticket'), index).map(([n, kind, p]) =>
  command(`clash(${kind} ${n},${p})`, {
    needs: kind,
    run: ({ people }) => {
      const options = editable(kind, 'zendesk');
      const property = options[p % options.length] ?? 'tags';
      for (const on of SIDES) people.edit(thing(people, kind, n), on, property);
    },
  }),
);
const burst = fc.tuple(side, index).map(([on, n]) =>
  command(`burst(${on},ticket ${n})`, {
    needs: 'ticket',
    run: async ({ people }) => {
      for (let i = 0; i < 8; i += 1) {
        people.edit(thing(people, 'ticket', n), on, i % 2 ? 'title' : 'tags');
        await sleep(40);
      }
    },
  }),
);
const choose = fc
  .tuple(side, index, fc.constantFrom('status', 'priority', 'clearDue'), index)
  .map(([on, n, what, pick]) =>
    command(`choose(${on},ticket ${n},${what},${pick})`, {
      needs: 'ticket',
      run: ({ people }) => people.choose(thing(people, 'ticket', n), on, what, pick),
    }),
  );
const move = fc.tuple(side, index, index).map(([on, n, to]) =>
  command(`move(${on},ticket ${n},org ${to})`, {
    needs: 'ticket',
    run: ({ people }) => {
      if (people.things.org.length > 0) people.move(thing(people, 'ticket', n), on, thing(people, 'org', to));
    },
  }),
);
const addComment = fc.tuple(side, index, fc.boolean()).map(([on, n, shown]) =>
  command(`comment(${on},ticket ${n},${shown ? 'public' : 'internal'})`, {
    needs: 'ticket',
    makes: 'comment',
    run: ({ people }) => people.comment(thing(people, 'ticket', n), on, shown),
  }),
);
const commentWithFile = fc.tuple(index, fc.boolean()).map(([n, shown]) =>
  command(`commentWithFile(ticket ${n},${shown ? 'public' : 'internal'})`, {
    needs: 'ticket',
    makes: 'comment',
    run: ({ people }) => people.commentWithFile(thing(people, 'ticket', n), shown),
  }),
);
const fill = fc
  .tuple(side, index, fc.constantFrom('severity', 'escalated', 'components'), index)
  .map(([on, n, field, pick]) =>
    command(`fill(${on},ticket ${n},${field},${pick})`, {
      needs: 'ticket',
      run: ({ people }) => people.fill(thing(people, 'ticket', n), on, field, pick),
    }),
  );
const tagOption = fc.tuple(index, fc.constantFrom('s2', 's3', 'escalated', 'api')).map(([n, tag]) =>
  command(`tagOption(ticket ${n},${tag})`, {
    needs: 'ticket',
    run: ({ people }) => people.tagOption(thing(people, 'ticket', n), tag),
  }),
);
const assign = fc.tuple(side, index, fc.nat(3)).map(([on, n, pick]) =>
  command(`assign(${on},ticket ${n},${pick})`, {
    needs: 'ticket',
    run: ({ people }) => people.assign(thing(people, 'ticket', n), on, pick),
  }),
);
const field = fc.constantFrom(...CUSTOM_FIELD_NAMES);
const administer = fc
  .tuple(fc.constantFrom('toggle', 'toggle', 'replace', 'rename'), field)
  .map(([what, name]) =>
    command(`administer(${what}${what === 'rename' ? '' : ` ${name}`})`, {
      run: ({ people }) => people.administer(what, name),
    }),
  );
const changePeople = fc.tuple(fc.constantFrom('role', 'membership'), index).map(([what, n]) =>
  command(`changePeople(${what},${n})`, {
    needs: 'org',
    run: ({ people }) => people.changePeople(what, thing(people, 'org', n)),
  }),
);
/** Actions of people on an existing comment or note. */
const onComment = (name: string, run: (people: RandomPeople, comment: PostedComment) => void) =>
  index.map((n) =>
    command(`${name}(${n})`, {
      needs: 'comment',
      run: ({ people }) => {
        const found = commentAt(people, n);
        if (found) run(people, found);
      },
    }),
  );
const redact = onComment('redact', ({ talk }, comment) => talk.redact(comment));
const redactFile = onComment('redactFile', ({ talk }, comment) => talk.redactFile(comment));
const hide = onComment('hide', ({ talk }, comment) => talk.hide(comment));
const editNote = onComment('editNote', ({ talk }, comment) => talk.editNote(comment, false));
const editAndHide = onComment('editAndHide', ({ talk }, comment) => talk.editNote(comment, true));
const kindOfThing = fc.constantFrom<Thing['kind']>('ticket', 'ticket', 'org');
const remove = fc.tuple(side, index, kindOfThing).map(([on, n, kind]) =>
  command(`remove(${on},${kind} ${n})`, {
    needs: kind,
    run: ({ people }) => people.remove(thing(people, kind, n), on),
  }),
);
const restore = fc.tuple(side, index, kindOfThing).map(([on, n, kind]) =>
  command(`restore(${on},${kind} ${n})`, {
    needs: kind,
    run: ({ people }) => people.restore(thing(people, kind, n), on),
  }),
);
const destroy = index.map((n) =>
  command(`destroy(ticket ${n})`, {
    needs: 'ticket',
    run: ({ people }) => people.destroy(thing(people, 'ticket', n)),
  }),
);
const merge = fc.tuple(index, index, kindOfThing).map(([loser, winner, kind]) =>
  command(`merge(${kind} ${loser} into ${winner})`, {
    needs: kind,
    run: ({ people }) => people.merge(thing(people, kind, loser), thing(people, kind, winner)),
  }),
);
const close = index.map((n) =>
  command(`close(ticket ${n})`, {
    needs: 'ticket',
    run: ({ people }) => people.close(thing(people, 'ticket', n)),
  }),
);
const weather = fc
  .tuple(side, fc.uniqueArray(fc.constantFrom<Weather>(...WEATHER_NAMES), { minLength: 1, maxLength: 3 }))
  .map(([on, names]: [Side, Weather[]]) =>
    command(`weather(${on},${names.join('+')})`, {
      run: ({ world }) =>
        world.setFaults(
          on,
          names.flatMap((name) => WEATHERS[name]),
        ),
    }),
  );
const kill = fc
  .constantFrom<ProcessName>('worker', 'worker', ...PROCESSES)
  .map((name) => command(`kill(${name})`, { run: ({ world }) => world.kill(name) }));
const stepDown = fc
  .integer({ min: 5, max: 60 })
  .map((every) => command(`stepDown(every ${every})`, { run: ({ world }) => world.stepDown(every) }));
const freeze = fc
  .tuple(fc.nat(3), fc.constantFrom(5_000, 20_000, 40_000))
  .map(([n, ms]) => command(`freeze(worker ${n},${ms})`, { run: ({ world }) => world.freeze(n, ms) }));
const wait = fc.integer({ min: 50, max: 2_000 }).map((ms) =>
  command(`wait(${ms})`, {
    run: async () => {
      await sleep(ms);
    },
  }),
);

const WEIGHTED: [number, fc.Arbitrary<Command>][] = [
  [3, createOrg],
  [1, createTwins],
  [6, createTicket],
  [12, edit],
  [4, clash],
  [1, burst],
  [4, choose],
  [2, move],
  [6, addComment],
  [1, redact],
  [1, commentWithFile],
  [0.7, redactFile],
  [1.5, hide],
  [2, editNote],
  [1, editAndHide],
  [5, fill],
  [1, tagOption],
  [3, assign],
  [2, administer],
  [1, changePeople],
  [2, remove],
  [3, restore],
  [0.3, destroy],
  [0.7, merge],
  [0.7, close],
  [5, weather],
  [1.5, kill],
  [0.7, stepDown],
  [0.5, freeze],
  [10, wait],
];

export function episodes(maxCommands: number): fc.Arbitrary<Iterable<Command>> {
  const all = WEIGHTED.flatMap(([weight, arbitrary]) =>
    Array.from({ length: Math.round(weight * 10) }, () => arbitrary),
  );
  return fc.commands(all, { maxCommands, size: 'max' });
}
