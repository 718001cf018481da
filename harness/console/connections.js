// The open connections, and the servers, which can be stopped and started.

import { h, fill, table, chip, note, ask } from './dom.js';
import { control, get, onlyAdministrators, session } from './api.js';

const TONES = { 'auth-conf': 'good', 'auth-conf, AES': 'good', TLS: 'good', 'auth-int': 'warn' };

export const connections = {
  id: 'connections',
  title: 'Connections',
  async open(room) {
    onlyAdministrators();
    let list = [];
    const found = h('div');
    const draw = () => {
      const wanted = filter.value.trim().toLowerCase();
      const shown = list.filter((one) =>
        Object.values(one).join(' ').toLowerCase().includes(wanted),
      );
      fill(
        found,
        table(
          ['Server', 'User', 'Protection', 'From'],
          shown.map((one) => [
            one.server,
            one.user
              ? h('strong', { class: 'cut', title: one.user }, one.user)
              : h('span', { class: 'quiet' }, 'not identified'),
            one.protection
              ? chip(one.protection, TONES[one.protection])
              : h('span', { class: 'quiet' }, 'none'),
            h('code', {}, one.peer ?? ''),
          ]),
          'No connection is open.',
        ),
      );
    };
    const filter = h('input', {
      type: 'search',
      placeholder: 'Filter  /',
      'aria-label': 'Filter',
      oninput: draw,
    });
    const refresh = async () => {
      list = await get('/console/api/connections');
      draw();
    };
    await refresh();
    fill(room, h('h1', {}, 'Connections'), h('div', { class: 'row' }, filter), found);
    return { refresh };
  },
};

/** The server that answers this page. */
const [HOST, HOST_NAME] = session.namenode ? ['namenode', 'NameNode'] : ['console', 'console'];
const STATES = { running: 'good', paused: 'warn', stopped: 'bad' };

export const servers = {
  id: 'servers',
  title: 'Servers',
  async open(room) {
    onlyAdministrators();
    const list = h('div');
    const change = async (name, what) => {
      try {
        await control({ change_node: { name, change: what } });
        note(`${name}: ${what} is done`);
      } catch (error) {
        // A server that starts again closes the connection of its console.
        if (error.status !== 0) note(error.message, 'bad');
      }
      await refresh().catch(() => {});
    };
    const button = (name, what, title) =>
      h(
        'button',
        {
          type: 'button',
          class: 'small',
          'data-change': `${name} ${what}`,
          onclick: () => change(name, what),
        },
        title,
      );
    const buttons = ({ node, state }) => {
      if (node === HOST) {
        // Paused or stopped it would not answer the console either.
        return h(
          'button',
          {
            type: 'button',
            class: 'small',
            'data-change': `${node} restart`,
            onclick: async () => {
              if (
                await ask(`Restart the ${HOST_NAME}? The page goes on once it serves.`, 'Restart')
              )
                change(node, 'restart');
            },
          },
          'Restart',
        );
      }
      if (state === 'running')
        return [
          button(node, 'pause', 'Pause'),
          button(node, 'stop', 'Stop'),
          button(node, 'kill', 'Kill'),
        ];
      return state === 'paused'
        ? button(node, 'resume', 'Resume')
        : button(node, 'restart', 'Start');
    };
    const refresh = async () => {
      const nodes = await get('/console/api/nodes');
      fill(
        list,
        table(
          ['Server', 'State', 'Address', { title: '', kind: 'end buttons' }],
          nodes.map((node) => [
            h('strong', {}, node.node),
            chip(node.state, STATES[node.state]),
            h('code', {}, node.address),
            buttons(node),
          ]),
        ),
      );
    };
    await refresh();
    fill(room, h('h1', {}, 'Servers'), list);
    return { refresh };
  },
};
