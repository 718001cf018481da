// The file browser: folders page by page, uploads, downloads, and what can be done with a path.

import { h, fill, table, note, ask, bytes, moment } from './dom.js';
import { hdfs, upload, webhdfs } from './webhdfs.js';
import { details } from './details.js';

const KINDS = { DIRECTORY: 'd', SYMLINK: 'l', FILE: '-' };

/** The nine letters of a mode, as ls writes them. */
export function letters({ type, permission, aclBit }) {
  const bits = parseInt(permission, 8);
  const triple = (shift, special, sign) => {
    const part = (bits >> shift) & 7;
    const execute = bits & special ? (part & 1 ? sign : sign.toUpperCase()) : part & 1 ? 'x' : '-';
    return (part & 4 ? 'r' : '-') + (part & 2 ? 'w' : '-') + execute;
  };
  return (
    KINDS[type] +
    triple(6, 0o4000, 's') +
    triple(3, 0o2000, 's') +
    triple(0, 0o1000, 't') +
    (aclBit ? '+' : '')
  );
}

const join = (folder, name) => (folder === '/' ? `/${name}` : `${folder}/${name}`);
const link = (path) => `#/files${path.split('/').map(encodeURIComponent).join('/')}`;

function crumbs(path) {
  const names = path.split('/').filter(Boolean);
  const links = [h('a', { href: link('/') }, '/')];
  names.forEach((name, at) => {
    links.push(h('a', { href: link(`/${names.slice(0, at + 1).join('/')}`) }, name));
  });
  return h(
    'nav',
    { class: 'crumbs', 'aria-label': 'Path' },
    links.map((part, at) => [at > 1 && h('span', {}, '/'), part]),
  );
}

class Browser {
  constructor(room, path) {
    this.room = room;
    this.path = path;
    this.entries = [];
    this.list = h('div');
    this.side = h('aside', { class: 'side', 'aria-label': 'Details' });
    this.filter = h('input', {
      type: 'search',
      placeholder: 'Filter  /',
      'aria-label': 'Filter',
      oninput: () => this.draw(),
    });
  }

  /** Reads the folder, or what follows the last name that is there already. */
  async read(more) {
    const after = more ? this.entries.at(-1)?.pathSuffix : undefined;
    const { DirectoryListing: page } = await hdfs(this.path, 'LISTSTATUS_BATCH', {
      startAfter: after,
    });
    const found = page.partialListing.FileStatuses.FileStatus;
    this.entries = more ? [...this.entries, ...found] : found;
    this.remaining = page.remainingEntries;
    this.draw();
  }

  row(entry) {
    const name = entry.pathSuffix;
    const path = name === '' ? this.path : join(this.path, name);
    const show = () => this.show(path);
    const label =
      entry.type === 'DIRECTORY'
        ? h('a', { href: link(path), class: 'folder' }, name)
        : h('button', { type: 'button', class: 'plain', onclick: show }, name || path);
    const isFile = entry.type === 'FILE';
    return [
      h('span', { class: 'name' }, label, entry.symlink && h('small', {}, ` → ${entry.symlink}`)),
      isFile ? bytes(entry.length) : '–',
      h('code', {}, letters(entry)),
      `${entry.owner}:${entry.group}`,
      isFile ? entry.replication : '–',
      isFile ? bytes(entry.blockSize) : '–',
      moment(entry.modificationTime),
      h(
        'button',
        {
          type: 'button',
          class: 'small',
          'aria-label': `Details of ${name || path}`,
          onclick: show,
        },
        'Details',
      ),
    ];
  }

