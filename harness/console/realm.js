// The views of a realm without a NameNode: its own, and the fixture's.

import { h, fill, table, chip, panel, facts } from './dom.js';
import { get, session } from './api.js';
import { groups as shared, start } from './fixture.js';

const STATES = { running: 'good', paused: 'warn', stopped: 'bad' };

const tile = (name, value, tone) =>
  h('div', { class: `tile ${tone ?? ''}` }, h('span', {}, name), h('strong', {}, value));

const count = (number) => number.toLocaleString('en');

function draw(room, realm) {
  const running = realm.kdcs.filter(({ state }) => state === 'running').length;
  fill(
    room,
    h('h1', {}, 'Overview'),
    running === 0 &&
      h(
        'p',
        { class: 'banner warn' },
        h('strong', {}, 'No KDC server runs. '),
        'Clients get no tickets.',
      ),
    h(
      'div',
      { class: 'tiles' },
      tile(
        'KDC servers',
        `${running} of ${realm.kdcs.length}`,
        running < realm.kdcs.length ? 'bad' : '',
      ),
      tile('Principals', count(realm.principals)),
      tile('Valid tickets', count(realm.tickets)),
      tile('Tickets issued', count(realm.issued)),
      tile('Refusals', count(realm.refused), realm.refused > 0 ? 'warn' : ''),
    ),
    panel(
      'Realm',
      facts([
        ['Name', h('strong', {}, realm.name)],
        ...(realm.further.length > 0 ? [['Further realms', realm.further.join(', ')]] : []),
        ...(realm.trusts.length > 0 ? [['Trusts', realm.trusts.join(', ')]] : []),
        ['Longest life of a ticket', `${realm.max_life}, renewable ${realm.max_renewable_life}`],
        ['Allowed clock skew', realm.clock_skew],
        ['Keys', realm.enctypes.join(', ')],
        ['Attributes', realm.attributes || 'none'],
        ['PAC', realm.pac],
        ['Version', session.version],
      ]),
    ),
    table(
      ['KDC server', 'State', 'UDP and TCP'],
      realm.kdcs.map(({ node, address, state }) => [
        h('strong', {}, node),
        chip(state, STATES[state]),
        h('code', {}, address),
      ]),
    ),
  );
}

const overview = {
  id: 'overview',
  title: 'Overview',
  async open(room) {
    const refresh = async () => draw(room, await get('/console/api/realm'));
    await refresh();
    return { refresh };
  },
};

export { start };
export const groups = [{ title: 'Realm', views: [overview] }, ...shared];
