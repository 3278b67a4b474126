// Resample a stream: windowed sinc filters, one for each phase between two sample rates.

import { joined } from "./windows.js";

const ZERO_CROSSINGS = 72;
const CUTOFF = 0.957; // of the lower Nyquist frequency, where the filter is at -6 dB
const KAISER_BETA = 10;

/** Resamples mono float32 samples, block by block; without delay, as zeros lie before and behind. */
export class Resampler {
  /**
   * @param {number} from Rate of what goes in (Hz, whole).
   * @param {number} to Rate of what comes out (Hz, whole).
   */
  constructor(from, to) {
    const divisor = gcd(from, to);
    this.up = to / divisor;
    this.down = from / divisor;
    this.isSame = from === to;
    this.bandwidth = (CUTOFF * Math.min(from, to)) / from;
    this.half = Math.ceil(ZERO_CROSSINGS / this.bandwidth);
    this.filters = [];
    this.waiting = new Float32Array(this.half); // begins `half` samples before the next output's
    this.first = -this.half; // number of the sample that `waiting` begins with
    this.next = 0; // number of the next output
    this.received = 0;
  }

  /** Take the next block, and give what can be computed of the result. */
  add(block) {
    if (this.isSame) return block;
    this.received += block.length;
    return this.#compute(block, Infinity);
  }

  /** Give the rest of the result. */
  finish() {
    if (this.isSame) return new Float32Array(0);
    const total = Math.round((this.received * this.up) / this.down);
    return this.#compute(new Float32Array(2 * this.half + 1), total);
  }

  #compute(block, total) {
    const samples = joined([this.waiting, block]);
    const last = this.first + samples.length - 1 - this.half; // the last centre that can be computed
    const end = Math.min(total, Math.ceil(((last + 1) * this.up) / this.down));
    const result = new Float32Array(Math.max(0, end - this.next));
    const length = 2 * this.half + 1;
    for (let n = 0; n < result.length; n++) {
      const place = (this.next + n) * this.down;
      const start = Math.floor(place / this.up) - this.half - this.first;
      const filter = this.#filter(place % this.up);
      let sum = 0;
      for (let k = 0; k < length; k++) sum += filter[k] * samples[start + k];
      result[n] = sum;
    }
    this.next += result.length;
    const needed = Math.floor((this.next * this.down) / this.up) - this.half;
    const drop = Math.min(samples.length, Math.max(0, needed - this.first));
    this.waiting = samples.slice(drop);
    this.first += drop;
    return result;
  }

  /** The filter for outputs that lie `phase / up` behind a sample. */
  #filter(phase) {
    if (this.filters[phase]) return this.filters[phase];
    const filter = Float64Array.from({ length: 2 * this.half + 1 }, (_, k) => {
      const distance = k - this.half - phase / this.up;
      const x = Math.PI * distance * this.bandwidth;
      const inside = Math.max(0, 1 - (distance / (this.half + 1)) ** 2);
      return (x === 0 ? 1 : Math.sin(x) / x) * bessel(KAISER_BETA * Math.sqrt(inside));
    });
    const sum = filter.reduce((a, b) => a + b);
    return (this.filters[phase] = filter.map((value) => value / sum));
  }
}

/** Resample a whole recording. */
export function resample(samples, from, to) {
  const resampler = new Resampler(from, to);
  return joined([resampler.add(samples), resampler.finish()]);
}

/** The mean of several channels. */
export function toMono(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, n) => channels.reduce((sum, channel) => sum + channel[n], 0) / channels.length);
}

/** The modified Bessel function of order 0. */
function bessel(x) {
  let sum = 1, term = 1;
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function gcd(a, b) {
  return b === 0 ? a : gcd(b, a % b);
}
