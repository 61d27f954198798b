// Runs an application written with @jambonz/sdk as it stands: `node run.mjs FILE`. Prints the port it listens on.
// A .ts file loses its annotations first, for any version of node; a fixed port becomes a free one; what the
// application fetches (a weather service) is answered here, so that no network is needed.
import {readFileSync, writeFileSync} from 'node:fs';
import net from 'node:net';
import {basename, join} from 'node:path';
import {pathToFileURL} from 'node:url';

const ANNOTATIONS = /(?<=\w): (Record<string, any>|number|Error)(?=\))| as any\b/g;
const [file, packages] = process.argv.slice(2);

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (_port, ...rest) {
  this.once('listening', () => process.stdout.write(`port ${this.address().port}\n`));
  return listen.call(this, 0, '127.0.0.1', ...rest.filter((given) => typeof given === 'function'));
};
globalThis.fetch = async (url) => ({
  json: async () => (url.includes('/v1/search')
    ? {results: [{latitude: 42.36, longitude: -71.06}]}
    : {current: {temperature_2m: 20.6}}),
});

// Where a bare import is looked up is where the importing file stands.
const copy = join(packages, `hookswitch-${basename(file).replace(/\.\w+$/, '')}-${process.pid}.mjs`);
writeFileSync(copy, readFileSync(file, 'utf8').replace(ANNOTATIONS, ''));
await import(pathToFileURL(copy));
