// Files of annotations: JAMS, lab and MIDI, byte for byte as mirzoo writes them.

import { parseChord } from "./chords.js";
import { meanTags, notesOf, tagIntervals } from "./annotations.js";
import { midiFile } from "./midi.js";
import { fixed, roundEven, toJson } from "./numbers.js";

const LOWEST_BASS = 40, LOWEST_TONE = 60; // MIDI pitches
const CHORD_BASS_VELOCITY = 96, CHORD_TONE_VELOCITY = 72, MELODY_VELOCITY = 127;
const FLUTE = 73;
const BEND_NOTICED = 0.005; // semitones

/** The formats of each task. */
export const FORMATS = {
  tagging: ["jams"],
  chords: ["jams", "lab", "mid"],
  melody: ["jams", "mid"],
};

/**
 * Write an annotation.
 * @param {object} annotation As the collectors of `annotations.js` give it.
 * @param {string} format One of `FORMATS` of its task.
 * @param {{source: string|null, jamsVersion: string}} about
 * @returns {string|Uint8Array}
 */
export function write(annotation, format, about) {
  return WRITERS[annotation.task][format](annotation, about);
}

const WRITERS = {
  tagging: { jams: tagsJams },
  chords: {
    jams: chordsJams,
    lab: ({ segments }) =>
      segments.map(({ startS, endS, label }) => `${fixed(startS)}\t${fixed(endS)}\t${label}\n`).join(""),
    mid: ({ segments }) => midiFile(chordNotes(segments), { name: "chords", program: 0 }),
  },
  melody: {
    jams: melodyJams,
    mid: (melody) =>
      midiFile(notesOf(melody).map(melodyNote), { name: "melody", program: FLUTE }),
  },
};

/** The notes of chords: their tones around middle C over a bass. */
export function chordNotes(segments) {
  return segments.flatMap(({ startS, endS, label }) => {
    const chord = parseChord(label);
    if (chord === null) return [];
    const above = (lowest, pitchClass) => lowest + ((pitchClass - lowest) % 12 + 12) % 12;
    const note = (pitch, velocity) => ({ startS, endS, pitch, velocity, bendTimes: [], bends: [] });
    return [
      note(above(LOWEST_BASS, chord.bass), CHORD_BASS_VELOCITY),
      ...chord.pitchClasses.map((tone) => note(above(LOWEST_TONE, tone), CHORD_TONE_VELOCITY)),
    ];
  });
}

function melodyNote({ startS, endS, pitch, bends }) {
  const key = roundEven(pitch);
  const moved = bends.map((bend) => bend + (pitch - key));
  const isBent = moved.some((bend) => Math.abs(bend) > BEND_NOTICED);
  const step = (endS - startS) / moved.length;
  return {
    startS, endS, pitch: key, velocity: MELODY_VELOCITY,
    bendTimes: isBent ? moved.map((_, n) => n * step + startS) : [],
    bends: isBent ? moved : [],
  };
}

const observation = (time, duration, value, confidence = null) => ({
  time, duration, value, confidence,
});

function tagsJams(tags, about) {
  const whole = meanTags(tags).map(({ label, probability }) =>
    observation(0, tags.durationS, label, probability));
  const windows = tagIntervals(tags).map(([start, end], n) =>
    observation(start, end - start, tags.probabilities[n].map((p) => roundEven(p * 1e6) / 1e6)));
  const sandbox = {
    labels: tags.labels,
    times: tags.times,
    window_s: tags.windowS,
    ...(tags.thresholds && { thresholds: tags.thresholds }),
    model: tags.model,
    source: about.source,
  };
  return jams(tags, about, [
    ["tag_open", whole, {}],
    ["vector", windows, sandbox],
  ]);
}

function chordsJams(chords, about) {
  const data = chords.segments.map(({ startS, endS, label }) =>
    observation(startS, endS - startS, label));
  return jams(chords, about, [["chord", data, { model: chords.model, source: about.source }]]);
}

function melodyJams(melody, about) {
  let stretch = 0n, before = false;
  const value = melody.f0.map((hertz) => {
    const voiced = hertz > 0;
    if (voiced && !before) stretch++;
    before = voiced;
    return { index: stretch, frequency: Math.abs(hertz), voiced };
  });
  const data = {
    time: melody.times,
    duration: melody.times.map(() => 0),
    value,
    confidence: melody.f0.map((hertz) => (hertz > 0 ? 1 : 0)),
  };
  return jams(melody, about, [
    ["pitch_contour", data, { model: melody.model, source: about.source }],
  ]);
}

function jams({ model, durationS }, { source, jamsVersion }, found) {
  const annotations = found.map(([namespace, data, sandbox]) => ({
    annotation_metadata: {
      curator: { name: "", email: "" },
      annotator: {},
      version: "",
      corpus: "",
      annotation_tools: `mirzoo ${model}`,
      annotation_rules: "",
      validation: "",
      data_source: "program",
    },
    namespace,
    data,
    sandbox,
    time: 0,
    duration: durationS,
  }));
  const document = {
    annotations,
    file_metadata: {
      title: source ? stem(source) : "",
      artist: "",
      release: "",
      duration: durationS,
      identifiers: {},
      jams_version: jamsVersion,
    },
    sandbox: {},
  };
  return `${toJson(document)}\n`;
}

/** A file's name without its suffix. */
export function stem(name) {
  const dot = name.lastIndexOf(".");
  return dot > 0 && dot < name.length - 1 ? name.slice(0, dot) : name;
}
