// Draws tags, chords and the melody over the picture of the sound, along time.

import { meanTags, tagIntervals } from "./annotations.js";
import { parseChord } from "./chords.js";
import { BINS, COLUMNS_PER_S, heightOf } from "./spectrum.js";

const TOP = 6, TAGS = 8, ROW = 17, CHORD_ROW = 34, AXIS = 22, GAP = 6, TILE = 2048;
const STEPS_S = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
const SHORTEST_S = 2;
const PALETTE = [[10, 8, 24], [44, 18, 84], [112, 32, 120], [186, 60, 104], [240, 124, 84], [252, 232, 180]];

export class View {
  annotations = {};
  durationS = 1;

  constructor(canvas, cursor) {
    Object.assign(this, { canvas, cursor });
    this.clear();
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  clear() {
    this.annotations = {};
    this.tiles = [];
    this.columns = 0;
    this.fit();
  }

  /** Add columns of the spectrogram. */
  addColumns(columns) {
    for (const column of columns) {
      const number = Math.floor(this.columns / TILE);
      this.tiles[number] ??= new OffscreenCanvas(TILE, BINS).getContext("2d");
      const image = new ImageData(1, BINS);
      for (let bin = 0; bin < BINS; bin++) {
        const shade = Math.max(0, Math.min(0.999, (column[bin] / 255 - 0.22) / 0.66)) * (PALETTE.length - 1);
        const k = Math.floor(shade), colour = PALETTE[k].map((c, n) => c + (shade - k) * (PALETTE[k + 1][n] - c));
        image.data.set([...colour, 255], 4 * (BINS - 1 - bin));
      }
      this.tiles[number].putImageData(image, this.columns++ % TILE, 0);
    }
  }

  fit() {
    [this.from, this.to] = [0, this.durationS];
  }

  /** Show less or more of the recording around a moment (s). */
  zoom(factor, around) {
    const span = Math.min(this.durationS, Math.max(SHORTEST_S, (this.to - this.from) * factor));
    this.move(around - ((around - this.from) / (this.to - this.from)) * span, span);
  }

  /** Show what begins at a moment (s). */
  move(from, span = this.to - this.from) {
    this.from = Math.max(0, Math.min(this.durationS - span, from));
    this.to = this.from + span;
    this.draw();
  }

  get left() {
    return this.canvas.clientWidth < 640 ? 84 : 132;
  }

  x(seconds) {
    const width = this.canvas.clientWidth - this.left;
    return this.left + ((seconds - this.from) / (this.to - this.from)) * width;
  }

  timeAt(x) {
    const part = (x - this.left) / (this.canvas.clientWidth - this.left);
    return this.from + Math.max(0, Math.min(1, part)) * (this.to - this.from);
  }

  draw() {
    const c = (this.context = prepared(this.canvas));
    const style = getComputedStyle(this.canvas);
    [this.ink, this.faint, this.accent] = ["--ink", "--faint", "--accent"].map((n) => style.getPropertyValue(n));
    c.font = `12px ${style.fontFamily}`;
    c.textBaseline = "middle";
    const { tagging, chords, melody } = this.annotations;
    const tagsHeight = TAGS * ROW, height = this.canvas.clientHeight;
    this.#lane("tags", TOP, tagsHeight, () => tagging && this.#tags(tagging));
    const top = TOP + tagsHeight + GAP;
    this.#lane("chords", top, CHORD_ROW, () => chords && this.#chords(chords, top));
    const soundTop = top + CHORD_ROW + GAP, soundHeight = height - AXIS - soundTop;
    this.#lane("", soundTop, soundHeight, () => {
      this.#sound(soundTop, soundHeight);
      if (melody) this.#melody(melody, soundTop, soundHeight);
    });
    for (let octave = 2; octave < 8; octave++) {
      const hertz = 440 * 2 ** (octave - 4.75), y = soundTop + soundHeight * (1 - heightOf(hertz)) - 6;
      this.#label(this.left < 100 ? `C${octave}` : `C${octave}  ${Math.round(hertz)} Hz`, y, this.faint);
    }
    this.#axis(height - AXIS);
    this.drawCursor(this.now ?? 0);
  }

  drawCursor(now) {
    this.now = now;
    const c = prepared(this.cursor), x = this.x(now);
    if (x < this.left - 1) return;
    for (const [colour, width] of [[this.accent, 5], ["#fff", 2]]) {
      c.fillStyle = colour;
      c.fillRect(x - width / 2, TOP, width, this.cursor.clientHeight - AXIS - TOP);
    }
  }

  #lane(name, top, height, draw) {
    const c = this.context, left = this.left;
    c.save();
    c.beginPath();
    c.rect(left, top, this.canvas.clientWidth - left, height);
    c.clip();
    c.fillStyle = "rgba(128,128,150,.12)";
    c.fillRect(left, top, this.canvas.clientWidth, height);
    const drawn = draw();
    c.restore();
    if (name && !drawn) this.#label(name, top + height / 2, this.faint);
  }

  #label(text, y, colour) {
    const c = this.context;
    c.fillStyle = colour;
    c.textAlign = "right";
    c.fillText(text, this.left - 8, y, this.left - 10);
  }

  #tags(tags) {
    const c = this.context, intervals = tagIntervals(tags), shown = meanTags(tags).slice(0, TAGS);
    c.fillStyle = this.accent;
    shown.forEach(({ tag }, row) => intervals.forEach(([start, end], n) => {
      c.globalAlpha = tags.probabilities[n][tag];
      c.fillRect(this.x(start), TOP + row * ROW, this.x(end) - this.x(start) - 0.5, ROW - 1);
    }));
    c.restore();
    shown.forEach(({ label, probability }, row) => {
      this.#label(`${label}  ${probability.toFixed(2)}`, TOP + (row + 0.5) * ROW, this.ink);
    });
    c.save();
    return true;
  }

  #chords({ segments }, top) {
    const c = this.context;
    c.textAlign = "center";
    for (const { startS, endS, label } of segments) {
      const x = this.x(startS), width = this.x(endS) - x, chord = parseChord(label);
      if (x + width < this.left || x > this.canvas.clientWidth) continue;
      const light = chord?.intervals.includes(3) ? 31 : 43; // chords with a minor third are darker
      c.fillStyle = chord ? `hsl(${((chord.root * 7) % 12) * 30} 60% ${light}%)` : "rgba(128,128,150,.35)";
      c.fillRect(x, top, Math.max(0.5, width - 1), CHORD_ROW);
      const begin = Math.max(x, this.left), room = Math.min(x + width, this.canvas.clientWidth) - begin;
      c.fillStyle = "#fff";
      const short = label.replace(":maj", "").replace(":min", "m");
      const text = [label, short].find((each) => room > c.measureText(each).width + 4);
      if (text) c.fillText(text, begin + room / 2, top + CHORD_ROW / 2);
    }
    return true;
  }

  #sound(top, height) {
    this.tiles.forEach((tile, number) => {
      const start = this.x((number * TILE - 0.5) / COLUMNS_PER_S), end = this.x(((number + 1) * TILE - 0.5) / COLUMNS_PER_S);
      this.context.drawImage(tile.canvas, start, top, end - start, height);
    });
  }

  #melody({ times, f0 }, top, height) {
    const c = this.context, path = new Path2D();
    f0.forEach((hertz, n) => {
      if (hertz <= 0) return;
      const x = this.x(times[n]), y = top + height * (1 - heightOf(hertz));
      if (f0[n - 1] > 0) path.lineTo(x, y);
      else path.moveTo(x, y), path.lineTo(x + 1, y);
    });
    c.lineJoin = c.lineCap = "round";
    for (const [colour, width] of [["rgba(0,0,0,.6)", 5], ["#7df9ff", 2.2]]) {
      [c.strokeStyle, c.lineWidth] = [colour, width];
      c.stroke(path);
    }
  }

  #axis(top) {
    const c = this.context, span = this.to - this.from;
    const step = STEPS_S.find((s) => this.x(this.from + s) - this.left > 64) ?? 1800;
    c.fillStyle = this.faint;
    c.textAlign = "center";
    for (let t = Math.ceil(this.from / step) * step; t <= this.from + span; t += step) {
      c.fillRect(this.x(t), top, 1, 5);
      c.fillText(clock(t, step < 1), Math.min(this.x(t), this.canvas.clientWidth - 16), top + 14);
    }
  }
}

/** Minutes and seconds: `3:07`. */
export function clock(seconds, tenths = false) {
  const whole = tenths ? Math.round(seconds * 10) / 10 : Math.floor(seconds);
  const rest = (whole % 60).toFixed(tenths ? 1 : 0);
  return `${Math.floor(whole / 60)}:${rest.padStart(tenths ? 4 : 2, "0")}`;
}

function prepared(canvas) {
  const ratio = devicePixelRatio, width = canvas.clientWidth * ratio, height = canvas.clientHeight * ratio;
  if (canvas.width !== Math.floor(width)) canvas.width = width;
  if (canvas.height !== Math.floor(height)) canvas.height = height;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
