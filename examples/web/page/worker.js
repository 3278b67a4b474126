// Computes apart from the page. A classic worker, as LiteRT.js starts its WebAssembly by a script.

const engine = import("./engine.js");
const models = {}; // by task, and by whether they are for live sound
let analysis, run, nextShown = 0, turn = Promise.resolve();

const actions = {
  /** Load models, `{ file, contract, live }`. */
  async load({ files }) {
    for (const { file, contract, live } of files) {
      try {
        const response = await fetch(`../models/${file}`);
        if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
        const run = await (await engine).loadModel(new Uint8Array(await response.arrayBuffer()));
        (models[contract.task] ??= {})[live] = { contract, run };
        self.postMessage({ kind: "model", name: contract.name, live });
      } catch (error) {
        self.postMessage({ kind: "problem", problem: `${file}: ${error.message}` });
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
