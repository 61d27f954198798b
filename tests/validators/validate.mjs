// Asks the platform's own validators what they think of documents: a JSON list of them on stdin, one verdict a line.
// {"specs": …, "schema": …, "app": …}: null where it is accepted, else the complaint. `specs` is what a jambonz 0.9
// server runs; `schema` and `app` are the schema of today, verb by verb and as a whole.
import {readFileSync} from 'node:fs';
import schema from '@jambonz/schema';
import specs from '@jambonz/verb-specifications';

const silent = {info() {}, debug() {}, error() {}};

function complaint(validate) {
  try {
    validate();
    return null;
  } catch (error) {
    return String(error.message);
  }
}

function wholly(document) {
  const {valid, errors} = schema.validateApp(document);
  if (!valid) throw new Error(JSON.stringify(errors[0]));
}

for (const document of JSON.parse(readFileSync(0, 'utf8'))) {
  process.stdout.write(`${JSON.stringify({
    specs: complaint(() => specs.validate(silent, document)),
    schema: complaint(() => schema.validate(silent, document)),
    app: complaint(() => wholly(document)),
  })}\n`);
}
