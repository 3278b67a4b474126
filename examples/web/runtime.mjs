// Put LiteRT.js, which npm has installed, where the page looks for it: `npm ci` runs this.
//
// A worker has no import maps, so the one import of a package by its name becomes a path.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const packages = ["@litertjs/core", "@litertjs/wasm-utils"].map((name) => dirname(dirname(require.resolve(name))));
const [core, utils] = packages;
const runtime = join(import.meta.dirname, "runtime");
mkdirSync(join(runtime, "wasm"), { recursive: true });
const script = readFileSync(join(core, "dist", "index.js"), "utf8");
writeFileSync(join(runtime, "litert.js"), script.replace('"@litertjs/wasm-utils"', '"./wasm-utils.js"'));
copyFileSync(join(utils, "dist", "index.js"), join(runtime, "wasm-utils.js"));
for (const variant of ["", "_compat"]) {
  for (const suffix of ["js", "wasm"]) {
    const name = `litert_wasm${variant}_internal.${suffix}`;
    copyFileSync(join(core, "wasm", name), join(runtime, "wasm", name));
  }
}
