// Computes apart from the page, so that the page stays responsive. A classic worker: the script of
// LiteRT.js that starts the WebAssembly is one, too.

const engine = import("./engine.js");
const models = new Map(); // by task
let analysis = null, run = 0, lastSent = 0;
let turn = Promise.resolve();

const actions = {
  /** Load models: `files` are `{ name, bytes }`, or `{ name, url }`. */
  async load({ files }) {
    for (const { name, bytes, url } of files) {
      try {
        const model = await (await engine).Model.load(bytes ?? (await download(url)));
        models.set(model.contract.task, model);
        post({ kind: "model", contract: model.contract });
      } catch (error) {
        post({ kind: "problem", problem: `${name}: ${error.message}` });
      }
    }
    post({ kind: "models" });
  },
  async begin({ id, sampleRate }) {
    const pause = () => new Promise((resolve) => setTimeout(resolve));
    const goesOn = async () => (await pause(), id === run);
    analysis = new (await engine).Analysis([...models.values()], sampleRate, goesOn);
  },
  async samples({ id, block, show }) {
    await analysis.add(block);
    sendColumns(id);
    if (show && Date.now() - lastSent > show) {
      await send(id, analysis.found(), false);
      lastSent = Date.now();
    }
  },
  async end({ id }) {
    const results = analysis.finish();
    await send(id, results, true);
  },
};

self.onmessage = ({ data }) => {
  if (data.do === "begin") run = data.id;
  turn = turn.then(async () => {
    if (data.id !== undefined && data.id !== run) return; // another recording has begun
    try {
      await actions[data.do](data);
    } catch (error) {
      post({ kind: "problem", id: data.id, problem: `the analysis failed: ${error.message}` });
    }
  });
};

async function send(id, results, final) {
  const found = await results;
  sendColumns(id);
  if (id === run) post({ kind: "found", id, found, final });
}

function sendColumns(id) {
  if (id === run) post({ kind: "columns", id, columns: analysis.spectrogram.take() });
}

async function download(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

const post = (message) => self.postMessage(message);
