// Shows tags, chords and the melody over the picture of the sound, along time.

import { meanTags, tagIntervals } from "./annotations.js";
import { parseChord } from "./chords.js";
import { BINS, COLUMNS_PER_S, heightOf } from "./spectrum.js";

const TILE = 2048, TAGS = 8, SHORTEST_S = 2, LABEL_PX = 64;
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
/** The colour of a level. */
const COLOURS = Array.from({ length: 256 }, (_, level) => {
  const x = Math.max(0, Math.min(1, (level / 255 - 0.22) / 0.66));
  return [10 + 242 * x ** 0.8, 8 + 224 * x ** 2.2, 24 + 150 * Math.sin(2.4 * x), 255];
});

export const $ = (id) => document.getElementById(id);
export const make = (name, properties) => Object.assign(document.createElement(name), properties);

const at = (seconds) => `calc(${seconds} * var(--second))`;

export class View {
  constructor() {
    this.clear();
    new ResizeObserver(() => this.#axis()).observe($("scroller"));
  }

  clear() {
    this.columns = 0;
    this.zoomed = 1;
    for (const part of ["tags", "tagnames", "chordlane", "tiles"]) $(part).replaceChildren();
    $("path").setAttribute("d", "");
    this.lasts(1);
    this.zoom(0, 0);
  }

  /** Take it that a recording, or what there is of one, lasts so long. */
  lasts(seconds) {
    this.durationS = seconds;
    $("track").style.setProperty("--second", `${100 / seconds}%`);
    this.#axis();
  }

  /** Add columns of the spectrogram. */
  addColumns(columns) {
    for (const column of columns) {
      const x = this.columns++ % TILE;
      if (!x) {
        const style = `left:${at((this.columns - 1.5) / COLUMNS_PER_S)};width:${at(TILE / COLUMNS_PER_S)}`;
        $("tiles").append(make("canvas", { width: TILE, height: BINS, style }));
      }
      const image = new ImageData(1, BINS);
      column.forEach((level, bin) => image.data.set(COLOURS[level], 4 * (BINS - 1 - bin)));
      $("tiles").lastChild.getContext("2d").putImageData(image, x, 0);
    }
  }

  tagging(tags) {
    const intervals = tagIntervals(tags), shown = meanTags(tags).slice(0, TAGS);
    const named = ({ label, probability }) => `${label}  ${probability.toFixed(2)}`;
    $("tagnames").replaceChildren(...shown.map((tag) => make("span", { textContent: named(tag) })));
    $("tags").replaceChildren(...shown.map(({ tag }) => {
      const parts = intervals.map(([start, end], n) => {
        const share = (100 * tags.probabilities[n][tag]).toFixed();
        return `color-mix(in srgb, var(--accent) ${share}%, transparent) ${at(start)} ${at(end)}`;
      });
      return make("div", { style: `background:linear-gradient(90deg,${parts})` });
    }));
  }

  chords({ segments }) {
    $("chordlane").replaceChildren(...segments.map(({ startS, endS, label }) => {
      const chord = parseChord(label), light = chord?.intervals.includes(3) ? 31 : 43; // minor is darker
      const colour = chord ? `hsl(${((chord.root * 7) % 12) * 30} 60% ${light}%)` : "#8886";
      const style = `left:${at(startS)};width:${at(endS - startS)};background:${colour}`;
      const textContent = label.replace(":maj", "").replace(":min", "m");
      return make("span", { textContent, title: label, style });
    }));
  }

  melody({ times, f0, durationS }) {
    const parts = f0.map((hertz, n) => hertz > 0
      ? `${f0[n - 1] > 0 ? "L" : "M"}${times[n].toFixed(3)} ${(1 - heightOf(hertz)).toFixed(4)}` : "");
    $("path").setAttribute("d", parts.join(""));
    $("path").parentNode.setAttribute("viewBox", `0 0 ${durationS} 1`);
    $("path").parentNode.style.width = at(durationS);
  }

  /** Show more or less of the recording, with a moment (s) where it is; 0 shows all. */
  zoom(factor, seconds) {
    const box = $("scroller"), x = this.#x(seconds) - box.scrollLeft;
    this.zoomed = Math.max(1, Math.min(this.zoomed * factor, this.durationS / SHORTEST_S));
    $("track").style.width = `${100 * this.zoomed}%`;
    box.scrollLeft = this.#x(seconds) - x;
    this.#axis();
  }

  /** The moment (s) under a place on the screen. */
  timeAt(clientX) {
    const { left, width } = $("track").getBoundingClientRect();
    return Math.max(0, Math.min(1, (clientX - left) / width)) * this.durationS;
  }

  /** Put the cursor to a moment (s), and bring it into sight. */
  moveCursor(seconds) {
    const box = $("scroller"), x = this.#x(seconds) - box.scrollLeft;
    Object.assign($("cursor"), { max: this.durationS, value: seconds });
    if (x < 0 || x > box.clientWidth) box.scrollLeft += x - (x < 0 ? box.clientWidth / 2 : 0);
  }

  #x = (seconds) => (seconds / this.durationS) * $("track").clientWidth;

  #axis() {
    const step = STEPS_S.find((seconds) => this.#x(seconds) > LABEL_PX) ?? 7200;
    const times = Array.from({ length: Math.ceil(this.durationS / step) }, (_, n) => n * step);
    const marks = times.map((t) => make("span", { textContent: clock(t), style: `left:${at(t)}` }));
    $("axis").replaceChildren(...marks);
  }
}

/** Minutes and seconds: `3:07`. */
export const clock = (seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds) % 60).padStart(2, "0")}`;
