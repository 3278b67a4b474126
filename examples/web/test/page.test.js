// What the page's modules compute, without a browser.
import assert from "node:assert/strict";
import { test } from "node:test";

import { findSegments, meanTags, notesOf } from "../page/annotations.js";
import { parseChord, withBass } from "../page/chords.js";
import { mp3Delay } from "../page/decode.js";
import { midiFile } from "../page/midi.js";
import { fixed, float, roundEven, toJson } from "../page/numbers.js";
import { Resampler, toMono } from "../page/resample.js";
import { BINS, columnsFrom, heightOf, SPECTRUM_RATE, transform } from "../page/spectrum.js";
import { frameJoiner, Samples, windowsFrom } from "../page/windows.js";

const FRAMES = {
  input: { sample_rate: 1000, min_samples: 100, window_samples: 600, hop_samples: 200, pad_left_samples: 200 },
  outputs: [{ frame_rate: 10, first_frame_s: 0 }],
};
const sine = (hertz, rate, seconds) =>
  Float32Array.from({ length: rate * seconds }, (_, n) => Math.sin((2 * Math.PI * hertz * n) / rate));

/** Windows of samples that come in blocks of a size, the last ones asked for twice. */
function cut(samples, size, contract) {
  const recording = new Samples(), windows = [];
  for (let n = 0; n < samples.length; n += size) {
    recording.add(samples.slice(n, n + size));
    windows.push(...windowsFrom(windows.length, recording, contract, false));
  }
  const rest = [...windowsFrom(windows.length, recording, contract, true)];
  assert.deepEqual([...windowsFrom(windows.length, recording, contract, true)], rest);
  return [...windows, ...rest];
}

test("windows are the same whatever the blocks", () => {
  const samples = Float32Array.from({ length: 1234 }, (_, n) => n + 1), whole = cut(samples, 1234, FRAMES);
  assert.deepEqual(whole.map(({ start }) => start), [-200, 0, 200, 400, 600, 800, 1000]);
  assert.deepEqual([...whole[0].waveform.slice(198, 203)], [0, 0, 1, 2, 3]);
  assert.equal(whole.at(-1).waveform[233], 1234);
  assert.equal(whole.at(-1).waveform[234], 0);
  for (const size of [1, 7, 199, 600, 601]) assert.deepEqual(cut(samples, size, FRAMES), whole);
});

test("windows apart from each other skip what lies between", () => {
  const input = { ...FRAMES.input, min_samples: 1, window_samples: 4, hop_samples: 10, pad_left_samples: 0 };
  const samples = Float32Array.from({ length: 25 }, (_, n) => n);
  for (const size of [1, 3, 25]) {
    const windows = cut(samples, size, { input, outputs: [{ frame_rate: null }] });
    assert.deepEqual(windows.map(({ waveform }) => [...waveform]), [[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]]);
  }
});

test("windows of tags with too little music are left out", () => {
  const input = { ...FRAMES.input, min_samples: 3, window_samples: 4, hop_samples: 4, pad_left_samples: 0 };
  const counted = (length) => cut(new Float32Array(length), 5, { input, outputs: [{ frame_rate: null }] }).length;
  assert.deepEqual([4, 6, 7, 8].map(counted), [1, 1, 2, 2]);
});

test("a recording grows beyond what was set aside, and is silent around", () => {
  const recording = new Samples();
  for (let n = 0; n < 9; n++) recording.add(new Float32Array(100000).fill(n + 1));
  assert.equal(recording.length, 900000);
  assert.deepEqual([...recording.cut(-2, 3)], [0, 0, 1]);
  assert.deepEqual([...recording.cut(499999, 2)], [5, 6]);
  assert.deepEqual([...recording.cut(899999, 2)], [9, 0]);
  assert.deepEqual([...recording.cut(900005, 2), ...recording.cut(-9, 2)], [0, 0, 0, 0]);
});

test("middle frames of windows join without seams", () => {
  const windows = [0, 1].map((w) => ({ outputs: { f0: Array.from({ length: 7 }, (_, frame) => 14 * w + 2 * frame) } }));
  const { join, times } = frameJoiner(FRAMES, windows, 0.4);
  assert.deepEqual(join("f0"), [4, 6, 18, 20]);
  assert.deepEqual(times, [0, 0.1, 0.2, 0.3]);
  assert.deepEqual([0, 0.21, 0.41].map((seconds) => frameJoiner(FRAMES, windows, seconds).times.length), [1, 3, 4]);
});

/** Samples at another rate, having come in blocks of a size. */
function resample(samples, from, to, size = samples.length) {
  const source = new Samples(), resampler = new Resampler(source, from, to);
  for (let n = 0; n < samples.length; n += size) {
    source.add(samples.slice(n, n + size));
    resampler.advance(false);
  }
  resampler.advance(true);
  return resampler.result.cut(0, resampler.result.length);
}

test("resampling leaves tones as they are, and drops what the new rate cannot hold", () => {
  for (const [from, to] of [[48000, 16000], [44100, 16000], [44100, 22050], [8000, 16000]]) {
    const result = resample(sine(440, from, 1), from, to), expected = sine(440, to, 1);
    assert.equal(result.length, to);
    for (let n = to / 10; n < (9 * to) / 10; n++) assert.ok(Math.abs(result[n] - expected[n]) < 1e-4);
  }
  const above = resample(sine(8400, 48000, 1), 48000, 16000).subarray(1000, 15000);
  assert.ok(Math.max(...above) < 1e-4);
  const below = resample(sine(7200, 48000, 1), 48000, 16000).subarray(1000, 15000);
  assert.ok(Math.max(...below) > 0.999);
});

