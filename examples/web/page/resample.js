// Resample a recording while it comes in: windowed sinc filters, one for each phase between rates.

import { Samples } from "./windows.js";

const ZERO_CROSSINGS = 72;
const CUTOFF = 0.957; // of the lower Nyquist frequency, where the filter is at -6 dB
const BLACKMAN_HARRIS = [0.35875, 0.48829, 0.14128, 0.01168];

/** Resamples `source` from one rate to another (Hz, whole) into `result`, without delay. */
export class Resampler {
  #filters = [];

  constructor(source, from, to) {
    const divisor = gcd(from, to), bandwidth = (CUTOFF * Math.min(from, to)) / from;
    Object.assign(this, { source, bandwidth, up: to / divisor, down: from / divisor });
    this.half = Math.ceil(ZERO_CROSSINGS / bandwidth);
    this.result = from === to ? source : new Samples();
  }

  /** Compute what the samples that have come allow, at the end of the recording all. */
  advance(isEnd) {
    const { source, result, up, down, half } = this, begin = result.length;
    if (result === source) return;
    const total = (source.length * up) / down;
    const end = isEnd ? Math.round(total) : Math.ceil(((source.length - half) * up) / down);
    if (end <= begin) return;
    const first = Math.floor((begin * down) / up) - half;
    const samples = source.cut(first, Math.floor(((end - 1) * down) / up) + half + 1 - first);
    result.add(Float32Array.from({ length: end - begin }, (_, n) => {
      const place = (begin + n) * down, start = Math.floor(place / up) - half - first;
      const filter = (this.#filters[place % up] ??= this.#filter(place % up));
      let sum = 0;
      for (let k = 0; k < filter.length; k++) sum += filter[k] * samples[start + k];
      return sum;
    }));
  }

  /** The filter for what lies `phase / up` behind a sample. */
  #filter(phase) {
    const { half, up, bandwidth } = this;
    const filter = Float64Array.from({ length: 2 * half + 1 }, (_, k) => {
      const distance = k - half - phase / up, x = Math.PI * distance * bandwidth;
      const angle = (Math.PI * distance) / (half + 1);
      const window = BLACKMAN_HARRIS.reduce((sum, weight, n) => sum + weight * Math.cos(n * angle), 0);
      return (x === 0 ? 1 : Math.sin(x) / x) * window;
    });
    const sum = filter.reduce((a, b) => a + b);
    return filter.map((value) => value / sum);
  }
}

/** The mean of several channels. */
export function toMono(channels) {
  const [first] = channels, count = channels.length;
  return count === 1 ? first : first.map((_, n) => channels.reduce((sum, c) => sum + c[n], 0) / count);
}

const gcd = (a, b) => (b ? gcd(b, a % b) : a);
