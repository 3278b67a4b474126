// The page: a song or the microphone in, tags, chords and melody out.

import { midiOf, tagIntervals } from "./annotations.js";
import { ROOT_NAMES } from "./chords.js";
import { decode } from "./decode.js";
import { FORMATS, stem, write } from "./files.js";
import { Player } from "./player.js";
import { toMono } from "./resample.js";
import { COLUMNS_PER_S } from "./spectrum.js";
import { clock, View } from "./view.js";
import { joined } from "./windows.js";

const BLOCK_S = 10, SHOW_MS = 2000, SKIP_S = 5;
const TYPES = { jams: "application/json", lab: "text/plain", mid: "audio/midi" };
const $ = (id) => document.getElementById(id);

const worker = new Worker(new URL("worker.js", import.meta.url));
const view = new View($("picture"), $("cursor"));
const player = new Player(() => showPlaying());
const state = { id: 0, source: null, about: null, recording: null };
document.mirzoo = state; // what tests look at

async function start() {
  const response = await fetch("models/models.json");
  if (!response.ok) return complain("models/models.json is missing: `mirzoo web --out` writes it");
  const { models, jams_version: jamsVersion, song } = await response.json();
  state.about = { jamsVersion };
  const files = models.map((name) => ({ name, url: new URL(`models/${name}`, location.href).href }));
  worker.postMessage({ do: "load", files });
  if (song) open(await (await fetch(song.url)).arrayBuffer(), song.name);
}

worker.onerror = ({ message }) => complain(`the analysis cannot run: ${message}`);
worker.onmessage = ({ data }) => {
  if (data.id !== undefined && data.id !== state.id) return;
  answers[data.kind](data);
};

const answers = {
  model: ({ contract }) => add("models", "li", { textContent: contract.name }),
  models: () => (state.isReady = true),
  problem: ({ problem }) => complain(problem),
  columns({ columns }) {
    view.addColumns(columns);
    if (state.recording) {
      view.durationS = Math.max(1, state.recording.seconds);
      view.fit();
    } else $("progress").value = view.columns / COLUMNS_PER_S / view.durationS;
    view.draw();
  },
  found({ found, final }) {
    for (const result of found) {
      if (!result.problem) view.annotations[result.task] = player.annotations[result.task] = result;
      else if (final) complain(result.problem);
    }
    if (final) end(found);
    view.draw();
    showNow();
  },
};

/** Leave it at what was found. */
function end(found) {
  say("");
  document.body.classList.remove("busy");
  offerFiles();
  state.final = found;
}

/** Analyse a file. */
async function open(bytes, name) {
  begin(name);
  const { id } = state;
  say(`Decoding ${name} …`);
  let buffer;
  try {
    buffer = await decode(bytes);
    if (id !== state.id) return; // another one was opened meanwhile
  } catch {
    if (id !== state.id) return;
    end([]);
    return complain(`${name} can't be decoded by this browser. Is it a sound file?`);
  }
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, n) => buffer.getChannelData(n));
  show(buffer);
  say("Analysing …");
  analyse(toMono(channels), buffer.sampleRate);
}

/** Have mono samples analysed as a recording of their own. */
function analyse(samples, sampleRate) {
  const { id } = state;
  worker.postMessage({ do: "begin", id, sampleRate });
  for (let from = 0; from < samples.length; from += BLOCK_S * sampleRate) {
    const block = samples.slice(from, from + BLOCK_S * sampleRate);
    worker.postMessage({ do: "samples", id, block }, [block.buffer]);
  }
  worker.postMessage({ do: "end", id });
}
state.seek = seek;
state.analyse = (samples, sampleRate, name) => (begin(name), analyse(samples, sampleRate));

function begin(name) {
  stopRecording();
  Object.assign(state, { id: state.id + 1, source: name, final: null });
  player.load(null);
  view.clear();
  $("name").textContent = name;
  $("problems").replaceChildren();
  $("downloads").replaceChildren();
  $("progress").value = 0;
  document.body.classList.add("open", "busy");
}

function show(buffer) {
  player.load(buffer);
  view.durationS = buffer.duration;
  view.fit();
  view.draw();
  showPlaying();
}

async function record() {
  if (state.recording) return finishRecording();
  let stream;
  try {
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
  } catch (error) {
    return complain(`the microphone can't be used: ${error.message}`);
  }
  begin("microphone");
  const context = new AudioContext(), blocks = [], { id } = state, { sampleRate } = context;
  await context.audioWorklet.addModule(new URL("recorder.js", import.meta.url));
  const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
  const recording = (state.recording = { context, stream, blocks, seconds: 0 });
  worker.postMessage({ do: "begin", id, sampleRate });
  recorder.port.onmessage = ({ data: block }) => {
    if (recording.ended) return;
    blocks.push(block);
    recording.seconds += block.length / sampleRate;
    worker.postMessage({ do: "samples", id, block, show: SHOW_MS });
  };
  context.createMediaStreamSource(stream).connect(recorder);
  document.body.classList.add("recording");
  say("Recording …");
}