test("resampling is the same whatever the blocks", () => {
  const samples = Float32Array.from({ length: 20000 }, (_, n) => Math.sin(n * n * 1e-4));
  const whole = resample(samples, 44100, 16000);
  for (const size of [64, 4096]) assert.deepEqual(resample(samples, 44100, 16000, size), whole);
  assert.deepEqual(resample(samples, 16000, 16000, 64), samples);
});

test("channels are averaged", () => {
  assert.deepEqual([...toMono([Float32Array.of(1, 0), Float32Array.of(0, -1)])], [0.5, -0.5]);
});

test("numbers are those of Python", () => {
  const shown = [0, 1, -2.5, 0.1, 1e-5, 1.5e-7, 123456789, 1e16, 1.25e22, 0.0001, 1 / 3];
  const python = ["0.0", "1.0", "-2.5", "0.1", "1e-05", "1.5e-07", "123456789.0", "1e+16", "1.25e+22", "0.0001", "0.3333333333333333"];
  assert.deepEqual(shown.map(float), python);
  assert.throws(() => float(NaN));
  assert.deepEqual([0.5, 1.5, 2.5, -0.5, -1.5, 2.4].map(roundEven).map((x) => x + 0), [0, 2, 2, 0, -2, 2]);
  assert.deepEqual([fixed(0.0078125), fixed(0.0234375), fixed(2.35), fixed(1e-7)], ["0.007812", "0.023438", "2.350000", "0.000000"]);
  assert.equal(toJson({ a: [1, -0.5, null], index: 2, b: {}, c: "é\n1\"2" }), '{\n "a": [\n  1.0,\n  -0.5,\n  null\n ],\n "index": 2,\n "b": {},\n "c": "\\u00e9\\n1\\"2"\n}');
  assert.throws(() => toJson({ a: [NaN] }), /NaN/);
});

test("chords are read, and inversions named", () => {
  assert.deepEqual(parseChord("A:min7/b3").pitchClasses, [0, 4, 7, 9]);
  assert.equal(parseChord("A:min7/b3").bass, 0);
  assert.equal(parseChord("N"), null);
  assert.throws(() => parseChord("Cmaj7"), /A:min7/);
  assert.deepEqual([withBass("C:maj", 4), withBass("C:maj", 2), withBass("B:dim7", 8)], ["C:maj/3", "C:maj", "B:dim7/bb7"]);
});

test("segments, tags and notes", () => {
  const segments = findSegments([3, 3, 5], [0, 1, 2], 2.5).map(({ startS, endS }) => [startS, endS]);
  assert.deepEqual(segments, [[0, 1.5], [1.5, 2.5]]);
  const tags = { labels: ["a", "b"], times: [0, 3], windowS: 3, durationS: 4, probabilities: [[0.2, 0.4], [1, 0.4]] };
  assert.deepEqual(meanTags(tags).map(({ label, probability }) => [label, probability.toFixed(6)]), [["a", "0.400000"], ["b", "0.400000"]]);
  const f0 = [440, 440, 440, 440, 466.16, 466.16, 466.16, 466.16, -440];
  const notes = notesOf({ times: f0.map((_, n) => n / 10), f0, durationS: 0.9 });
  assert.deepEqual(notes.map(({ pitch }) => Math.round(pitch)), [69, 70]);
});

test("a MIDI file has a running status and an end", () => {
  const note = { startS: 0, endS: 1, pitch: 60, velocity: 96, bendTimes: [], bends: [] };
  const bytes = midiFile([note], { name: "x", program: 0 });
  assert.equal(String.fromCharCode(...bytes.slice(0, 4)), "MThd");
  assert.deepEqual([...bytes.slice(-4)], [0, 0xff, 0x2f, 0]);
  assert.throws(() => midiFile([{ ...note, bends: [200], bendTimes: [0] }], { name: "x", program: 0 }), /127/);
});

test("the delay of an MP3 is known where it is not stated", () => {
  const frame = Uint8Array.from([0xff, 0xfb, 0x90, 0, ...new Array(300).fill(0)]);
  assert.equal(mp3Delay(frame), 529 / 44100);
  const tagged = Uint8Array.from([73, 68, 51, 3, 0, 0, 0, 0, 1, 0, ...new Array(128).fill(0), ...frame]);
  assert.equal(mp3Delay(tagged), 529 / 44100);
  const stated = frame.slice();
  stated.set([73, 110, 102, 111], 36);
  assert.equal(mp3Delay(stated), 0);
  assert.equal(mp3Delay(Uint8Array.from([82, 73, 70, 70, 0, 0, 0, 0])), 0);
  assert.equal(mp3Delay(new Uint8Array(0)), 0);
});

test("the transform is that of the definition, and a tone is where it belongs", () => {
  const re = Float64Array.from([1, 2, 3, 4, 0, 0, 1, 0]), im = new Float64Array(8), given = [...re];
  transform(re, im);
  for (let k = 0; k < 8; k++) {
    const sum = given.reduce((so, x, n) => so + x * Math.cos((2 * Math.PI * k * n) / 8), 0);
    assert.ok(Math.abs(re[k] - sum) < 1e-12);
  }
  const sound = new Samples();
  sound.add(sine(440, SPECTRUM_RATE, 1));
  const columns = columnsFrom(0, sound), column = columns[16];
  assert.equal(columns.length, 28);
  assert.deepEqual(columnsFrom(20, sound), columns.slice(20));
  assert.equal(column.indexOf(Math.max(...column)), Math.floor(heightOf(440) * BINS));
});
