// The DataNodes.

import { h, fill, table, chip, bar, bytes, span } from './dom.js';
import { get } from './api.js';

function rows(nodes, isAlive) {
  return Object.entries(nodes).map(([name, node]) => [
    h('strong', {}, name),
    chip(isAlive ? 'live' : 'dead', isAlive ? 'good' : 'bad'),
    node.adminState,
    node.location,
    `${span(node.lastContact)} ago`,
    isAlive
      ? h(
          'span',
          { class: 'stack' },
          bar(node.capacity > 0 ? node.used / node.capacity : 0),
          h('small', {}, `${bytes(node.used)} of ${bytes(node.capacity)}`),
        )
      : '–',
    isAlive ? node.numBlocks.toLocaleString('en') : '–',
    h('code', {}, node.xferaddr),
  ]);
}

export const datanodes = {
  id: 'datanodes',
  title: 'DataNodes',
  async open(room) {
    const refresh = async () => {
      const {
        beans: [info],
      } = await get('/jmx', { qry: 'Hadoop:service=NameNode,name=NameNodeInfo' });
      const all = [
        ...rows(JSON.parse(info.LiveNodes), true),
        ...rows(JSON.parse(info.DeadNodes), false),
      ];
      const columns = [
        'Node',
        'State',
        'Service',
        'Rack',
        'Last contact',
        { title: 'Used', kind: 'used' },
        { title: 'Blocks', kind: 'number' },
        'Data port',
      ];
      fill(room, h('h1', {}, 'DataNodes'), table(columns, all, 'No DataNode has registered.'));
    };
    await refresh();
    return { refresh };
  },
};
