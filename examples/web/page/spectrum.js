// The picture of the sound: levels on a logarithmic axis of frequency.

export const SPECTRUM_RATE = 16000, COLUMNS_PER_S = 31.25;
const LOWEST_HZ = 65.406, OCTAVES = 6, BINS_PER_OCTAVE = 24, FLOOR_DB = -100;
export const BINS = OCTAVES * BINS_PER_OCTAVE;
const SIZE = 4096, HOP = SPECTRUM_RATE / COLUMNS_PER_S;

/** Where a frequency lies in the picture: 0 at the bottom, 1 at the top. */
export const heightOf = (hertz) => Math.log2(hertz / LOWEST_HZ) / OCTAVES;

const hann = Float32Array.from({ length: SIZE }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / SIZE));
const centres = Array.from({ length: BINS }, (_, bin) =>
  (LOWEST_HZ * 2 ** ((bin + 0.5) / BINS_PER_OCTAVE) * SIZE) / SPECTRUM_RATE);

/** Columns of a spectrogram from a number on: `BINS` levels each, 0 to 255 for -100 to 0 dB. */
export function columnsFrom(n, samples) {
  const columns = [];
  for (; n * HOP + SIZE / 2 <= samples.length; n++) {
    const re = Float64Array.from(samples.cut(n * HOP - SIZE / 2, SIZE), (x, k) => x * hann[k]);
    const im = new Float64Array(SIZE);
    transform(re, im);
    const power = (k) => re[k] ** 2 + im[k] ** 2;
    columns.push(Uint8ClampedArray.from(centres, (centre) => {
      const k = Math.floor(centre), part = centre - k;
      const level = ((1 - part) * power(k) + part * power(k + 1)) / (SIZE / 4) ** 2;
      return Math.floor(255 * (1 - (10 * Math.log10(level + 1e-12)) / FLOOR_DB));
    }));
  }
  return columns;
}

/** The discrete Fourier transform in place; the size is a power of two. */
export function transform(re, im) {
  const size = re.length;
  for (let n = 1, m = 0; n < size; n++) {
    let bit = size >> 1;
    for (; m & bit; bit >>= 1) m ^= bit;
    m ^= bit;
    if (n < m) for (const x of [re, im]) [x[n], x[m]] = [x[m], x[n]];
  }
  for (let half = 1; half < size; half <<= 1) {
    for (let k = 0; k < half; k++) {
      const c = Math.cos((Math.PI * k) / half), s = -Math.sin((Math.PI * k) / half);
      for (let a = k, b = k + half; b < size; a += 2 * half, b += 2 * half) {
        const x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
}
