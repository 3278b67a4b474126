// From the outputs of windows to tags, chords and a melody.

import { withBass } from "./chords.js";
import { frameJoiner } from "./windows.js";

const NOTE_CHANGE_PENALTY = 0.06; // semitones of error, times the seconds for which they last
const SHORTEST_NOTE_S = 0.06;

/** What the windows of a recording, `{ start, outputs }`, become by the task of a model's contract. */
export function annotationOf(contract, windows, durationS) {
  const { task, name: model } = contract;
  return { task, model, durationS, ...FOUND[task](contract, windows, durationS) };
}

const FOUND = {
  tagging({ labels, input, decoding }, windows) {
    const rowOf = ({ tags, top, scores }) => {
      if (tags) return Array.from(tags, (value) => Math.min(1, Math.max(0, value)));
      const row = labels.map(() => 0);
      top.forEach((label, rank) => (row[label] = scores[rank]));
      return row;
    };
    return {
      labels,
      times: windows.map(({ start }) => start / input.sample_rate),
      probabilities: windows.map(({ outputs }) => rowOf(outputs)),
      windowS: input.window_samples / input.sample_rate,
      thresholds: decoding?.thresholds,
    };
  },
  chords(contract, windows, durationS) {
    const { join, times } = frameJoiner(contract, windows, durationS), path = join("chord");
    const bass = windows[0].outputs.bass ? join("bass") : path.map(() => 0);
    const segments = findSegments(path, times, durationS).map(({ first, end, startS, endS }) => {
      const counts = new Array(13).fill(0), label = contract.labels[path[first]];
      for (const found of bass.slice(first, end)) counts[found]++;
      const most = counts.indexOf(Math.max(...counts));
      return { startS, endS, label: most ? withBass(label, most - 1) : label };
    });
    return { segments };
  },
  melody(contract, windows, durationS) {
    const { join, times } = frameJoiner(contract, windows, durationS), voiced = join("voiced");
    return { times, f0: join("f0").map((hertz, n) => (voiced[n] > 0 ? hertz : -hertz)) };
  },
};

/** Cut a path into stretches of the same class, whose edges lie midway between frames. */
export function findSegments(path, times, durationS) {
  const segments = [];
  for (let first = 0, startS = 0; first < path.length; ) {
    let end = first + 1;
    while (end < path.length && path[end] === path[first]) end++;
    const endS = end < path.length ? (times[end] + times[end - 1]) / 2 : durationS;
    segments.push({ first, end, startS, endS });
    [first, startS] = [end, endS];
  }
  return segments;
}

/** Start and end of the music in each window of tags (s). */
export function tagIntervals({ times, windowS, durationS }) {
  const inside = (seconds) => Math.min(durationS, Math.max(0, seconds));
  return times.map((start) => [inside(start), inside(start + windowS)]);
}

/** Tags of the whole recording with their probabilities, the likeliest first. */
export function meanTags(tags) {
  const weights = tagIntervals(tags).map(([start, end]) => end - start);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const means = tags.labels.map((label, tag) => {
    const sum = tags.probabilities.reduce((so, row, n) => so + row[tag] * weights[n], 0);
    return { label, tag, probability: sum / total };
  });
  return means.sort((a, b) => b.probability - a.probability);
}

export const midiOf = (hertz) => 69 + 12 * Math.log2(hertz / 440);

/** Cut a melody into notes, as `Melody.notes` does. */
export function notesOf({ times, f0, durationS }) {
  const step = times.length > 1 ? median(times.slice(1).map((t, n) => t - times[n])) : durationS;
  const isVoiced = f0.map((hertz) => hertz > 0), notes = [];
  for (const { first, end } of findSegments(isVoiced, times, durationS)) {
    if (!isVoiced[first]) continue;
    const pitch = f0.slice(first, end).map(midiOf), path = nearestKeys(pitch, step);
    for (const note of findSegments(path, path, 0)) {
      const startS = Math.max(0, times[first + note.first] - step / 2);
      const endS = times[first + note.end - 1] + step / 2;
      if (endS - startS < Math.min(SHORTEST_NOTE_S, durationS)) continue;
      const part = pitch.slice(note.first, note.end), middle = median(part);
      notes.push({ startS, endS, pitch: middle, bends: part.map((value) => value - middle) });
    }
  }
  return notes;
}

/** The key of each frame: near its pitch, but with few changes. */
function nearestKeys(pitch, step) {
  const lowest = Math.floor(Math.min(...pitch)), came = [];
  const keys = Array.from({ length: Math.ceil(Math.max(...pitch)) - lowest + 1 }, (_, n) => lowest + n);
  const best = (values) => values.indexOf(Math.max(...values));
  let score = keys.map(() => 0);
  for (const value of pitch) {
    const likeliest = best(score), arrived = score[likeliest] - NOTE_CHANGE_PENALTY;
    came.push(score.map((stayed, key) => (stayed < arrived ? likeliest : key)));
    score = score.map((stayed, key) => Math.max(stayed, arrived) - Math.abs(value - keys[key]) * step);
  }
  const path = [best(score)];
  for (let frame = pitch.length - 1; frame > 0; frame--) path.unshift(came[frame][path[0]]);
  return path;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
