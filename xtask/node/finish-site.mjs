// node finish-site.mjs SITE HASHES: what is left to do for an optimised site after cargo-leptos.
//
// Scripts and modules name each other, in circles, so cargo-leptos hashes them before it writes the names into them: one
// of them could change and keep its name, and a browser that has it from the last version would ask for files of that.
// So all of them get one hash, of them all. Then everything is compressed, as the server sends it.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const [site, hashes] = process.argv.slice(2);
const pkg = join(site, "pkg");
// The style sheet names none of the others and is named by none.
const names = readdirSync(pkg).filter((name) => /\.[\w-]{22}\.(js|wasm|json)$/.test(name)).sort();
const hashIn = (name) => name.split(".").at(-2);

const whole = createHash("sha256");
for (const name of names) whole.update(name).update(readFileSync(join(pkg, name)));
const hash = whole.digest("base64url").slice(0, 22);
// Latin-1 keeps every byte of a module, and the hashes are of one length, so that its sections stay what they are.
const withHash = (text) => names.reduce((text, name) => text.replaceAll(hashIn(name), hash), text);

for (const file of [hashes, ...names.map((name) => join(pkg, name))]) {
  writeFileSync(file, withHash(readFileSync(file, "latin1")), "latin1");
}
for (const name of names) renameSync(join(pkg, name), join(pkg, withHash(name)));

for (const file of filesIn(site)) {
  // A compressed face does not become smaller.
  if (file.endsWith(".woff2")) continue;
  const content = readFileSync(file);
  writeFileSync(`${file}.br`, brotliCompressSync(content));
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
}

function filesIn(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesIn(path) : [path];
  });
}
