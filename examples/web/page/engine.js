// Models in LiteRT.js, and the analysis of a recording that comes in block by block.

import { collectorOf } from "./annotations.js";
import { ModelFileError, obstacle, readContract } from "./contract.js";
import { Resampler } from "./resample.js";
import { Spectrogram, SPECTRUM_RATE } from "./spectrum.js";
import { Cutter, musicIn } from "./windows.js";

const RUNTIME = new URL("../runtime/", import.meta.url);
let litert = null;

/** A `.tflite` file that is ready to run. */
export class Model {
  /** @param {Uint8Array} bytes The file. */
  static async load(bytes) {
    const contract = await readContract(bytes);
    const hindrance = obstacle(contract);
    if (hindrance) throw new ModelFileError(`${contract.name} can't be used: ${hindrance}`);
    litert ??= import(new URL("litert.js", RUNTIME)).then(async (module) => {
      const wasm = new URL("wasm/", RUNTIME).href;
      self.Module = { locateFile: (name) => wasm + name, printErr: console.debug }; // as Emscripten has it
      await module.loadLiteRt(wasm);
      return module;
    });
    const { loadAndCompile, Tensor } = await litert;
    const compiled = await loadAndCompile(bytes, { accelerator: "wasm" });
    return new Model(contract, compiled, Tensor);
  }

  constructor(contract, compiled, Tensor) {
    Object.assign(this, { contract, compiled, Tensor });
  }

  /** Compute the outputs, by name, of a window of samples. */
  async run(waveform) {
    const { name, shape } = this.compiled.getInputDetails()[0];
    const input = new this.Tensor(waveform, [...shape]);
    const outputs = await this.compiled.run({ [name]: input });
    input.delete();
    for (const [output, tensor] of Object.entries(outputs)) {
      outputs[output] = tensor.toTypedArray().slice();
      tensor.delete();
    }
    return outputs;
  }
}

/** Runs models over a recording while its samples come in. */
export class Analysis {
  /**
   * @param {Model[]} models
   * @param {number} sampleRate Of what comes in (Hz).
   * @param {() => Promise<boolean>} goesOn Asked after each window.
   */
  constructor(models, sampleRate, goesOn = async () => true) {
    this.goesOn = goesOn;
    this.spectrogram = new Spectrogram();
    this.resamplers = new Map();
    for (const rate of [SPECTRUM_RATE, ...models.map((m) => m.contract.input.sample_rate)]) {
      this.resamplers.set(rate, new Resampler(sampleRate, rate));
    }
    this.parts = models.map((model) => ({
      model,
      cutter: new Cutter(model.contract),
      collector: collectorOf(model.contract),
    }));
  }

  /** Take the next mono samples. */
  async add(block) {
    await this.#take((resampler) => resampler.add(block));
  }

  /** Take it that the recording has ended, and give what each model found. */
  async finish() {
    await this.#take((resampler) => resampler.finish());
    return this.found();
  }

  /** What each model finds if the recording ends here: annotations, or `{ task, problem }`. */
  async found() {
    const results = [];
    for (const { model, cutter, collector } of this.parts) {
      const windows = [...collector.windows];
      const { input, task, name } = model.contract;
      for (const window of cutter.rest()) {
        if (!this.#counts(model, window)) continue;
        windows.push({ start: window.start, outputs: await model.run(window.waveform) });
        if (!(await this.goesOn())) return [];
      }
      const [seconds, least] = [cutter.end, input.min_samples].map((n) => n / input.sample_rate);
      const problem = `${name} needs at least ${least.toFixed(2)} s, and this has ${seconds.toFixed(2)} s`;
      const enough = windows.length && seconds >= least;
      results.push(enough ? collector.finish(seconds, windows) : { task, problem });
    }
    return results;
  }

  async #take(next) {
    for (const [rate, resampler] of this.resamplers) {
      const samples = next(resampler);
      if (rate === SPECTRUM_RATE) this.spectrogram.add(samples);
      for (const { model, cutter, collector } of this.parts) {
        if (model.contract.input.sample_rate !== rate) continue;
        for (const window of cutter.add(samples)) {
          if (!this.#counts(model, window)) continue;
          collector.add(window.start, await model.run(window.waveform));
          if (!(await this.goesOn())) return;
        }
      }
    }
  }

  /** Windows of tags with too little music in them are left out. */
  #counts({ contract: { input, outputs } }, window) {
    return outputs[0].frame_rate !== null || musicIn(window) >= input.min_samples;
  }
}
