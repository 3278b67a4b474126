// Windows of a recording, and the frames of overlapping windows joined, as `mirzoo.annotate` does.

const FRAME_ROUNDING = 1e-6;

/** Cuts a recording into windows, block by block. */
export class Cutter {
  /** @param {object} contract Of the model's file. */
  constructor({ input, outputs }) {
    this.input = input;
    this.start = -input.pad_left_samples; // of the next window (samples)
    this.end = 0; // of what came in
    this.covered = 0; // up to where windows count
    const context = outputs[0].frame_rate === null ? 0 : contextOf(input);
    this.covers = Math.max(input.window_samples, input.hop_samples) - context;
    this.waiting = new Float32Array(input.pad_left_samples);
    this.skip = 0; // samples to leave out, where windows are apart from each other
  }

  /** Take the next samples, and give the windows that they fill. */
  add(block) {
    this.end += block.length;
    const skipped = Math.min(this.skip, block.length);
    this.skip -= skipped;
    this.waiting = joined([this.waiting, block.subarray(skipped)]);
    const windows = [];
    while (this.waiting.length >= this.input.window_samples) windows.push(this.#next());
    return windows;
  }

  /** Give the windows of what is left, filled up with zeros; the cutter itself stays as it is. */
  rest() {
    const { start, covered, waiting, skip } = this, windows = [];
    while (this.end > this.covered) windows.push(this.#next());
    Object.assign(this, { start, covered, waiting, skip });
    return windows;
  }

  #next() {
    const { window_samples: length, hop_samples: hop } = this.input;
    const waveform = new Float32Array(length);
    waveform.set(this.waiting.subarray(0, length));
    const window = { start: this.start, end: this.end, waveform };
    this.covered = this.start + this.covers;
    this.start += hop;
    this.skip += Math.max(0, hop - this.waiting.length);
    this.waiting = this.waiting.subarray(hop);
    return window;
  }
}

/** Samples one after the other. */
export function joined(pieces) {
  const whole = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  pieces.reduce((at, piece) => (whole.set(piece, at), at + piece.length), 0);
  return whole;
}

function contextOf(input) {
  return Math.floor((input.window_samples - input.hop_samples) / 2);
}

/** Takes the middle frames of overlapping windows, which are the frames of the recording. */
export class FrameJoiner {
  /** @param {object} contract Of the model's file. */
  constructor({ input, outputs }) {
    const { frame_rate: rate, first_frame_s: first } = outputs[0];
    this.sampleRate = input.sample_rate;
    this.perHop = Math.round((input.hop_samples * rate) / input.sample_rate);
    this.frameSamples = input.hop_samples / this.perHop;
    const untilKept = (contextOf(input) - first * input.sample_rate) / this.frameSamples;
    this.first = Math.max(0, Math.ceil(untilKept - FRAME_ROUNDING));
    this.offsetSamples = (this.first - untilKept) * this.frameSamples;
  }

  /** The frames of a window that count. */
  middle(frames) {
    return frames.slice(this.first, this.first + this.perHop);
  }

  /** Middles of the recording's first frames (s). */
  times(count) {
    return Array.from(
      { length: count },
      (_, frame) => (this.offsetSamples + frame * this.frameSamples) / this.sampleRate,
    );
  }

  /** How many frames lie in a recording. */
  count(durationS) {
    const samples = durationS * this.sampleRate - this.offsetSamples;
    return Math.max(1, Math.ceil(samples / this.frameSamples - FRAME_ROUNDING));
  }
}

/** Seconds of music in a window, in samples: less at both ends of a recording. */
export function musicIn({ start, end, waveform }) {
  return Math.min(end - start, waveform.length) + Math.min(start, 0);
}
