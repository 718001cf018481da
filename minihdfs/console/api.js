// Asks the server: its pages, and the console's own verbs.

/** Who looks, and what there is to see; filled by open(). */
export const session = {
  user: '',
  administrator: false,
  secure: true,
  csrf_header: 'X-XSRF-HEADER',
};

const STATED = 'kerbox.user';

/** The name that is stated where no ticket proves one. */
export function stated() {
  const given = new URLSearchParams(location.search).get('user.name');
  return sessionStorage.getItem(STATED) ?? given ?? '';
}

/** States another name, and begins again. */
export function state(name) {
  sessionStorage.setItem(STATED, name);
  location.reload();
}

/** A URL of this server with parameters, and the stated name. */
export function url(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null) query.set(name, value);
  }
  const name = stated();
  if (name && !session.secure) query.set('user.name', name);
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** What the server says when it refuses. */
export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** What the server answers, unless it refuses. */
export async function answer(response) {
  const text = await response.text();
  let value = null;
  try {
    value = text === '' ? null : JSON.parse(text);
  } catch {
    /* a page */
  }
  if (response.ok) return value;
  const said = value?.RemoteException?.message ?? value?.refused;
  const page = new DOMParser().parseFromString(text, 'text/html').body?.textContent.trim();
  throw new Refused(response.status, said ?? (page || `HTTP ${response.status}`));
}

/** Asks for a URL. */
export async function ask(to, options = {}) {
  const headers = { accept: 'application/json', ...options.headers };
  if (options.method) headers[session.csrf_header] = 'console';
  let response;
  try {
    response = await fetch(to, {
      ...options,
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
    });
  } catch {
    throw new Refused(0, 'The server does not answer.');
  }
  return answer(response);
}

/** Reads JSON. */
export const get = (path, parameters) => ask(url(path, parameters));

/** Sends a request of the control socket: {clock: 'freeze'}. */
export const control = (request) =>
  ask(url('/console/api/control'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });

/** Fails if the reader is no administrator, before the server says so. */
export function onlyAdministrators() {
  if (!session.administrator) throw new Refused(403, 'This view is not for everyone.');
}

/** Learns who looks. */
export async function open() {
  // Without security the first question needs the name, too.
  session.secure = false;
  try {
    Object.assign(session, await get('/console/api/state'));
  } catch (error) {
    if (!stated()) throw error;
    // With security a ticket says who looks, whatever name was stated before.
    session.secure = true;
    Object.assign(session, await get('/console/api/state'));
  }
}
