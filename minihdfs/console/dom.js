// Builds the page. Texts become text nodes, so that no name is ever read as HTML.

/** Makes an element: h('a', {href: '#'}, 'text', child). */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class') element.className = value;
    else if (name in element && typeof value !== 'string') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** Replaces what an element contains. */
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

/** A table. Columns are texts, or {title, kind: 'number' | 'wide'}; a row is an array of cells. */
export function table(columns, rows, empty = 'Nothing here.') {
  if (rows.length === 0) return h('p', { class: 'quiet' }, empty);
  const kinds = columns.map((column) => column.kind);
  const cell = (content, at) =>
    h('td', { class: kinds[at], 'data-title': columns[at].title ?? columns[at] }, content);
  return h(
    'div',
    { class: 'scroll' },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          columns.map((column) =>
            h('th', { scope: 'col', class: column.kind }, column.title ?? column),
          ),
        ),
      ),
      h(
        'tbody',
        {},
        rows.map((row) => h('tr', {}, row.map(cell))),
      ),
    ),
  );
}

/** A short word in a coloured pill: chip('running', 'good'). */
export const chip = (text, tone) => h('span', { class: `chip ${tone ?? ''}` }, text);

/** A bar that is filled to a share from 0 to 1. */
export function bar(share, tone) {
  const filled = h('span', { class: tone ?? '' });
  filled.style.width = `${Math.min(100, Math.max(0, share * 100)).toFixed(1)}%`;
  return h('span', { class: 'bar' }, filled);
}

/** A panel with a title. */
export const panel = (title, ...children) =>
  h('section', { class: 'panel' }, title && h('h2', {}, title), children);

/** Names and values, one below the other. */
export const facts = (pairs) =>
  h(
    'dl',
    {},
    pairs.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
  );

/** Shows a note for a few seconds; errors stay until they are clicked. */
export function note(text, tone = 'good') {
  const shown = h(
    'button',
    { class: `note ${tone}`, type: 'button', title: 'Dismiss', onclick: () => shown.remove() },
    text,
  );
  document.getElementById('notes').append(shown);
  if (tone !== 'bad') setTimeout(() => shown.remove(), 4000);
}

/** Asks before something that cannot be undone. Resolves to whether the answer is yes. */
export function ask(question, yes) {
  return new Promise((resolve) => {
    const answer = (value) => () => {
      dialog.close();
      dialog.remove();
      resolve(value);
    };
    const dialog = h(
      'dialog',
      { oncancel: answer(false) },
      h('p', {}, question),
      h(
        'div',
        { class: 'row' },
        h('button', { type: 'button', class: 'danger', onclick: answer(true) }, yes),
        h('button', { type: 'button', onclick: answer(false) }, 'Cancel'),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes as people read them. */
export function bytes(number) {
  let unit = 0;
  let value = number;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${UNITS[unit]}`;
}

/** A span of seconds as people say it: 9 h 12 min. */
export function span(seconds) {
  const total = Math.abs(Math.trunc(seconds));
  const parts = [
    [86400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const words = [];
  let rest = total;
  for (const [length, name] of parts) {
    const count = Math.floor(rest / length);
    if (count > 0) words.push(`${count} ${name}`);
    rest %= length;
  }
  return words.slice(0, 2).join(' ') || '0 s';
}

/** A moment in milliseconds as UTC, to the second. */
export const moment = (millis) => new Date(millis).toISOString().slice(0, 19).replace('T', ' ');
