// The fixture's clock: shown in the head of every view, moved by administrators.

import { h, fill, panel, facts, table, chip, note, span, moment } from './dom.js';
import { get, control, session } from './api.js';

const STEPS = [
  ['1 min', 60],
  ['1 h', 3600],
  ['1 day', 86400],
  ['7 days', 604800],
];

/** The clock as the server last told it, and when that was. */
const known = { time: 0, frozen: false, offset: 0, at: 0 };
const watchers = new Set();

function learn(told) {
  Object.assign(known, {
    time: Date.parse(told.time),
    frozen: told.frozen,
    offset: told.offset_seconds,
    at: performance.now(),
  });
  watchers.forEach((watch) => watch());
}

/** The fixture's time in milliseconds. */
export const now = () => (known.frozen ? known.time : known.time + performance.now() - known.at);

/** Asks for the clock again. */
export const look = async () => learn(await get('/console/api/clock'));

/** Moves the clock, and says what came of it. */
export async function move(request, done) {
  try {
    const told = await control({ clock: request });
    learn(told);
    const fired = told.timers.length;
    note(fired > 0 ? `${done}; ${fired} timer${fired === 1 ? '' : 's'} fired` : done);
    return told;
  } catch (error) {
    note(error.message, 'bad');
    return null;
  }
}

export const advance = (seconds, done = `The clock is ${span(seconds)} further`) =>
  move({ advance: { secs: seconds, nanos: 0 } }, done);

const toggle = () =>
  known.frozen ? move('resume', 'The clock runs') : move('freeze', 'The clock stands still');

function offset() {
  if (known.offset === 0) return 'real time';
  return `${span(known.offset)} ${known.offset > 0 ? 'ahead' : 'behind'}`;
}

/** Draws the clock into the head, and keeps it. */
export function strip(tools) {
  const time = h('time', { class: 'time' });
  const mark = h('small', {});
  const freeze = h('button', { type: 'button', class: 'small', id: 'freeze', onclick: toggle });
  const by = (text, seconds) =>
    h('button', { type: 'button', class: 'small', onclick: () => advance(seconds) }, `+${text}`);
  const draw = () => {
    time.textContent = moment(now());
    time.dateTime = new Date(now()).toISOString();
    mark.textContent = known.frozen ? `frozen, ${offset()}` : offset();
    freeze.textContent = known.frozen ? 'Resume' : 'Freeze';
    tools.classList.toggle('frozen', known.frozen);
  };
  fill(
    tools,
    h(
      'div',
      { class: 'strip', title: "The fixture's clock, UTC" },
      h('a', { href: '#/clock', 'aria-label': 'Clock' }, time),
      mark,
      session.administrator &&
        h('span', { class: 'buttons' }, by('1 min', 60), by('1 h', 3600), by('1 d', 86400), freeze),
    ),
  );
  watchers.add(draw);
  const tick = async () => {
    if (!document.hidden) await look().catch(() => {});
    setTimeout(tick, 2000);
  };
  tick();
  setInterval(() => {
    if (!known.frozen && known.at > 0) draw();
  }, 250);
}

function mover(fired) {
  const amount = h('input', {
    name: 'amount',
    value: '10',
    size: 5,
    inputmode: 'decimal',
    'aria-label': 'Amount',
  });
  const unit = h(
    'select',
    { name: 'unit', 'aria-label': 'Unit' },
    [
      ['seconds', 1],
      ['minutes', 60],
      ['hours', 3600],
      ['days', 86400],
    ].map(([name, value]) => h('option', { value: String(value), selected: value === 3600 }, name)),
  );
  const show = (told) =>
    told &&
    fill(
      fired,
      table(
        ['Timers that fired on the way'],
        told.timers.map((timer) => [timer]),
        'No timer fired on the way.',
      ),
    );
  const go = async (event) => {
    event.preventDefault();
    const seconds = Math.round(Number(amount.value) * Number(unit.value));
    if (!(seconds > 0)) {
      note('Write a number above 0', 'bad');
      return;
    }
    show(await advance(seconds));
  };
  const to = h('input', {
    type: 'datetime-local',
    name: 'to',
    step: '1',
    value: new Date(now()).toISOString().slice(0, 19),
    'aria-label': 'Time to jump to, UTC',
  });
  const jump = async (event) => {
    event.preventDefault();
    const target = Date.parse(`${to.value}Z`);
    if (Number.isNaN(target)) {
      note('Write a date and a time', 'bad');
      return;
    }
    show(await move({ jump: target * 1000 }, `The clock shows ${moment(target)}`));
  };
  return [
    panel(
      'Advance',
      h(
        'p',
        { class: 'quiet' },
        'Time passes as if nothing were asked meanwhile: timers fire in their order.',
      ),
      h(
        'div',
        { class: 'row' },
        STEPS.map(([text, seconds]) =>
          h(
            'button',
            { type: 'button', onclick: async () => show(await advance(seconds)) },
            `+${text}`,
          ),
        ),
      ),
      h(
        'form',
        { class: 'row', onsubmit: go },
        amount,
        unit,
        h('button', { type: 'submit', class: 'main' }, 'Advance'),
      ),
    ),
    panel(
      'Jump',
      h(
        'p',
        { class: 'quiet' },
        'The clock is set at once, also backward, like a step of NTP or a laptop that wakes up.',
      ),
      h(
        'form',
        { class: 'row', onsubmit: jump },
        to,
        h('span', {}, 'UTC'),
        h('button', { type: 'submit' }, 'Jump'),
      ),
    ),
  ];
}

export const clock = {
  id: 'clock',
  title: 'Clock',
  async open(room) {
    await look();
    const big = h('p', { class: 'big' });
    const rest = h('div');
    const draw = () => {
      big.textContent = moment(now());
      fill(
        rest,
        facts([
          ['State', known.frozen ? chip('frozen', 'warn') : chip('running', 'good')],
          ['Against real time', offset()],
          ['Real time', `${moment(Date.now())} UTC`],
        ]),
      );
    };
    draw();
    watchers.add(draw);
    const ticking = setInterval(() => {
      if (!known.frozen) draw();
    }, 250);
    const fired = h('div');
    fill(
      room,
      h('h1', {}, 'Clock'),
      panel(
        null,
        big,
        rest,
        session.administrator &&
          h('p', {}, h('button', { type: 'button', onclick: toggle }, 'Freeze or resume')),
      ),
      session.administrator
        ? mover(fired)
        : h('p', { class: 'quiet' }, 'Only administrators move the clock.'),
      fired,
    );
    return {
      close: () => {
        watchers.delete(draw);
        clearInterval(ticking);
      },
    };
  },
};