  draw() {
    const wanted = this.filter.value.trim().toLowerCase();
    const rows = this.entries.filter((entry) => entry.pathSuffix.toLowerCase().includes(wanted));
    const number = (title) => ({ title, kind: 'number' });
    fill(
      this.list,
      table(
        [
          'Name',
          number('Size'),
          'Permission',
          'Owner',
          number('Replicas'),
          number('Block size'),
          'Modified (UTC)',
          { title: '', kind: 'end' },
        ],
        rows.map((entry) => this.row(entry)),
        'This folder is empty.',
      ),
      this.remaining > 0 &&
        h(
          'button',
          { type: 'button', onclick: () => this.read(true).catch(this.complain) },
          `Show more (${this.remaining} left)`,
        ),
    );
  }

  complain = (error) => note(error.message, 'bad');

  async show(path) {
    try {
      const panel = await details(path, {
        changed: () => this.read(false).catch(this.complain),
        close: () => {
          fill(this.side);
          this.room.classList.remove('beside');
        },
      });
      fill(this.side, panel);
      this.room.classList.add('beside');
      // In a narrow window it stands above the list.
      if (matchMedia('(max-width: 64rem)').matches) this.side.scrollIntoView({ block: 'nearest' });
    } catch (error) {
      this.complain(error);
    }
  }

  async put(list) {
    for (const file of list) {
      try {
        const exists = this.entries.some((entry) => entry.pathSuffix === file.name);
        if (exists && !(await ask(`Replace ${file.name}?`, 'Replace'))) continue;
        await upload(join(this.path, file.name), file, exists);
        note(`${file.name} is written: ${bytes(file.size)}`);
      } catch (error) {
        this.complain(error);
      }
    }
    await this.read(false).catch(this.complain);
  }

  async makeFolder(event) {
    event.preventDefault();
    const field = event.target.elements.folder;
    const name = field.value.trim();
    if (name === '') return;
    try {
      await hdfs(join(this.path, name), 'MKDIRS', {}, 'PUT');
      field.value = '';
      note(`${name} is made`);
      await this.read(false);
    } catch (error) {
      this.complain(error);
    }
  }

  bar() {
    const chosen = h('input', {
      type: 'file',
      multiple: true,
      id: 'chosen',
      class: 'hidden',
      onchange: () => {
        this.put([...chosen.files]).then(() => {
          chosen.value = '';
        });
      },
    });
    return h(
      'div',
      { class: 'row' },
      this.filter,
      h(
        'form',
        { class: 'row', onsubmit: (event) => this.makeFolder(event) },
        h('input', {
          name: 'folder',
          placeholder: 'New folder',
          'aria-label': 'Name of the new folder',
          size: 14,
          spellcheck: false,
          autocomplete: 'off',
        }),
        h('button', { type: 'submit' }, 'Create'),
      ),
      chosen,
      h('button', { type: 'button', class: 'main', onclick: () => chosen.click() }, 'Upload files'),
      h(
        'button',
        { type: 'button', onclick: () => this.show(this.path) },
        'Details of this folder',
      ),
    );
  }

  async open() {
    const { FileStatus: status } = await hdfs(this.path, 'GETFILESTATUS');
    fill(
      this.room,
      h('h1', {}, 'Files'),
      crumbs(this.path),
      h(
        'div',
        { class: 'columns' },
        h('div', { class: 'list' }, status.type === 'DIRECTORY' && this.bar(), this.list),
        this.side,
      ),
    );
    await this.read(false);
    if (status.type !== 'DIRECTORY') await this.show(this.path);
    this.room.addEventListener('dragover', (event) => event.preventDefault());
    this.room.addEventListener('drop', (event) => {
      event.preventDefault();
      this.put([...event.dataTransfer.files]);
    });
  }
}

/** Starts a download, which the NameNode sends on to a DataNode. */
export function download(path) {
  const anchor = h('a', { href: webhdfs(path, 'OPEN'), download: path.split('/').at(-1) });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
}

export const files = {
  id: 'files',
  title: 'Files',
  async open(room, rest) {
    const path = rest.split('/').map(decodeURIComponent).join('/').replace(/\/+$/, '') || '/';
    await new Browser(room, path).open();
  },
};
