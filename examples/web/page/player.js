// Plays the recording, and chords or melody over it, all by the clock of one AudioContext.

import { chordNotes } from "./files.js";

const HARMONICS = [0, 1, 0.5, 0.25, 0.12];
const LEVELS = { music: 0.9, chords: 0.08, melody: 0.2 };
const hertz = (pitch) => 440 * 2 ** ((pitch - 69) / 12);

export class Player {
  buffer = null;
  annotations = {}; // by task
  audible = { music: true, chords: false, melody: false };
  #context = null;
  #gains = {};
  #playing = null; // { sources, startedAt }
  #position = 0;

  /** @param {() => void} changed Called when playing starts or stops. */
  constructor(changed) {
    this.changed = changed;
  }

  get duration() {
    return this.buffer?.duration ?? 0;
  }

  get isPlaying() {
    return this.#playing !== null;
  }

  /** Where the cursor is (s). */
  get time() {
    if (!this.#playing) return this.#position;
    return Math.min(this.duration, Math.max(0, this.#context.currentTime - this.#playing.startedAt));
  }

  load(buffer) {
    this.pause();
    this.buffer = buffer;
    this.annotations = {};
    this.#position = 0;
  }

  /** Make music, chords or melody audible, or silent. */
  setAudible(what, audible) {
    this.audible[what] = audible;
    this.#gains[what]?.gain.setTargetAtTime(audible ? LEVELS[what] : 0, this.#context.currentTime, 0.02);
  }

  async play() {
    if (!this.buffer || this.#playing) return;
    const context = (this.#context ??= this.#start());
    await context.resume();
    if (this.#playing) return;
    if (this.#position >= this.duration - 0.05) this.#position = 0;
    const from = this.#position, startedAt = context.currentTime + 0.1 - from;
    const music = new AudioBufferSourceNode(context, { buffer: this.buffer });
    music.connect(this.#gains.music);
    music.onended = () => this.pause();
    music.start(startedAt + from, from);
    this.#playing = { sources: [music], startedAt };
    const { chords, melody } = this.annotations;
    if (chords) this.#playChords(chords.segments.filter(({ endS }) => endS > from), from);
    if (melody) this.#sing(melody, from);
    this.changed();
  }

  pause() {
    if (!this.#playing) return;
    this.#position = this.time;
    for (const source of this.#playing.sources) {
      source.onended = null;
      source.disconnect();
      source.stop();
    }
    this.#playing = null;
    this.changed();
  }

  /** Move the cursor (s). */
  seek(seconds) {
    const plays = this.isPlaying;
    this.pause();
    this.#position = Math.max(0, Math.min(this.duration, seconds));
    if (plays) this.play();
  }

  #start() {
    const context = new AudioContext();
    for (const what of Object.keys(LEVELS)) {
      this.#gains[what] = new GainNode(context, { gain: this.audible[what] ? LEVELS[what] : 0 });
      this.#gains[what].connect(context.destination);
    }
    return context;
  }

  /** An oscillator that sounds from now on as loud as its second node's gain. */
  #voice(what, at) {
    const imag = Float32Array.from(HARMONICS), real = new Float32Array(imag.length);
    const tone = new OscillatorNode(this.#context, { periodicWave: new PeriodicWave(this.#context, { real, imag }) });
    const gain = new GainNode(this.#context, { gain: 0 });
    tone.connect(gain).connect(this.#gains[what]);
    tone.start(at);
    this.#playing.sources.push(tone);
    return [tone.frequency, gain.gain];
  }

  /** Play the tones of chords, each of the voices one of them. */
  #playChords(segments, from) {
    const { startedAt } = this.#playing, voices = [];
    for (const segment of segments) {
      const start = startedAt + Math.max(from, segment.startS);
      chordNotes([segment]).forEach(({ pitch, velocity }, n) => {
        const [frequency, gain] = (voices[n] ??= this.#voice("chords", startedAt + from));
        frequency.setValueAtTime(hertz(pitch), start);
        gain.setTargetAtTime(velocity / 96, start, 0.01);
        gain.setTargetAtTime(0.2, start + 0.06, 1.5);
        gain.setTargetAtTime(0, startedAt + segment.endS - 0.06, 0.015);
      });
    }
  }

  /** Follow the contour, silent where it is unvoiced. */
  #sing({ times, f0 }, from) {
    const first = times.findIndex((time) => time >= from);
    if (first < 0 || first > f0.length - 2) return;
    const at = this.#playing.startedAt + times[first], lasts = times.at(-1) - times[first];
    const [frequency, gain] = this.#voice("melody", at);
    frequency.setValueCurveAtTime(f0.slice(first).map(Math.abs), at, lasts);
    gain.setValueCurveAtTime(f0.slice(first).map((found) => (found > 0 ? 1 : 0)), at, lasts);
    gain.setTargetAtTime(0, at + lasts + 0.01, 0.01);
  }
}
