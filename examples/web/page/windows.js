// Samples of a recording, its windows, and the frames of overlapping windows joined, as
// `mirzoo.annotate` does.

const ROUNDING = 1e-6; // of a frame

/** Mono samples that come block by block. */
export class Samples {
  length = 0;
  #data = new Float32Array(1 << 18);

  add(block) {
    const end = this.length + block.length;
    if (end > this.#data.length) {
      const longer = new Float32Array(2 * end);
      longer.set(this.#data);
      this.#data = longer;
    }
    this.#data.set(block, this.length);
    this.length = end;
  }

  /** So many samples from a number on; zeros where there are none. */
  cut(start, count) {
    const piece = new Float32Array(count), end = Math.min(this.length, start + count);
    if (end > 0) piece.set(this.#data.subarray(Math.max(0, start), end), Math.max(0, -start));
    return piece;
  }
}

const contextOf = ({ window_samples: size, hop_samples: hop }) => Math.floor((size - hop) / 2);

/** The windows from number `n` on: those that are full, or all that the end of a recording needs. */
export function* windowsFrom(n, samples, { input, outputs }, isEnd) {
  const { window_samples: size, hop_samples: hop, pad_left_samples: pad } = input;
  const framewise = outputs[0].frame_rate !== null;
  const covers = Math.max(size, hop) - (framewise ? contextOf(input) : 0);
  for (; ; n++) {
    const start = n * hop - pad, covered = n ? start - hop + covers : 0;
    if (start + size > samples.length && !(isEnd && samples.length > covered)) return;
    // Of tags those with too little music in them, at both ends of a recording, are left out.
    const music = Math.min(samples.length - start, size) + Math.min(start, 0);
    if (framewise || music >= input.min_samples) yield { n, start, waveform: samples.cut(start, size) };
  }
}

/** What joins the middle frames of windows' outputs, and the times of these frames (s). */
export function frameJoiner({ input, outputs: [{ frame_rate, first_frame_s }] }, windows, durationS) {
  const { hop_samples: hop, sample_rate: rate } = input;
  const perHop = Math.round((hop * frame_rate) / rate), step = hop / perHop;
  const before = (contextOf(input) - first_frame_s * rate) / step;
  const first = Math.max(0, Math.ceil(before - ROUNDING)), offset = (first - before) * step;
  const needed = Math.ceil((durationS * rate - offset) / step - ROUNDING);
  const count = Math.min(Math.max(1, needed), windows.length * perHop);
  const join = (name) =>
    windows.flatMap(({ outputs }) => [...outputs[name].slice(first, first + perHop)]).slice(0, count);
  return { join, times: Array.from({ length: count }, (_, frame) => (offset + frame * step) / rate) };
}
