// The NameNode's figures, the phases of its start, and its configuration.

import { h, fill, table, chip, bar, panel, facts, bytes } from './dom.js';
import { get, session } from './api.js';

async function beans() {
  const { beans: list } = await get('/jmx', { qry: 'Hadoop:service=NameNode,*' });
  return Object.fromEntries(list.map((bean) => [bean.name.split('name=')[1], bean]));
}

const tile = (name, value, tone) =>
  h('div', { class: `tile ${tone ?? ''}` }, h('span', {}, name), h('strong', {}, value));

const count = (number) => number.toLocaleString('en');

function draw(room, { NameNodeInfo: info, FSNamesystem: system, FSNamesystemState: state }) {
  const used = info.Total > 0 ? info.Used / info.Total : 0;
  const dead = state.NumDeadDataNodes;
  const bad = (number) => (number > 0 ? 'bad' : '');
  fill(
    room,
    h('h1', {}, 'Overview'),
    info.Safemode &&
      h('p', { class: 'banner warn' }, h('strong', {}, 'Safe mode. '), info.Safemode),
    h(
      'div',
      { class: 'tiles' },
      tile('Files and folders', count(info.TotalFiles)),
      tile('Blocks', count(info.TotalBlocks)),
      tile(
        'Live DataNodes',
        `${state.NumLiveDataNodes} of ${state.NumLiveDataNodes + dead}`,
        bad(dead),
      ),
      tile(
        'Under-replicated',
        count(system.UnderReplicatedBlocks),
        system.UnderReplicatedBlocks > 0 ? 'warn' : '',
      ),
      tile('Missing blocks', count(info.NumberOfMissingBlocks), bad(info.NumberOfMissingBlocks)),
      tile('Corrupt blocks', count(system.CorruptBlocks), bad(system.CorruptBlocks)),
    ),
    panel(
      'Capacity',
      bar(used),
      h(
        'p',
        { class: 'legend' },
        `${bytes(info.Used)} used by HDFS, ${bytes(info.NonDfsUsedSpace)} by others, `,
        `${bytes(info.Free)} free of ${bytes(info.Total)}`,
      ),
    ),
    panel(
      'NameNode',
      facts([
        ['State', chip(system['tag.HAState'], 'good')],
        ['Security', session.secure ? chip('Kerberos', 'good') : chip('simple', 'warn')],
        ['RPC address', h('code', {}, session.namenode)],
        ['Block pool', h('code', {}, info.BlockPoolId)],
        ['Last transaction', count(system.LastWrittenTransactionId)],
        ['Open files', count(system.NumFilesUnderConstruction)],
        ['Transfers', count(system.TotalLoad)],
        ['Version', info.Version],
      ]),
    ),
  );
}

export const overview = {
  id: 'overview',
  title: 'Overview',
  async open(room) {
    const refresh = async () => draw(room, await beans());
    await refresh();
    return { refresh };
  },
};

export const startup = {
  id: 'startup',
  title: 'Startup',
  async open(room) {
    const refresh = async () => {
      const progress = await get('/startupProgress');
      const tone = { COMPLETE: 'good', RUNNING: 'warn' };
      fill(
        room,
        h('h1', {}, 'Startup'),
        panel(
          `${Math.round(progress.percentComplete * 100)} % complete`,
          bar(progress.percentComplete),
          table(
            ['Phase', 'State', { title: 'Complete', kind: 'number' }],
            progress.phases.map((phase) => [
              phase.desc,
              chip(phase.status.toLowerCase(), tone[phase.status]),
              `${Math.round(phase.percentComplete * 100)} %`,
            ]),
          ),
        ),
      );
    };
    await refresh();
    return { refresh };
  },
};

export const configuration = {
  id: 'configuration',
  title: 'Configuration',
  async open(room) {
    const { properties } = await get('/conf');
    properties.sort((one, other) => (one.key < other.key ? -1 : 1));
    const list = h('div');
    const draw = () => {
      const wanted = filter.value.trim().toLowerCase();
      const rows = properties.filter(({ key, value }) =>
        `${key} ${value}`.toLowerCase().includes(wanted),
      );
      fill(
        list,
        table(
          ['Key', { title: 'Value', kind: 'wide' }],
          rows.map(({ key, value }) => [h('code', {}, key), value]),
          'No key fits.',
        ),
      );
    };
    const filter = h('input', {
      type: 'search',
      placeholder: 'Filter  /',
      'aria-label': 'Filter',
      oninput: draw,
    });
    fill(room, h('h1', {}, 'Configuration'), h('div', { class: 'row' }, filter), list);
    draw();
  },
};
