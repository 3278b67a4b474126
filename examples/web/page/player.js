// Plays the recording, and chords or melody over it, all by the clock of one AudioContext.

import { notesOf } from "./annotations.js";
import { chordNotes } from "./files.js";

const LEVELS = { music: 0.9, chords: 0.08, melody: 0.2 };

export class Player {
  duration = 0;
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
    Object.assign(this, { buffer, annotations, duration: buffer?.duration ?? 0 });
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
    for (const note of chords?.segments.flatMap(chordNotes) ?? []) this.#sound("chords", note, from);
    for (const note of melody ? notesOf(melody) : []) this.#sound("melody", note, from);
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

  /** Have what is left of a note sound in its time. */
  #sound(what, { startS, endS, pitch, velocity = 96 }, from) {
    if (endS <= from) return;
    const start = this.#startedAt + Math.max(from, startS), end = this.#startedAt + endS;
    const frequency = 440 * 2 ** ((pitch - 69) / 12), loudness = new GainNode(this.#context, { gain: 0 });
    const tone = new OscillatorNode(this.#context, { type: "triangle", frequency });
    tone.connect(loudness).connect(this.#gains[what]);
    loudness.gain.setTargetAtTime(velocity / 96, start, 0.01);
    loudness.gain.setTargetAtTime(0, end - 0.03, 0.01);
    tone.start(start);
    tone.stop(end + 0.05);
    this.#sources.push(tone);
  }
}
