// What is made to fail: listed, added, removed.

import { h, fill, table, panel, note } from './dom.js';
import { control, get, onlyAdministrators, session } from './api.js';

/** The kinds of faults: their names, what they need, and the request's action. */
const ALL = [
  [
    'exception',
    'A call fails with an exception',
    ['class', 'message'],
    ({ class: kind, message }) => ({ exception: { class: kind, message } }),
  ],
  ['krb_error', 'The KDC answers with an error', ['code'], ({ code }) => ({ krb_error: code })],
  [
    'delay',
    'A server is slow, by its clock',
    ['server', 'seconds'],
    ({ server, seconds }) => ({ delay: [server, { secs: Math.round(Number(seconds)), nanos: 0 }] }),
  ],
  ['silence', 'A server does not answer', ['server'], ({ server }) => ({ silence: server })],
  [
    'disconnect',
    'A server closes connections',
    ['server'],
    ({ server }) => ({ disconnect: server }),
  ],
  [
    'half_close',
    'A server sends nothing more, but reads',
    ['server'],
    ({ server }) => ({ half_close: server }),
  ],
  [
    'lose_reply',
    'A reply is lost after the work is done',
    ['server'],
    ({ server }) => ({ lose_reply: server }),
  ],
  [
    'corrupt',
    'A DataNode sends corrupt bytes',
    ['datanode'],
    ({ datanode }) => ({ corrupt: Number(datanode) }),
  ],
  [
    'disk_error',
    'The disk of a DataNode fails',
    ['datanode'],
    ({ datanode }) => ({ disk_error: Number(datanode) }),
  ],
];
/** A realm alone has no calls and no DataNodes. */
const SERVERS = session.namenode
  ? ['kdc', 'namenode', 'datanode1', 'datanode2', 'datanode3']
  : ['kdc'];
const KINDS = session.namenode
  ? ALL
  : ALL.filter(([name]) => !['exception', 'corrupt', 'disk_error'].includes(name));
const VALUES = {
  class: 'java.io.IOException',
  message: 'made to fail',
  code: 'KDC_ERR_POLICY',
  seconds: '30',
  datanode: '1',
};

function field(name) {
  const id = `fault-${name}`;
  const label = h('label', { for: id }, name);
  if (name === 'server') {
    return h(
      'span',
      { class: 'field' },
      label,
      h(
        'select',
        { id, name },
        SERVERS.map((server) => h('option', { value: server }, server)),
      ),
    );
  }
  return h(
    'span',
    { class: 'field' },
    label,
    h('input', {
      id,
      name,
      value: VALUES[name],
      size: name === 'class' || name === 'message' ? 26 : 12,
      spellcheck: false,
      required: true,
    }),
  );
}

/** The form that adds a fault. */
function adder(added) {
  const needs = h('div', { class: 'row' });
  const kind = h(
    'select',
    { id: 'fault-kind', name: 'kind', onchange: () => draw() },
    KINDS.map(([name, title]) => h('option', { value: name }, title)),
  );
  const draw = () => fill(needs, KINDS.find(([name]) => name === kind.value)[2].map(field));
  const optional = (name, title, size) =>
    h(
      'span',
      { class: 'field' },
      h('label', { for: `fault-${name}` }, title),
      h('input', { id: `fault-${name}`, name, size, spellcheck: false, autocomplete: 'off' }),
    );
  const submit = async (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.target));
    const [, , , action] = KINDS.find(([name]) => name === given.kind);
    const number = (text) => (text === '' ? null : Number(text));
    try {
      const shown = await control({
        add_fault: {
          action: action(given),
          of: given.of || null,
          method: given.method || null,
          after: number(given.after) ?? 0,
          times: number(given.times),
          probability: number(given.probability),
        },
      });
      note(`Fault ${shown} is there`);
    } catch (error) {
      note(error.message, 'bad');
    }
    await added();
  };
  draw();
  return h(
    'form',
    { onsubmit: submit },
    h(
      'div',
      { class: 'row' },
      h('span', { class: 'field' }, h('label', { for: 'fault-kind' }, 'what'), kind),
    ),
    needs,
    h(
      'div',
      { class: 'row' },
      optional('of', 'only of user', 10),
      session.namenode && optional('method', 'only method', 12),
      optional('after', 'after', 4),
      optional('times', 'times', 4),
      optional('probability', 'probability', 5),
    ),
    h('button', { type: 'submit', class: 'main' }, 'Add the fault'),
  );
}

export const faults = {
  id: 'faults',
  title: 'Faults',
  async open(room) {
    onlyAdministrators();
    const list = h('div');
    const remove = async (number) => {
      try {
        const struck = await control({ remove_fault: number });
        note(`Fault ${number} is gone; it struck ${struck} times`);
      } catch (error) {
        note(error.message, 'bad');
      }
      await refresh();
    };
    const refresh = async () => {
      const found = await get('/console/api/faults');
      const number = (title) => ({ title, kind: 'number' });
      fill(
        list,
        table(
          [
            number('No.'),
            { title: 'Fault', kind: 'wide' },
            number('Struck'),
            { title: '', kind: 'end' },
          ],
          found.map((one) => [
            one.number,
            h('code', {}, one.fault),
            one.struck,
            h(
              'button',
              {
                type: 'button',
                class: 'small danger',
                'aria-label': `Remove fault ${one.number}`,
                onclick: () => remove(one.number),
              },
              'Remove',
            ),
          ]),
          'Nothing is made to fail from outside. Faults of the test itself are not listed.',
        ),
      );
    };
    await refresh();
    fill(room, h('h1', {}, 'Faults'), list, panel('Add a fault', adder(refresh)));
    return { refresh };
  },
};
