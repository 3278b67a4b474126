// Computes apart from the page, so that the page stays responsive. A classic worker: the script of
// LiteRT.js that starts the WebAssembly is one, too.

const engine = import("./engine.js");
const models = {}; // by task, and by whether they are for live sound
let analysis, run, nextShown = 0, turn = Promise.resolve();

const actions = {
  /** Load models, `{ name, live }` with `bytes` or a `url`; without `live` they are for any sound. */
  async load({ files }) {
    for (const { name, live, bytes, url } of files) {
      try {
        const model = await (await engine).loadModel(bytes ?? (await download(url)));
        const { contract } = model;
        for (const use of live === undefined ? [false, true] : [live]) {
          (models[contract.task] ??= {})[use] = model;
        }
        self.postMessage({ kind: "model", contract, live });
      } catch (error) {
        self.postMessage({ kind: "problem", problem: `${name}: ${error.message}` });
      }
    }
    self.postMessage({ kind: "models" });
  },
  async begin({ id, sampleRate, live }) {
    const chosen = Object.values(models).map((known) => known[live] ?? known[!live]);
    const pause = () => new Promise((resolve) => setTimeout(resolve));
    analysis = new (await engine).Analysis(chosen, sampleRate, async () => (await pause(), id === run));
  },
  async samples({ id, block, show }) {
    await analysis.add(block);
    tell(id, { kind: "columns", columns: analysis.columns() });
    const began = performance.now();
    if (!show || began < nextShown) return;
    tell(id, { kind: "found", found: await analysis.found() });
    nextShown = 4 * performance.now() - 3 * began; // as often as a quarter of the time allows
  },
  async end({ id }) {
    await analysis.add(new Float32Array(0), true);
    const found = await analysis.found();
    tell(id, { kind: "columns", columns: analysis.columns() });
    tell(id, { kind: "found", found, final: true });
  },
};

self.onmessage = ({ data }) => {
  if (data.do === "begin") run = data.id;
  turn = turn.then(async () => {
    if (data.id !== undefined && data.id !== run) return; // another recording has begun
    try {
      await actions[data.do](data);
    } catch (error) {
      tell(data.id, { kind: "problem", problem: `the analysis failed: ${error.message}` });
    }
  });
};

function tell(id, message) {
  if (id === run) self.postMessage({ id, ...message });
}

async function download(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}
