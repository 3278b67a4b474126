// Files of annotations: JAMS, lab and MIDI, byte for byte as mirzoo writes them.

import { meanTags, notesOf, tagIntervals } from "./annotations.js";
import { parseChord } from "./chords.js";
import { midiFile } from "./midi.js";
import { fixed, roundEven, toJson } from "./numbers.js";

const LOWEST_BASS = 40, LOWEST_TONE = 60; // MIDI pitches
const FLUTE = 73, PIANO = 0;
const BEND_NOTICED = 0.005; // semitones

/** By task and suffix, what writes an annotation: `(annotation, { source, jamsVersion })`. */
export const WRITERS = {
  tagging: { jams: tagsJams },
  chords: {
    jams: (chords, about) =>
      jams(chords, about, ["chord", chords.segments.map((s) => observation(s.startS, s.endS, s.label)), {}]),
    lab: ({ segments }) =>
      segments.map(({ startS, endS, label }) => `${fixed(startS)}\t${fixed(endS)}\t${label}\n`).join(""),
    mid: ({ segments }) => midiFile(segments.flatMap(chordNotes), { name: "chords", program: PIANO }),
  },
  melody: {
    jams: melodyJams,
    mid: (melody) => midiFile(notesOf(melody).map(melodyNote), { name: "melody", program: FLUTE }),
  },
};

/** The notes of a chord: its tones around middle C over a bass. */
export function chordNotes({ startS, endS, label }) {
  const chord = parseChord(label);
  if (!chord) return [];
  const note = (lowest, pitchClass, velocity) => {
    const pitch = lowest + ((pitchClass - lowest + 120) % 12);
    return { startS, endS, pitch, velocity, bendTimes: [], bends: [] };
  };
  const tones = chord.pitchClasses.map((tone) => note(LOWEST_TONE, tone, 72));
  return [note(LOWEST_BASS, chord.bass, 96), ...tones];
}

function melodyNote({ startS, endS, pitch: middle, bends: around }) {
  const pitch = roundEven(middle), moved = around.map((bend) => bend + (middle - pitch));
  const bends = moved.some((bend) => Math.abs(bend) > BEND_NOTICED) ? moved : [];
  const bendTimes = bends.map((_, n) => n * ((endS - startS) / bends.length) + startS);
  return { startS, endS, pitch, velocity: 127, bendTimes, bends };
}

const observation = (time, end, value, confidence = null) => ({
  time, duration: end - time, value, confidence,
});

function tagsJams(tags, about) {
  const { labels, times, windowS: window_s, thresholds, durationS, probabilities } = tags;
  const whole = meanTags(tags).map(({ label, probability }) => observation(0, durationS, label, probability));
  const windows = tagIntervals(tags).map(([start, end], n) =>
    observation(start, end, probabilities[n].map((p) => roundEven(p * 1e6) / 1e6)));
  const stated = { labels, times, window_s, thresholds }; // of which JSON leaves out what is undefined
  return jams(tags, about, ["tag_open", whole], ["vector", windows, stated]);
}

function melodyJams(melody, about) {
  let index = 0;
  const { times: time, f0 } = melody, value = f0.map((hertz, n) => {
    const voiced = hertz > 0;
    if (voiced && !(f0[n - 1] > 0)) index++;
    return { index, frequency: Math.abs(hertz), voiced };
  });
  const confidence = value.map(({ voiced }) => Number(voiced)), duration = time.map(() => 0);
  return jams(melody, about, ["pitch_contour", { time, duration, value, confidence }, {}]);
}

/** A document of `[namespace, data, stated]`; model and source go with what is stated. */
function jams({ model, durationS: duration }, { source, jamsVersion: jams_version }, ...found) {
  const annotations = found.map(([namespace, data, stated]) => ({
    annotation_metadata: {
      curator: { name: "", email: "" }, annotator: {}, version: "", corpus: "",
      annotation_tools: `mirzoo ${model}`, annotation_rules: "", validation: "", data_source: "program",
    },
    namespace, data, sandbox: stated ? { ...stated, model, source } : {}, time: 0, duration,
  }));
  const title = source ? stem(source) : "";
  const file_metadata = { title, artist: "", release: "", duration, identifiers: {}, jams_version };
  return `${toJson({ annotations, file_metadata, sandbox: {} })}\n`;
}

/** A file's name without its suffix. */
export const stem = (name) => name.replace(/(?<=.)\.[^.]+$/, "");
