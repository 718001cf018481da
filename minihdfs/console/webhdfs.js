// Asks WebHDFS.

import { Refused, answer, ask, url } from './api.js';

/** The URL of an operation. */
export function webhdfs(path, op, parameters = {}) {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return url(`/webhdfs/v1${encoded}`, { op, ...parameters });
}

/** Reads or changes; methods other than GET change. */
export const hdfs = (path, op, parameters, method) =>
  ask(webhdfs(path, op, parameters), method ? { method } : {});

/** Writes a file: the NameNode names the DataNode, which takes the bytes. */
export async function upload(path, file, overwrite) {
  const told = await hdfs(path, 'CREATE', { noredirect: true, overwrite }, 'PUT');
  let response;
  try {
    // Without a type, because a DataNode lets other sites set no header.
    response = await fetch(told.Location, {
      method: 'PUT',
      body: new Blob([file]),
      credentials: 'omit',
    });
  } catch {
    throw new Refused(
      0,
      'The DataNode refused the file or does not answer. It refuses a file that exists, and every ' +
        'browser if dfs.webhdfs.rest-csrf.enabled is true.',
    );
  }
  await answer(response);
}
