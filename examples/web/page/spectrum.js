// The picture of the sound: levels on a logarithmic axis of frequency.

import { joined } from "./windows.js";

export const SPECTRUM_RATE = 16000;
export const LOWEST_HZ = 65.406, OCTAVES = 6, BINS_PER_OCTAVE = 24;
export const BINS = OCTAVES * BINS_PER_OCTAVE;
export const COLUMNS_PER_S = 31.25;
const SIZE = 4096, HOP = SPECTRUM_RATE / COLUMNS_PER_S;
const FLOOR_DB = -100;

/** Where a frequency lies in the picture: 0 at the bottom, 1 at the top. */
export const heightOf = (hertz) => Math.log2(hertz / LOWEST_HZ) / OCTAVES;

/** Computes columns of `BINS` levels, 0 to 255 for -100 to 0 dB, lowest first. */
export class Spectrogram {
  constructor() {
    this.waiting = new Float32Array(SIZE / 2);
    this.columns = [];
    this.window = Float32Array.from({ length: SIZE }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / SIZE));
    this.centres = Float32Array.from({ length: BINS }, (_, bin) =>
      (LOWEST_HZ * 2 ** ((bin + 0.5) / BINS_PER_OCTAVE) * SIZE) / SPECTRUM_RATE);
  }

  /** Take the next samples. */
  add(samples) {
    const all = joined([this.waiting, samples]);
    let start = 0;
    for (; start + SIZE <= all.length; start += HOP) this.columns.push(this.#column(all, start));
    this.waiting = all.slice(start);
  }

  /** Give the columns that are new. */
  take() {
    const columns = this.columns;
    this.columns = [];
    return columns;
  }

  #column(samples, start) {
    const re = Float64Array.from(this.window, (weight, n) => weight * samples[start + n]);
    const im = new Float64Array(SIZE);
    transform(re, im);
    const power = (k) => re[k] ** 2 + im[k] ** 2;
    return Uint8Array.from(this.centres, (centre) => {
      const k = Math.floor(centre), part = centre - k;
      const level = ((1 - part) * power(k) + part * power(k + 1)) / (SIZE / 4) ** 2;
      const decibels = 10 * Math.log10(level + 1e-12);
      return Math.max(0, Math.min(255, 255 * (1 - decibels / FLOOR_DB)));
    });
  }
}

/** The discrete Fourier transform in place; the size is a power of two. */
export function transform(re, im) {
  const size = re.length;
  for (let n = 1, m = 0; n < size; n++) {
    let bit = size >> 1;
    for (; m & bit; bit >>= 1) m ^= bit;
    m ^= bit;
    if (n < m) {
      [re[n], re[m]] = [re[m], re[n]];
      [im[n], im[m]] = [im[m], im[n]];
    }
  }
  for (let length = 2; length <= size; length <<= 1) {
    const half = length >> 1;
    for (let k = 0; k < half; k++) {
      const c = Math.cos((2 * Math.PI * k) / length), s = -Math.sin((2 * Math.PI * k) / length);
      for (let a = k, b = k + half; a < size; a += length, b += length) {
        const x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
}
