// What is known about one path, and what can be done with it.

import { h, table, facts, chip, note, ask, bytes, moment } from './dom.js';
import { hdfs, webhdfs } from './webhdfs.js';

/** Asks, and returns null if the answer is a refusal: a reader may not see everything. */
async function maybe(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error.status === 0) throw error;
    return null;
  }
}

const section = (title, ...content) => h('section', {}, h('h3', {}, title), content);

function acl(status) {
  if (!status) return null;
  const { entries, stickyBit } = status.AclStatus;
  if (entries.length === 0)
    return section('ACL', h('p', { class: 'quiet' }, 'No entries beside the mode.'));
  return section(
    'ACL',
    h(
      'ul',
      { class: 'plain' },
      entries.map((entry) => h('li', {}, h('code', {}, entry))),
    ),
    stickyBit && chip('sticky'),
  );
}

function attributes(found) {
  if (!found) return null;
  if (found.XAttrs.length === 0)
    return section('Extended attributes', h('p', { class: 'quiet' }, 'None.'));
  return section(
    'Extended attributes',
    facts(found.XAttrs.map(({ name, value }) => [h('code', {}, name), h('code', {}, value ?? '')])),
  );
}

function blocks(found) {
  if (!found) return null;
  const list = found.LocatedBlocks.locatedBlocks;
  const rows = list.map(({ block, startOffset, locations, isCorrupt, storageTypes }) => [
    h(
      'span',
      {},
      h('code', {}, `blk_${block.blockId}_${block.generationStamp}`),
      isCorrupt && [' ', chip('corrupt', 'bad')],
      h('br'),
      locations.map((node, at) =>
        h('span', { title: storageTypes[at] }, chip(`${node.hostName}:${node.xferPort}`)),
      ),
    ),
    bytes(startOffset),
    bytes(block.numBytes),
  ]);
  const number = (title) => ({ title, kind: 'number' });
  return section(
    `Blocks (${list.length})`,
    table(
      [{ title: 'Block and replicas', kind: 'wide' }, number('From'), number('Length')],
      rows,
      'An empty file has none.',
    ),
  );
}

async function snapshots(path, status, act) {
  if (status.type !== 'DIRECTORY') return null;
  const change = (done, op, parameters, method) =>
    act(() => hdfs(path, op, parameters, method), done);
  if (!status.snapshotEnabled) {
    return section(
      'Snapshots',
      h('p', { class: 'quiet' }, 'Not allowed in this folder.'),
      h(
        'button',
        {
          type: 'button',
          class: 'small',
          onclick: () => change('Snapshots are allowed', 'ALLOWSNAPSHOT', {}, 'PUT'),
        },
        'Allow snapshots',
      ),
    );
  }
  const found = await maybe(hdfs(path, 'GETSNAPSHOTLIST'));
  const list = found?.SnapshotList ?? [];
  const rows = list.map(({ dirStatus }) => {
    const name = dirStatus.pathSuffix;
    const inside = `${path === '/' ? '' : path}/.snapshot/${name}`;
    return [
      h('a', { href: `#/files${inside.split('/').map(encodeURIComponent).join('/')}` }, name),
      moment(dirStatus.modificationTime),
      h(
        'button',
        {
          type: 'button',
          class: 'small danger',
          onclick: async () => {
            if (await ask(`Delete the snapshot ${name}?`, 'Delete'))
              change(`${name} is deleted`, 'DELETESNAPSHOT', { snapshotname: name }, 'DELETE');
          },
        },
        'Delete',
      ),
    ];
  });
  return section(
    `Snapshots (${list.length})`,
    table(['Name', 'Made (UTC)', { title: '', kind: 'end' }], rows, 'None yet.'),
    h(
      'button',
      {
        type: 'button',
        class: 'small',
        onclick: () => change('The snapshot is made', 'CREATESNAPSHOT', {}, 'PUT'),
      },
      'Take a snapshot',
    ),
  );
}

