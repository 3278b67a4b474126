// Plays the recording, and chords or melody over it, all by the clock of one AudioContext.

import { chordNotes } from "./files.js";

const LEVELS = { music: 0.9, chords: 0.08, melody: 0.2 };
const hertz = (pitch) => 440 * 2 ** ((pitch - 69) / 12);

export class Player {
  audible = { music: true, chords: false, melody: false };
  #context = null;
  #gains = {};
  #sources = null; // while it plays
  #startedAt = 0;
  #position = 0;

  /** `changed` is called when playing starts or stops. */
  constructor(changed) {
    this.changed = changed;
  }

  get duration() {
    return this.buffer?.duration ?? 0;
  }

  get isPlaying() {
    return this.#sources !== null;
  }

  /** Where the cursor is (s). */
  get time() {
    const now = this.isPlaying ? this.#context.currentTime - this.#startedAt : this.#position;
    return Math.min(this.duration, Math.max(0, now));
  }

  /** Take a recording, or null, and what is found in it, by task. */
  load(buffer, annotations) {
    this.pause();
    Object.assign(this, { buffer, annotations });
    this.#position = 0;
  }

  /** Make music, chords or melody audible, or silent. */
  setAudible(what, audible) {
    this.audible[what] = audible;
    this.#gains[what]?.gain.setTargetAtTime(audible ? LEVELS[what] : 0, this.#context.currentTime, 0.02);
  }

  async play() {
    if (!this.buffer || this.isPlaying) return;
    const context = (this.#context ??= this.#start());
    await context.resume();
    if (this.isPlaying) return;
    const from = this.#position < this.duration - 0.05 ? this.#position : 0;
    this.#startedAt = context.currentTime + 0.1 - from;
    const music = new AudioBufferSourceNode(context, { buffer: this.buffer });
    music.connect(this.#gains.music);
    music.onended = () => this.pause();
    music.start(this.#startedAt + from, from);
    this.#sources = [music];
    const { chords, melody } = this.annotations;
    if (chords) this.#playChords(chords.segments.filter(({ endS }) => endS > from), from);
    if (melody) this.#sing(melody, from);
    this.changed();
  }

  pause() {
    if (!this.isPlaying) return;
    this.#position = this.time;
    for (const source of this.#sources) {
      source.onended = null;
      source.disconnect();
      source.stop();
    }
    this.#sources = null;
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
    for (const [what, level] of Object.entries(LEVELS)) {
      this.#gains[what] = new GainNode(context, { gain: this.audible[what] ? level : 0 });
      this.#gains[what].connect(context.destination);
    }
    return context;
  }

  /** An oscillator that sounds from a moment on: its frequency and its loudness. */
  #voice(what, at) {
    const tone = new OscillatorNode(this.#context, { type: "triangle" });
    const loudness = new GainNode(this.#context, { gain: 0 });
    tone.connect(loudness).connect(this.#gains[what]);
    tone.start(at);
    this.#sources.push(tone);
    return [tone.frequency, loudness.gain];
  }

  /** Play the tones of chords, each of the voices one of them. */
  #playChords(segments, from) {
    const voices = [], at = (seconds) => this.#startedAt + seconds;
    for (const segment of segments) {
      const start = at(Math.max(from, segment.startS));
      chordNotes(segment).forEach(({ pitch, velocity }, n) => {
        const [frequency, gain] = (voices[n] ??= this.#voice("chords", at(from)));
        frequency.setValueAtTime(hertz(pitch), start);
        gain.setTargetAtTime(velocity / 96, start, 0.01);
        gain.setTargetAtTime(0.2, start + 0.06, 1.5);
        gain.setTargetAtTime(0, at(segment.endS - 0.06), 0.015);
      });
    }
  }

  /** Follow the contour, silent where it is unvoiced. */
  #sing({ times, f0 }, from) {
    const first = times.findIndex((time) => time >= from), contour = f0.slice(first);
    if (first < 0 || contour.length < 2) return;
    const at = this.#startedAt + times[first], lasts = times.at(-1) - times[first];
    const [frequency, gain] = this.#voice("melody", at);
    frequency.setValueCurveAtTime(contour.map(Math.abs), at, lasts);
    gain.setValueCurveAtTime(contour.map((found) => Number(found > 0)), at, lasts);
    gain.setTargetAtTime(0, at + lasts + 0.01, 0.01);
  }
}
