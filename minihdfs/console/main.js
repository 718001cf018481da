// The frame: who looks, the views, and which one is shown.

import { h, fill, note } from './dom.js';
import { open, session, state, stated } from './api.js';

const PERIOD = 2000;
const main = document.getElementById('view');
const groups = [];

let shown = null;
let turn = 0;

const all = () => groups.flatMap((group) => group.views);

function drawNav(current) {
  fill(
    document.getElementById('nav'),
    groups.map((group) => [
      h('h2', {}, group.title),
      h(
        'ul',
        {},
        group.views.map((view) =>
          h(
            'li',
            {},
            h(
              'a',
              { href: `#/${view.id}`, 'aria-current': view === current ? 'page' : undefined },
              view.title,
            ),
          ),
        ),
      ),
    ]),
  );
  const link = document.querySelector('nav [aria-current]');
  link?.scrollIntoView({ block: 'nearest', inline: 'center' });
}

function complain(error) {
  fill(
    main,
    h(
      'section',
      { class: 'panel' },
      h('h2', {}, error.status === 403 ? 'Not allowed' : 'This did not work'),
      h('p', {}, error.message),
      error.status === 403 &&
        h(
          'p',
          { class: 'quiet' },
          `You are ${session.user}. `,
          `These views are for administrators: ${session.administrators}.`,
        ),
    ),
  );
}

async function show() {
  const own = (turn += 1);
  const [, id, rest] = /^#\/([^/]*)(.*)$/.exec(location.hash) ?? [];
  const view = all().find((known) => known.id === id) ?? all()[0];
  shown?.close?.();
  shown = null;
  delete main.dataset.ready;
  document.title = `${view.title} · Kerbox`;
  drawNav(view);
  const room = h('div', { class: 'view' });
  let opened = {};
  try {
    opened = (await view.open(room, rest ?? '')) ?? {};
    if (own !== turn) {
      opened.close?.();
      return;
    }
    fill(main, room);
  } catch (error) {
    if (own !== turn) return;
    complain(error);
    // Tries again while the server is down.
    if (error.status === 0) opened = { refresh: show };
  }
  shown = opened;
  main.dataset.ready = view.id;
}

async function refresh() {
  const own = turn;
  const current = shown;
  try {
    if (!document.hidden && current?.refresh) await current.refresh();
    document.body.classList.remove('lost');
  } catch (error) {
    if (own === turn && error.status === 0) document.body.classList.add('lost');
  }
  setTimeout(refresh, PERIOD);
}

function drawWho() {
  const who = document.getElementById('who');
  const rank = session.administrator ? 'administrator' : 'user';
  if (session.secure) {
    fill(who, h('span', { class: 'user', title: `${rank}, by a ticket` }, session.user));
    return;
  }
  const name = h('input', {
    id: 'name',
    value: stated() || session.user,
    size: 9,
    'aria-label': 'User name',
    spellcheck: false,
    autocomplete: 'off',
  });
  fill(
    who,
    h(
      'form',
      {
        title: `${rank}; simple security believes the name`,
        onsubmit: (event) => {
          event.preventDefault();
          state(name.value.trim());
        },
      },
      h('label', { for: 'name' }, 'as'),
      name,
    ),
  );
}

function keys(event) {
  if (event.key !== '/' || event.ctrlKey || event.metaKey) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName)) return;
  const filter = main.querySelector('input[type=search]');
  if (filter) {
    event.preventDefault();
    filter.focus();
  }
}

async function start() {
  try {
    await open();
    document.getElementById('place').textContent = session.namenode ?? session.realm;
    drawWho();
    for (const name of session.modules) {
      const module = await import(`./${name}`);
      groups.push(...module.groups);
      module.start?.(document.getElementById('tools'));
    }
  } catch (error) {
    complain(error);
    main.dataset.ready = 'refused';
    return;
  }
  addEventListener('hashchange', show);
  addEventListener('keydown', keys);
  await show();
  setTimeout(refresh, PERIOD);
}

addEventListener('unhandledrejection', (event) =>
  note(event.reason?.message ?? String(event.reason), 'bad'),
);
start();
