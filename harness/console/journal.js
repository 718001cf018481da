// The journal as it grows: what the servers saw, filtered here.

import { h, fill, chip } from './dom.js';
import { onlyAdministrators, session, url } from './api.js';

/** The most lines that are kept, and shown. */
const KEPT = 3000;
const SHOWN = 400;

const ALL = [
  ['kerberos', 'Kerberos', /^(AsExchange|TgsExchange|PasswordChange|ApExchange|Sasl)$/],
  ['calls', 'Calls', /^RpcCall$/],
  ['data', 'Blocks', /^(ReadBlock|WriteBlock|DataTransfer|Packet|Ack|Dial)$/],
  ['beats', 'Heartbeats', /^(Heartbeat|Report)$/],
  ['connections', 'Connections', /^Connection$/],
  ['times', 'Clock and timers', /^(Timer|ClockMoved|State)$/],
  ['faults', 'Faults', /^Fault$/],
];
/** A realm alone has no DataNodes. */
const KINDS = session.namenode ? ALL : ALL.filter(([kind]) => kind !== 'data' && kind !== 'beats');
const QUIET = new Set(['beats']);

const kindOf = (event) => KINDS.find(([, , pattern]) => pattern.test(event))?.[0] ?? 'times';
const failed = (what) =>
  what.outcome !== undefined && !['ok', 'asked', 'SUCCESS'].includes(what.outcome);

class Timeline {
  constructor(room) {
    this.room = room;
    this.lines = [];
    this.on = new Set(KINDS.map(([kind]) => kind).filter((kind) => !QUIET.has(kind)));
    this.missed = 0;
    this.isPaused = false;
    this.list = h('ol', { class: 'timeline', 'aria-label': 'Events, the newest first' });
    this.count = h('small', {});
    this.status = chip('connecting', 'warn');
  }

  bar() {
    const redraw = () => this.draw();
    this.filter = h('input', {
      type: 'search',
      placeholder: session.namenode
        ? 'Filter: alice, mkdirs, NameNode …  /'
        : 'Filter: alice, krbtgt, KDC …  /',
      'aria-label': 'Filter',
      oninput: redraw,
    });
    this.refused = h('input', { type: 'checkbox', id: 'refused', onchange: redraw });
    const kinds = KINDS.map(([kind, title]) =>
      h(
        'label',
        { class: 'kind' },
        h('input', {
          type: 'checkbox',
          'data-kind': kind,
          checked: this.on.has(kind),
          onchange: (event) => {
            if (event.target.checked) this.on.add(kind);
            else this.on.delete(kind);
            this.draw();
          },
        }),
        title,
      ),
    );
    const pause = h(
      'button',
      {
        type: 'button',
        id: 'pause',
        'aria-pressed': 'false',
        onclick: () => {
          this.isPaused = !this.isPaused;
          pause.textContent = this.isPaused ? 'Follow' : 'Pause';
          pause.setAttribute('aria-pressed', String(this.isPaused));
          if (!this.isPaused) this.draw();
        },
      },
      'Pause',
    );
    return [
      h(
        'div',
        { class: 'row' },
        this.filter,
        pause,
        h(
          'button',
          {
            type: 'button',
            onclick: () => {
              this.lines = [];
              this.draw();
            },
          },
          'Clear',
        ),
        this.status,
        this.count,
      ),
      h(
        'div',
        { class: 'row kinds' },
        kinds,
        h('label', { class: 'kind' }, this.refused, 'Only refusals'),
      ),
    ];
  }

  fits(line) {
    if (!this.on.has(line.kind)) return false;
    if (this.refused.checked && !line.failed) return false;
    return this.words.every((word) => line.search.includes(word));
  }

  item(line) {
    const { entry } = line;
    const [day, time] = entry.at.split('T');
    const details = h(
      'details',
      { class: `${line.kind} ${line.failed ? 'failed' : ''}`, 'data-number': String(entry.number) },
      h(
        'summary',
        {},
        h('time', { datetime: entry.at, title: day }, time.replace('Z', '').slice(0, 12)),
        h('span', {}, entry.text),
      ),
    );
    details.addEventListener('toggle', () => {
      if (details.open && details.childElementCount === 1) {
        details.append(
          h(
            'pre',
            {},
            JSON.stringify(
              { at: entry.at, real: entry.real, ...entry.what, facts: entry.facts },
              null,
              2,
            ),
          ),
        );
      }
    });
    return h('li', {}, details);
  }

  draw() {
    this.words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [];
    for (let at = this.lines.length - 1; at >= 0 && found.length < SHOWN; at -= 1) {
      if (this.fits(this.lines[at])) found.push(this.item(this.lines[at]));
    }
    fill(this.list, found);
    this.tell();
  }

  tell() {
    const missed = this.missed > 0 ? `, ${this.missed} older ones are gone` : '';
    this.count.textContent = `${this.lines.length} events${missed}`;
  }

  take(entry) {
    const line = {
      entry,
      kind: kindOf(entry.what.event),
      failed: failed(entry.what),
      search: entry.text.toLowerCase(),
    };
    this.lines.push(line);
    if (this.lines.length > KEPT) this.lines.splice(0, this.lines.length - KEPT);
    if (this.isPaused || !this.fits(line)) return;
    this.list.prepend(this.item(line));
    while (this.list.childElementCount > SHOWN) this.list.lastElementChild.remove();
  }

  say(text, tone) {
    this.status.textContent = text;
    this.status.className = `chip ${tone}`;
  }

  follow() {
    this.source = new EventSource(url('/console/api/events'));
    this.source.onopen = () => this.say('live', 'good');
    this.source.onerror = () =>
      this.say(this.source.readyState === EventSource.CLOSED ? 'ended' : 'connecting', 'warn');
    this.source.onmessage = ({ data }) => {
      this.take(JSON.parse(data));
      this.tell();
    };
    this.source.addEventListener('missed', ({ data }) => {
      this.missed += Number(data);
      this.tell();
    });
    // The server ends the stream of a reader that does not keep up; the browser begins again.
    this.source.addEventListener('dropped', () => this.say('too slow', 'bad'));
  }
}

export const journal = {
  id: 'journal',
  title: 'Journal',
  async open(room) {
    onlyAdministrators();
    const timeline = new Timeline(room);
    fill(room, h('h1', {}, 'Journal'), timeline.bar(), timeline.list);
    timeline.draw();
    timeline.follow();
    return { close: () => timeline.source.close() };
  },
};
