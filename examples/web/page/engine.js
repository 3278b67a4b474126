// Models in LiteRT.js, and the analysis of a recording that comes in block by block.

import { annotationOf } from "./annotations.js";
import { Resampler } from "./resample.js";
import { columnsFrom, SPECTRUM_RATE } from "./spectrum.js";
import { Samples, windowsFrom } from "./windows.js";

const RUNTIME = new URL("../runtime/", import.meta.url);
let litert;

/** Make a `.tflite` file ready: gives what computes the outputs, by name, of a window of samples. */
export async function loadModel(bytes) {
  const { loadAndCompile, Tensor } = await (litert ??= startLiteRt());
  const compiled = await loadAndCompile(bytes, { accelerator: "wasm" });
  const [{ name, shape }] = compiled.getInputDetails();
  return async (waveform) => {
    const input = new Tensor(waveform, [...shape]), outputs = await compiled.run({ [name]: input });
    input.delete();
    for (const [output, tensor] of Object.entries(outputs)) {
      outputs[output] = tensor.toTypedArray().slice();
      tensor.delete();
    }
    return outputs;
  };
}

async function startLiteRt() {
  const wasm = new URL("wasm/", RUNTIME).href, module = await import(new URL("litert.js", RUNTIME));
  self.Module = { locateFile: (name) => wasm + name, printErr: console.debug }; // as Emscripten has it
  await module.loadLiteRt(wasm);
  return module;
}

/** Runs models over a recording of a sample rate (Hz); `goesOn` is asked after each window. */
export class Analysis {
  /** `models` are `{ contract, run }`, contracts as `Contract.to_json` of mirzoo writes them. */
  constructor(models, sampleRate, goesOn) {
    const source = new Samples(), resamplers = {};
    const resampled = (rate) => (resamplers[rate] ??= new Resampler(source, sampleRate, rate)).result;
    const parts = models.map((model) => {
      return { ...model, samples: resampled(model.contract.input.sample_rate), windows: [], next: 0 };
    });
    Object.assign(this, { source, resamplers, parts, goesOn, sound: resampled(SPECTRUM_RATE), shown: 0 });
  }

  /** Take the next mono samples. */
  async add(block, isEnd = false) {
    this.source.add(block);
    for (const resampler of Object.values(this.resamplers)) resampler.advance(isEnd);
    for (const part of this.parts) {
      for await (const window of this.#computed(part, false)) {
        part.windows.push(window);
        part.next = window.n + 1;
      }
    }
  }

  /** Give the columns of the spectrogram that are new. */
  columns() {
    const columns = columnsFrom(this.shown, this.sound);
    this.shown += columns.length;
    return columns;
  }

  /** What each model finds if the recording ends here: annotations, or `{ task, problem }`. */
  async found() {
    const results = [];
    for (const part of this.parts) {
      const { contract, samples } = part, { input, task, name } = contract, windows = [...part.windows];
      for await (const window of this.#computed(part, true)) windows.push(window);
      const [seconds, least] = [samples.length, input.min_samples].map((n) => n / input.sample_rate);
      const problem = `${name} needs at least ${least.toFixed(2)} s, and this has ${seconds.toFixed(2)} s`;
      const enough = windows.length && seconds >= least;
      results.push(enough ? annotationOf(contract, windows, seconds) : { task, problem });
    }
    return results;
  }

  async *#computed({ contract, run, samples, next }, isEnd) {
    for (const { n, start, waveform } of windowsFrom(next, samples, contract, isEnd)) {
      yield { n, start, outputs: await run(waveform) };
      if (!(await this.goesOn())) return;
    }
  }
}
