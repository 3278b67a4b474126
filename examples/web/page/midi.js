// Standard MIDI Files of one track, with pitch bends.

import { roundEven } from "./numbers.js";

const TICKS_PER_S = 960;
const DIVISION = [480 >> 8, 480 & 255], TEMPO = [0x07, 0xa1, 0x20]; // ticks and microseconds a beat
const CHANNELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15]; // 9 is percussion's
const BEND_RANGES = [2, 24, 127], BEND_STEPS = 8191; // semitones, and steps in a range
const NOTE_OFF = 0x80, NOTE_ON = 0x90, CONTROL = 0xb0, PROGRAM = 0xc0, BEND = 0xe0, META = 0xff;

/** Write notes into a file; `bends` are semitones at `bendTimes` (s). */
export function midiFile(notes, { name, program }) {
  const widest = notes.reduce((most, { bends }) => Math.max(most, ...bends.map(Math.abs)), 0);
  const range = BEND_RANGES.find((known) => widest <= known);
  if (!range) throw new Error(`MIDI bends by at most 127 semitones, not ${widest}`);
  const placed = place(notes, widest > 0);
  const channels = CHANNELS.filter((number) => placed.some(({ channel }) => channel === number));
  const prepared = channels.flatMap((channel) => [
    [PROGRAM | channel, program],
    ...[[101, 0], [100, 0], [6, range]].map((setting) => [CONTROL | channel, ...setting]),
  ]);
  const first = [meta(0x03, encoded(name)), meta(0x51, TEMPO), ...prepared];
  const events = placed.flatMap((note) => eventsOf(note, widest > 0 && range));
  events.unshift(...first.map((bytes) => ({ at: 0, order: -1, bytes })));
  const track = [];
  let now = 0, status = 0;
  for (const { at, bytes } of events.sort((a, b) => a.at - b.at || a.order - b.order)) {
    track.push(...variableLength(at - now), ...(bytes[0] === status ? bytes.slice(1) : bytes));
    now = at;
    status = bytes[0] === META ? 0 : bytes[0];
  }
  track.push(0, ...meta(0x2f, []));
  return Uint8Array.from([...chunk("MThd", [0, 0, 0, 1, ...DIVISION]), ...chunk("MTrk", track)]);
}

/** Choose for each note the first channel on which nothing would be taken for it. */
function place(notes, bends) {
  const keys = ["startS", "endS", "pitch", "velocity"];
  const order = (a, b) => keys.reduce((sign, key) => sign || a[key] - b[key], 0);
  const last = {}; // by channel, and by pitch unless a bend moves them all
  return [...notes].sort(order).map((note) => {
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
  const events = [
    { at: start, order: 2, bytes: [NOTE_ON | channel, pitch, velocity] },
    { at: end, order: 0, bytes: [NOTE_OFF | channel, pitch, 0] },
  ];
  if (!range) return events;
  (bends.length ? bends : [0]).forEach((bend, n) => {
    const value = roundEven((bend / range) * BEND_STEPS) + BEND_STEPS + 1;
    const at = Math.min(Math.max(start, ticks(bendTimes[n] ?? startS)), end);
    events.push({ at, order: 1, bytes: [BEND | channel, value & 0x7f, value >> 7] });
  });
  return events;
}

const ticks = (seconds) => Math.max(0, roundEven(seconds * TICKS_PER_S));
const encoded = (text) => [...new TextEncoder().encode(text)];
const meta = (kind, content) => [META, kind, ...variableLength(content.length), ...content];
const chunk = (name, content) => [
  ...encoded(name), ...[24, 16, 8, 0].map((bits) => (content.length >> bits) & 255), ...content,
];

/** A number in MIDI's way: seven bits a byte, the highest first, each but the last marked. */
function variableLength(number) {
  const pieces = [number & 0x7f];
  while ((number >>= 7)) pieces.unshift((number & 0x7f) | 0x80);
  return pieces;
}