function stopRecording() {
  const { recording } = state;
  if (!recording) return null;
  recording.ended = true;
  for (const track of recording.stream.getTracks()) track.stop();
  recording.context.close();
  document.body.classList.remove("recording");
  state.recording = null;
  return recording;
}

function finishRecording() {
  const { blocks, context } = stopRecording(), samples = joined(blocks);
  worker.postMessage({ do: "end", id: state.id });
  if (!samples.length) return complain("the microphone gave nothing");
  const buffer = new AudioBuffer({ length: samples.length, sampleRate: context.sampleRate });
  buffer.copyToChannel(samples, 0);
  show(buffer);
}

function offerFiles() {
  const about = { ...state.about, source: state.source };
  for (const [task, annotation] of Object.entries(view.annotations)) {
    for (const format of FORMATS[task]) {
      const link = add("downloads", "a", {
        download: `${stem(state.source)}.${annotation.model}.${format}`,
        textContent: `${task.replace("tagging", "tags")} .${format}`,
        href: "",
      });
      link.onclick = () => {
        const content = new Blob([write(annotation, format, about)], { type: TYPES[format] });
        link.href = URL.createObjectURL(content);
        setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      };
    }
  }
}

/** Show what sounds at the cursor. */
function showNow() {
  const now = player.time, { tagging, chords, melody } = view.annotations, parts = [];
  const chord = chords?.segments.find(({ endS }) => now < endS);
  if (chord) parts.push(chord.label);
  const f0 = melody?.f0[Math.round((now - melody.times[0]) / (melody.times[1] - melody.times[0]))];
  if (f0 > 0) {
    const pitch = Math.round(midiOf(f0));
    parts.push(`${ROOT_NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1} ${f0.toFixed(0)} Hz`);
  }
  const window = tagging ? tagIntervals(tagging).findIndex(([, end]) => now < end) : -1;
  if (window >= 0) {
    const { labels, probabilities: { [window]: likely } } = tagging;
    const order = labels.map((_, tag) => tag).sort((a, b) => likely[b] - likely[a]);
    parts.push(order.slice(0, 3).map((tag) => labels[tag]).join(", "));
  }
  $("now").textContent = parts.join("  ·  ");
  $("time").textContent = `${clock(now)} / ${clock(player.duration)}`;
  const slider = { ariaValueMax: player.duration.toFixed(1), ariaValueNow: now.toFixed(1), ariaValueText: clock(now) };
  Object.assign($("cursor"), slider);
}

function showPlaying() {
  $("play").textContent = player.isPlaying ? "Pause" : "Play";
  $("play").disabled = !player.buffer;
  showNow();
  if (!player.isPlaying) view.drawCursor(player.time);
  else requestAnimationFrame(follow);
}

function follow() {
  if (!player.isPlaying) return;
  const now = player.time;
  if (now > view.to || now < view.from) view.move(now);
  view.drawCursor(now);
  showNow();
  requestAnimationFrame(follow);
}

function seek(seconds) {
  player.seek(seconds);
  if (player.time < view.from || player.time > view.to) view.move(player.time - (view.to - view.from) / 2);
  showPlaying();
}

function take(files) {
  for (const file of files) {
    const use = file.name.endsWith(".tflite")
      ? (bytes) => worker.postMessage({ do: "load", files: [{ name: file.name, bytes: new Uint8Array(bytes) }] })
      : (bytes) => open(bytes, file.name);
    file.arrayBuffer().then(use, (error) => complain(`${file.name} can't be read: ${error.message}`));
  }
}

/** Add an element to another. */
function add(parent, name, properties) {
  const element = Object.assign(document.createElement(name), properties);
  $(parent).append(element);
  return element;
}

const complain = (textContent) => add("problems", "p", { textContent });
const say = (status) => ($("status").textContent = status);

const keys = {
  " ": () => (player.isPlaying ? player.pause() : player.play()),
  ArrowLeft: () => seek(player.time - SKIP_S),
  ArrowRight: () => seek(player.time + SKIP_S),
  Home: () => seek(0),
  End: () => seek(player.duration),
  "+": () => view.zoom(0.5, player.time),
  "-": () => view.zoom(2, player.time),
  0: () => (view.fit(), view.draw()),
  r: record,
  o: () => $("file").click(),
};
document.addEventListener("keydown", (event) => {
  const isControl = event.target.matches("button, input, a") && [" ", "Enter"].includes(event.key);
  if (isControl || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

for (const button of document.querySelectorAll("button")) button.onclick = keys[button.dataset.key];
$("file").onchange = ({ target }) => (take(target.files), (target.value = ""));
for (const what of Object.keys(player.audible)) {
  $(what).onchange = ({ target }) => player.setAudible(what, target.checked);
}
$("cursor").onpointerdown = ({ offsetX }) => seek(view.timeAt(offsetX));
$("cursor").addEventListener("wheel", (event) => {
  event.preventDefault();
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    view.move(view.from + ((event.deltaX || event.deltaY) / 800) * (view.to - view.from));
  } else view.zoom(1.002 ** event.deltaY, view.timeAt(event.offsetX));
}, { passive: false });
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => (event.preventDefault(), take(event.dataTransfer.files)));

start().catch((error) => complain(`the page cannot start: ${error.message}`));
