// Principals, and what was issued to them: tickets and delegation tokens with what is left of them.

import { h, fill, table, chip, panel, facts, span, moment } from './dom.js';
import { get, onlyAdministrators, session } from './api.js';
import { advance, now } from './clock.js';

/** The seconds by which a ticket outlives its end: the clock skew, and one for whole seconds. */
const SKEW = 301;

/** The stretch of time that the bars share: from a little before now to the last end. */
function axis(list, time) {
  const ends = list.filter(({ end }) => end > time).map(({ end }) => end);
  const last = Math.max(time + 3600, ...ends);
  const first = Math.min(time - (last - time) * 0.15, time - 600);
  return {
    first,
    last: last + (last - time) * 0.06,
    place: (at) => (Math.min(Math.max(at, first), last) - first) / (last - first),
  };
}

function life({ start, end, renew_till: renewTill }, { place }, time) {
  const box = h('span', { class: `life ${end <= time ? 'over' : ''}` });
  const part = (kind, from, to) => {
    const piece = h('span', { class: kind });
    piece.style.left = `${(place(from) * 100).toFixed(2)}%`;
    piece.style.width = `${(Math.max(0, place(to) - place(from)) * 100).toFixed(2)}%`;
    box.append(piece);
  };
  if (renewTill > end) part('renewable', end, renewTill);
  part('valid', start, end);
  part('now', time, time);
  const renewable = renewTill ? `, renewable till ${moment(renewTill * 1000)}` : '';
  box.title = `${moment(start * 1000)} to ${moment(end * 1000)}${renewable}`;
  return box;
}

function left({ end, renew_till: renewTill }, time) {
  const own =
    end > time ? h('strong', {}, span(end - time)) : chip(`over for ${span(time - end)}`, 'bad');
  return h(
    'span',
    { class: 'stack' },
    own,
    renewTill > time && h('small', {}, `renewable for ${span(renewTill - time)}`),
  );
}

const past = (one, time) =>
  session.administrator &&
  one.end > time &&
  h(
    'button',
    {
      type: 'button',
      class: 'small',
      title: 'Advance the clock until it is refused',
      onclick: () => advance(one.end - Math.floor(time) + SKEW, 'The clock is past its end'),
    },
    'Past its end',
  );

function issued(list, time, isAll, empty) {
  const shown = list.filter(({ end }) => isAll || end > time);
  const scale = axis(shown, time);
  const end = { title: '', kind: 'end' };
  return table(
    ['Whose', 'For', { title: 'Life', kind: 'wide lives' }, 'Left', end],
    shown.map((one) => [
      h('strong', {}, one.who),
      h('span', { class: 'stack' }, h('code', {}, one.service), h('small', {}, one.kind)),
      life(one, scale, time),
      left(one, time),
      past(one, time),
    ]),
    empty,
  );
}

export const tickets = {
  id: 'tickets',
  title: 'Tickets',
  async open(room) {
    onlyAdministrators();
    let data = { tickets: [], tokens: [] };
    const list = h('div');
    const old = h('input', { type: 'checkbox', id: 'old', onchange: () => draw() });
    const filter = h('input', {
      type: 'search',
      placeholder: 'Filter  /',
      'aria-label': 'Filter',
      oninput: () => draw(),
    });
    const draw = () => {
      const time = now() / 1000;
      const wanted = filter.value.trim().toLowerCase();
      const fits = ({ who, service }) => `${who} ${service}`.toLowerCase().includes(wanted);
      fill(
        list,
        panel(
          'Tickets',
          issued(
            data.tickets.filter(fits),
            time,
            old.checked,
            'The KDC has issued none that is still valid.',
          ),
        ),
        session.namenode &&
          panel(
            'Delegation tokens',
            issued(data.tokens.filter(fits), time, old.checked, 'The NameNode keeps none.'),
          ),
      );
    };
    const refresh = async () => {
      const [given, tokens] = await Promise.all([
        get('/console/api/tickets'),
        get('/console/api/tokens'),
      ]);
      data = {
        tickets: given
          .reverse()
          .map((one) => ({
            ...one,
            who: one.client,
            kind: `${one.exchange} ${one.flags}, ${one.enctype}`,
          })),
        tokens: tokens.map((one) => ({
          ...one,
          who: one.owner,
          service: `renewer ${one.renewer || 'none'}`,
          kind: `no. ${one.sequence}, key ${one.master_key}`,
        })),
      };
      draw();
    };
    await refresh();
    fill(
      room,
      h('h1', {}, session.namenode ? 'Tickets and tokens' : 'Tickets'),
      h(
        'div',
        { class: 'row' },
        filter,
        h('label', { class: 'kind' }, old, 'Also those that are over'),
      ),
      list,
      h(
        'p',
        { class: 'legend' },
        h('span', { class: 'swatch valid' }),
        'valid ',
        h('span', { class: 'swatch renewable' }),
        'renewable ',
        h('span', { class: 'swatch now' }),
        'now. The newest 512 tickets are remembered; no key leaves the server.',
      ),
    );
    return { refresh };
  },
};

export const principals = {
  id: 'principals',
  title: 'Principals',
  async open(room) {
    onlyAdministrators();
    const [list, given] = await Promise.all([
      get('/console/api/principals'),
      get('/console/api/tickets'),
    ]);
    const found = h('div');
    const draw = () => {
      const time = now() / 1000;
      const wanted = filter.value.trim().toLowerCase();
      const shown = list.filter(({ principal }) => principal.toLowerCase().includes(wanted));
      fill(
        found,
        shown.map((one) => {
          const own = given.filter(({ client, end }) => client === one.principal && end > time);
          const longest = own.reduce((most, ticket) => Math.max(most, ticket.end - time), 0);
          return h(
            'details',
            { class: 'panel principal' },
            h(
              'summary',
              {},
              h('strong', {}, one.principal),
              own.length > 0
                ? chip(
                    `${own.length} ticket${own.length === 1 ? '' : 's'}, ${span(longest)} left`,
                    'good',
                  )
                : chip('no ticket'),
            ),
            facts([
              ['Attributes', one.attributes],
              ['Keys', one.keys],
              ['Longest life', `${one.max_life}, renewable ${one.max_renewable_life}`],
              ['Expires', `${one.expires}, its password ${one.password_expires}`],
              ...(one.delegates_to ? [['Delegates to', one.delegates_to]] : []),
              ...own.map((ticket) => [
                h('code', {}, ticket.service),
                `${span(ticket.end - time)} left, ${ticket.flags}`,
              ]),
            ]),
          );
        }),
      );
      if (shown.length === 0) fill(found, h('p', { class: 'quiet' }, 'No principal fits.'));
    };
    const filter = h('input', {
      type: 'search',
      placeholder: 'Filter  /',
      'aria-label': 'Filter',
      oninput: draw,
    });
    fill(
      room,
      h('h1', {}, 'Principals'),
      h('div', { class: 'row' }, filter, h('small', {}, `${list.length} principals`)),
      found,
    );
    draw();
  },
};
