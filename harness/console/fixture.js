// The fixture's views, and the clock in the head of the page.

import { h } from './dom.js';
import { session } from './api.js';
import { clock, strip } from './clock.js';
import { journal } from './journal.js';
import { principals, tickets } from './tickets.js';
import { connections, servers } from './connections.js';
import { faults } from './faults.js';

export const groups = [
  {
    title: 'Fixture',
    views: [
      clock,
      journal,
      ...(session.secure ? [principals, tickets] : []),
      connections,
      faults,
      servers,
    ],
  },
];

/** Adds what is there in every view. */
export function start(tools) {
  document.head.append(h('link', { rel: 'stylesheet', href: 'fixture.css' }));
  strip(tools);
}
