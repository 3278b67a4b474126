// From the outputs of windows to tags, chords and a melody.

import { withBass } from "./chords.js";
import { FrameJoiner } from "./windows.js";

const N_BASSES = 13;
const NOTE_CHANGE_PENALTY = 0.06; // semitones of error, times the seconds for which they last
const SHORTEST_NOTE_S = 0.06;

/** What a file's outputs become, by its task. */
export function collectorOf(contract) {
  return new { tagging: TagCollector, chords: ChordCollector, melody: MelodyCollector }[
    contract.task
  ](contract);
}

class Collector {
  constructor(contract) {
    this.contract = contract;
    this.windows = []; // { start, outputs }
  }

  add(start, outputs) {
    this.windows.push({ start, outputs });
  }

  about(durationS) {
    return { task: this.contract.task, model: this.contract.name, durationS };
  }
}

class TagCollector extends Collector {
  finish(durationS, windows = this.windows) {
    const { labels, input, decoding } = this.contract;
    return {
      ...this.about(durationS),
      labels,
      times: windows.map(({ start }) => start / input.sample_rate),
      probabilities: windows.map(({ outputs }) => this.#probabilities(outputs)),
      windowS: input.window_samples / input.sample_rate,
      thresholds: decoding?.thresholds ?? null,
    };
  }

  #probabilities({ tags, top, scores }) {
    if (tags) return Array.from(tags, (value) => Math.min(1, Math.max(0, value)));
    const all = new Array(this.contract.labels.length).fill(0);
    top.forEach((label, rank) => (all[label] = scores[rank]));
    return all;
  }
}

class ChordCollector extends Collector {
  finish(durationS, windows = this.windows) {
    const joiner = new FrameJoiner(this.contract);
    const count = joiner.count(durationS);
    const join = (name) =>
      windows.flatMap(({ outputs }) => [...joiner.middle(outputs[name])]).slice(0, count);
    const path = join("chord");
    const bass = windows[0].outputs.bass ? join("bass") : path.map(() => 0);
    const segments = findSegments(path, joiner.times(path.length), durationS).map(
      ({ first, end, startS, endS }) => {
        const counts = new Array(N_BASSES).fill(0);
        for (const found of bass.slice(first, end)) counts[found]++;
        const most = counts.indexOf(Math.max(...counts));
        const label = this.contract.labels[path[first]];
        return { startS, endS, label: most ? withBass(label, most - 1) : label };
      },
    );
    return { ...this.about(durationS), segments };
  }
}

class MelodyCollector extends Collector {
  finish(durationS, windows = this.windows) {
    const joiner = new FrameJoiner(this.contract);
    const f0 = windows.flatMap(({ outputs }) => {
      const voiced = joiner.middle(outputs.voiced);
      return Array.from(joiner.middle(outputs.f0), (hertz, n) => (voiced[n] > 0 ? hertz : -hertz));
    });
    f0.length = Math.min(f0.length, joiner.count(durationS));
    return { ...this.about(durationS), times: joiner.times(f0.length), f0 };
  }
}

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
  const notes = [];
  for (let first = 0; first < f0.length; first++) {
    if (!(f0[first] > 0)) continue;
    let last = first;
    while (last < f0.length && f0[last] > 0) last++;
    const pitch = f0.slice(first, last).map(midiOf);
    const path = nearestKeys(pitch, step);
    for (const { first: begin, end } of findSegments(path, path, 0)) {
      const startS = Math.max(0, times[first + begin] - step / 2);
      const endS = times[first + end - 1] + step / 2;
      if (endS - startS < Math.min(SHORTEST_NOTE_S, durationS)) continue;
      const middle = median(pitch.slice(begin, end));
      const bends = pitch.slice(begin, end).map((value) => value - middle);
      notes.push({ startS, endS, pitch: middle, bends });
    }
    first = last;
  }
  return notes;
}

/** The key of each frame: near its pitch, but with few changes. */
function nearestKeys(pitch, step) {
  const lowest = Math.floor(pitch.reduce((a, b) => Math.min(a, b)));
  const size = Math.ceil(pitch.reduce((a, b) => Math.max(a, b))) - lowest + 1;
  const evidence = (frame) =>
    Array.from({ length: size }, (_, key) => -(Math.abs(pitch[frame] - (lowest + key)) * step));
  const largest = (values) => values.indexOf(values.reduce((a, b) => Math.max(a, b)));
  let score = evidence(0);
  const came = [null];
  for (let frame = 1; frame < pitch.length; frame++) {
    const best = largest(score);
    const arrived = score[best] - NOTE_CHANGE_PENALTY;
    came.push(score.map((value, key) => (value < arrived ? best : key)));
    const found = evidence(frame);
    score = score.map((value, key) => Math.max(value, arrived) + found[key]);
  }
  const path = new Array(pitch.length);
  path[pitch.length - 1] = largest(score);
  for (let frame = pitch.length - 1; frame > 0; frame--) path[frame - 1] = came[frame][path[frame]];
  return path;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
