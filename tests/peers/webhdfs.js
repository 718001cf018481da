// Drives WebHDFS by the npm package `webhdfs`: node webhdfs.js PORT. Prints "done" at the end.
'use strict';

const assert = require('assert');
const { Readable } = require('stream');
const { promisify } = require('util');
const webhdfs = require('webhdfs');

const port = Number(process.argv[2]);
const client = webhdfs.createClient({ user: 'alice', host: 'localhost', port, path: '/webhdfs/v1' });
const call = (name) => promisify(client[name].bind(client));
const text = Array.from({ length: 30000 }, (_, line) => `line ${line}\n`).join('');

/** Waits until a stream has sent all of `data`, which the package wants to be piped. */
function send(stream, data) {
  return new Promise((resolve, reject) => {
    stream.on('error', reject);
    stream.on('finish', resolve);
    Readable.from([data], { objectMode: false }).pipe(stream);
  });
}

/** Returns what a stream gives. */
function receive(stream) {
  return new Promise((resolve, reject) => {
    const pieces = [];
    stream.on('error', reject);
    stream.on('data', (piece) => pieces.push(piece));
    stream.on('finish', () => resolve(Buffer.concat(pieces).toString()));
  });
}

async function main() {
  const folder = '/user/alice/node';
  await call('mkdir')(folder);
  await call('writeFile')(`${folder}/small`, 'small');
  await call('appendFile')(`${folder}/small`, ' and more');
  assert.strictEqual((await call('readFile')(`${folder}/small`)).toString(), 'small and more');
  await send(client.createWriteStream(`${folder}/large`), text);
  assert.strictEqual(await receive(client.createReadStream(`${folder}/large`)), text);
  await call('chmod')(`${folder}/large`, '0600');
  await call('rename')(`${folder}/large`, `${folder}/larger`);
  const files = await call('readdir')(folder);
  assert.deepStrictEqual(files.map((file) => file.pathSuffix), ['larger', 'small']);
  const status = await call('stat')(`${folder}/larger`);
  assert.deepStrictEqual([status.owner, status.length, status.permission], ['alice', text.length, '600']);
  await assert.rejects(call('stat')('/no'), /File does not exist: \/no/);
  await call('rmdir')(folder, true);
  assert.strictEqual(await new Promise((resolve) => client.exists(folder, resolve)), false);
  console.log('done');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
