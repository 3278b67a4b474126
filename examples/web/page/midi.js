// Standard MIDI Files of one track, with pitch bends.

import { roundEven } from "./numbers.js";

const TICKS_PER_BEAT = 480, TICKS_PER_SECOND = 960;
const MICROSECONDS_PER_BEAT = [0x07, 0xa1, 0x20];
const CHANNELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15]; // 9 is percussion's
const BEND_RANGES = [2, 24, 127]; // semitones
const BEND_STEPS = 8191;
const NOTE_OFF = 0x80, NOTE_ON = 0x90, CONTROL = 0xb0, PROGRAM = 0xc0, BEND = 0xe0, META = 0xff;
const RPN_MSB = 101, RPN_LSB = 100, DATA_ENTRY = 6;

/**
 * Write notes into a MIDI file.
 * @param {{startS, endS, pitch, velocity, bendTimes, bends}[]} notes In the order of their starts;
 *     `bends` are semitones at `bendTimes` (s).
 * @param {{name: string, program: number}} track
 * @returns {Uint8Array}
 */
export function midiFile(notes, { name, program }) {
  let widest = 0;
  for (const { bends } of notes) for (const bend of bends) widest = Math.max(widest, Math.abs(bend));
  const range = BEND_RANGES.find((known) => widest <= known);
  if (range === undefined) throw new Error(`MIDI bends by at most 127 semitones, not ${widest}`);
  const placed = place(notes, widest > 0);
  const track = new Track();
  track.add(0, meta(0x03, new TextEncoder().encode(name)));
  track.add(0, meta(0x51, MICROSECONDS_PER_BEAT));
  for (const channel of [...new Set(placed.map((note) => note.channel))].sort((a, b) => a - b)) {
    track.add(0, [PROGRAM | channel, program]);
    for (const [controller, value] of [[RPN_MSB, 0], [RPN_LSB, 0], [DATA_ENTRY, range]]) {
      track.add(0, [CONTROL | channel, controller, value]);
    }
  }
  const events = placed.flatMap((note) => eventsOf(note, widest > 0 ? range : null));
  events.sort((a, b) => a.at - b.at || a.order - b.order);
  for (const { at, bytes } of events) track.add(at, bytes);
  const header = [...ascii("MThd"), ...uint32(6), 0, 0, 0, 1, TICKS_PER_BEAT >> 8, TICKS_PER_BEAT & 255];
  return Uint8Array.from([...header, ...track.chunk()]);
}

class Track {
  bytes = [];
  now = 0;
  status = 0;

  /** Add an event at a time (ticks). */
  add(at, event) {
    for (const byte of variableLength(at - this.now)) this.bytes.push(byte);
    this.now = at;
    const repeats = event[0] === this.status;
    for (const byte of repeats ? event.slice(1) : event) this.bytes.push(byte);
    this.status = event[0] === META ? 0 : event[0];
  }

  chunk() {
    const content = [...this.bytes, 0, ...meta(0x2f, [])];
    return [...ascii("MTrk"), ...uint32(content.length), ...content];
  }
}

/** Choose for each note the first channel on which nothing would be taken for it. */
function place(notes, bends) {
  const keys = ["startS", "endS", "pitch", "velocity"];
  const sorted = [...notes].sort((a, b) => {
    const key = keys.find((name) => a[name] !== b[name]);
    return key ? a[key] - b[key] : 0;
  });
  const last = {}; // by channel, and by pitch unless a bend moves them all
  return sorted.map((note) => {
    const start = ticks(note.startS), end = Math.max(start + 1, ticks(note.endS));
    const key = (channel) => (bends ? channel : `${channel} ${note.pitch}`);
    const channel = CHANNELS.find((number) => {
      const before = last[key(number)];
      return !before || (before.end <= start && (!bends || before.endS <= note.startS));
    });
    if (channel === undefined) throw new Error("more notes sound at once than MIDI has channels");
    return (last[key(channel)] = { ...note, start, end, channel });
  });
}

function eventsOf({ start, end, startS, pitch, velocity, channel, bends, bendTimes }, range) {
  const events = [];
  if (range !== null) {
    const times = bendTimes.length ? bendTimes : [startS];
    (bends.length ? bends : [0]).forEach((bend, n) => {
      const value = roundEven((bend / range) * BEND_STEPS) + BEND_STEPS + 1;
      const at = Math.min(Math.max(start, ticks(times[n])), end);
      events.push({ at, order: 1, bytes: [BEND | channel, value & 0x7f, value >> 7] });
    });
  }
  events.push({ at: start, order: 2, bytes: [NOTE_ON | channel, pitch, velocity] });
  events.push({ at: end, order: 0, bytes: [NOTE_OFF | channel, pitch, 0] });
  return events;
}

const ticks = (seconds) => Math.max(0, roundEven(seconds * TICKS_PER_SECOND));
const ascii = (text) => [...text].map((c) => c.charCodeAt(0));
const uint32 = (n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const meta = (kind, content) => [META, kind, ...variableLength(content.length), ...content];

/** A number in MIDI's way: seven bits a byte, the highest first, each but the last marked. */
function variableLength(number) {
  const pieces = [number & 0x7f];
  while ((number >>= 7)) pieces.unshift((number & 0x7f) | 0x80);
  return pieces;
}