function summary(found) {
  if (!found) return [];
  const { directoryCount, fileCount, length, spaceConsumed, quota, spaceQuota } =
    found.ContentSummary;
  const limit = (value, say) => (value < 0 ? 'none' : say(value));
  return [
    ['Below', `${fileCount} files, ${directoryCount} folders`],
    ['Size', `${bytes(length)}, with all replicas ${bytes(spaceConsumed)}`],
    ['Quotas', `names ${limit(quota, String)}, space ${limit(spaceQuota, bytes)}`],
  ];
}

function actions(path, status, act, close) {
  const name = path.split('/').at(-1);
  const isFile = status.type === 'FILE';
  const remove = async () => {
    if (
      await ask(
        `Delete ${path}${status.type === 'DIRECTORY' ? ' and everything below it' : ''}?`,
        'Delete',
      )
    ) {
      await act(
        () => hdfs(path, 'DELETE', { recursive: true }, 'DELETE'),
        `${name} is deleted`,
        true,
      );
      close();
    }
  };
  return h(
    'div',
    { class: 'row' },
    isFile &&
      h('a', { class: 'button main', href: webhdfs(path, 'OPEN'), download: name }, 'Download'),
    path !== '/' && h('button', { type: 'button', class: 'danger', onclick: remove }, 'Delete'),
  );
}

function mode(path, status, act) {
  const field = h('input', {
    name: 'mode',
    value: status.permission,
    size: 5,
    'aria-label': 'Mode, octal',
    pattern: '[0-7]{3,4}',
  });
  const set = (event) => {
    event.preventDefault();
    act(
      () => hdfs(path, 'SETPERMISSION', { permission: field.value }, 'PUT'),
      `The mode is ${field.value}`,
    );
  };
  return h(
    'form',
    { class: 'row', onsubmit: set },
    field,
    h('button', { type: 'submit', class: 'small' }, 'Set'),
  );
}

/** Returns the panel about a path. */
export async function details(path, { changed, close }) {
  const { FileStatus: status } = await hdfs(path, 'GETFILESTATUS');
  const isFolder = status.type === 'DIRECTORY';
  const panel = h('section', { class: 'panel' });
  const act = async (request, done, isGone = false) => {
    try {
      await request();
      note(done);
      await changed();
      if (panel.isConnected && !isGone) panel.replaceWith(await details(path, { changed, close }));
    } catch (error) {
      note(error.message, 'bad');
    }
  };
  const [entries, xattrs, located, content, shots] = await Promise.all([
    maybe(hdfs(path, 'GETACLSTATUS')),
    maybe(hdfs(path, 'GETXATTRS', { encoding: 'TEXT' })),
    isFolder ? null : maybe(hdfs(path, 'GET_BLOCK_LOCATIONS')),
    isFolder ? maybe(hdfs(path, 'GETCONTENTSUMMARY')) : null,
    snapshots(path, status, act),
  ]);
  panel.append(
    h(
      'header',
      { class: 'row' },
      h('h2', { class: 'grow' }, path),
      h(
        'button',
        { type: 'button', class: 'small', onclick: close, 'aria-label': 'Close the details' },
        'Close',
      ),
    ),
    actions(path, status, act, close),
    facts([
      ['Owner', `${status.owner}:${status.group}`],
      ['Mode', mode(path, status, act)],
      ['Modified', `${moment(status.modificationTime)} UTC`],
      ...(isFolder
        ? summary(content)
        : [
            ['Size', `${bytes(status.length)} (${status.length.toLocaleString('en')} bytes)`],
            ['Replicas', `${status.replication}, blocks of ${bytes(status.blockSize)}`],
          ]),
      ['Id', String(status.fileId)],
    ]),
    ...[acl(entries), attributes(xattrs), blocks(located), shots].filter(Boolean),
  );
  return panel;
}
