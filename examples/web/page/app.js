// The page: a song or the microphone in, tags, chords and melody out.

import { midiOf, tagIntervals } from "./annotations.js";
import { ROOT_NAMES } from "./chords.js";
import { decode } from "./decode.js";
import { stem, WRITERS } from "./files.js";
import { Player } from "./player.js";
import { toMono } from "./resample.js";
import { COLUMNS_PER_S } from "./spectrum.js";
import { $, clock, make, View } from "./view.js";
import { Samples } from "./windows.js";

const BLOCK_S = 10, SKIP_S = 5, LATE_S = 0.4;

const worker = new Worker("page/worker.js"), view = new View(), player = new Player(showPlaying);
const state = (document.mirzoo = { id: 0, annotations: {}, seek, analyse }); // tests look at it

async function start() {
  const response = await fetch("models/models.json");
  if (!response.ok) return complain("models/models.json is missing: `mirzoo web --out` writes it");
  const { models, jams_version: jamsVersion, song } = await response.json();
  state.jamsVersion = jamsVersion;
  worker.postMessage({ do: "load", files: models });
  if (song) open(await (await fetch(song.url)).arrayBuffer(), song.name);
}

worker.onerror = ({ message }) => complain(`the analysis cannot run: ${message}`);
worker.onmessage = ({ data }) => {
  if (data.id === undefined || data.id === state.id) answers[data.kind](data);
};

const answers = {
  model: ({ name, live }) => add("models", "li", { textContent: live ? `${name} (microphone)` : name }),
  models: () => (state.isReady = true),
  problem: ({ problem }) => complain(problem),
  columns({ columns }) {
    if (state.recording) view.lasts(Math.max(1, state.recording.seconds));
    view.addColumns(columns);
    $("progress").value = view.columns / COLUMNS_PER_S / view.durationS;
  },
  found({ found, final }) {
    for (const result of found) {
      if (result.problem) final && complain(result.problem);
      else view[result.task]((state.annotations[result.task] = result));
    }
    if (final) end(found);
    showNow();
  },
};

/** Leave it at what was found. */
function end(found) {
  say("");
  document.body.classList.remove("busy");
  Object.values(state.annotations).forEach(offerFiles);
  state.final = found;
}

/** Analyse a file. */
async function open(bytes, name) {
  begin(name);
  const { id } = state;
  say(`Decoding ${name} …`);
  const buffer = await decode(bytes).catch(() => null);
  if (id !== state.id) return; // another one was opened meanwhile
  const fails = (problem) => (end([]), complain(`${name} ${problem}`));
  if (!buffer) return fails("can't be decoded by this browser. Is it a sound file?");
  const mono = toMono(Array.from({ length: buffer.numberOfChannels }, (_, n) => buffer.getChannelData(n)));
  if (!mono.every(Number.isFinite)) return fails("holds NaN or infinite samples.");
  show(buffer);
  say("Analysing …");
  analyse(mono, buffer.sampleRate);
}

/** Have mono samples analysed, those with a name as a recording of their own. */
function analyse(samples, sampleRate, name) {
  if (name) begin(name);
  const { id } = state;
  worker.postMessage({ do: "begin", id, sampleRate, live: false });
  for (let from = 0; from < samples.length; from += BLOCK_S * sampleRate) {
    worker.postMessage({ do: "samples", id, block: samples.slice(from, from + BLOCK_S * sampleRate) });
  }
  worker.postMessage({ do: "end", id });
}

function begin(name) {
  stopRecording();
  Object.assign(state, { id: state.id + 1, source: name, final: null, annotations: {} });
  player.load(null, state.annotations);
  view.clear();
  $("name").textContent = name;
  for (const part of ["problems", "downloads"]) $(part).replaceChildren();
  document.body.classList.add("open", "busy");
  showPlaying();
}

function show(buffer) {
  player.load(buffer, state.annotations);
  view.lasts(buffer.duration);
  showPlaying();
}

async function record() {
  if (state.recording) return finishRecording();
  if (state.asks) return;
  state.asks = true;
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio }), context = new AudioContext();
    await context.audioWorklet.addModule("page/recorder.js");
    recordFrom(stream, context);
  } catch ({ message }) {
    complain(`the microphone can't be used${isSecureContext ? `: ${message}` : " without HTTPS"}`);
  }
  state.asks = false;
}

function recordFrom(stream, context) {
  begin("microphone");
  const { id } = state, { sampleRate } = context;
  const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
  const recording = Object.assign(new Samples(), { context, stream, sampleRate, seconds: 0 });
  state.recording = recording;
  worker.postMessage({ do: "begin", id, sampleRate, live: true });
  recorder.port.onmessage = ({ data: block }) => {
    if (state.recording !== recording) return;
    recording.add(block);
    recording.seconds = recording.length / sampleRate;
    worker.postMessage({ do: "samples", id, block, show: true });
  };
  context.createMediaStreamSource(stream).connect(recorder);
  document.body.classList.add("recording");
  say("Recording …");
}

function stopRecording() {
  const { recording } = state;
  for (const track of recording?.stream.getTracks() ?? []) track.stop();
  recording?.context.close();
  document.body.classList.remove("recording");
  state.recording = null;
  return recording;
}

function finishRecording() {
  const recording = stopRecording(), { length, sampleRate } = recording;
  worker.postMessage({ do: "end", id: state.id });
  if (!length) return complain("the microphone gave nothing");
  const buffer = new AudioBuffer({ length, sampleRate });
  buffer.copyToChannel(recording.cut(0, length), 0);
  show(buffer);
}

function offerFiles(annotation) {
  const { task, model } = annotation;
  for (const [format, write] of Object.entries(WRITERS[task])) {
    const textContent = `${task.replace("tagging", "tags")} .${format}`;
    const download = `${stem(state.source)}.${model}.${format}`;
    add("downloads", "a", { textContent, download, href: "", onclick: ({ target }) => {
      URL.revokeObjectURL(target.href);
      target.href = URL.createObjectURL(new Blob([write(annotation, state)]));
    } });
  }
}

/** Show what sounds at the cursor, of a recording that goes on what is new. */
function showNow() {
  const now = state.recording ? state.recording.seconds - LATE_S : player.time, parts = [];
  const { tagging, chords, melody } = state.annotations;
  parts.push(chords?.segments.findLast(({ startS }) => startS <= now)?.label);
  const f0 = melody?.f0[melody.times.findLastIndex((time) => time <= now)];
  if (f0 > 0) {
    const pitch = Math.round(midiOf(f0));
    parts.push(`${ROOT_NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1} ${f0.toFixed(0)} Hz`);
  }
  const likely = tagging?.probabilities[tagIntervals(tagging).findLastIndex(([start]) => start <= now)];
  const order = likely?.map((_, tag) => tag).sort((a, b) => likely[b] - likely[a]);
  parts.push(order?.slice(0, 3).map((tag) => tagging.labels[tag]).join(", "));
  $("now").textContent = parts.filter(Boolean).join("  ·  ");
  $("time").textContent = `${clock(now)} / ${clock(player.duration)}`;
  view.moveCursor(now);
}

function showPlaying() {
  $("play").textContent = player.isPlaying ? "Pause" : "Play";
  $("play").disabled = !player.duration;
  showNow();
  if (player.isPlaying) requestAnimationFrame(() => player.isPlaying && showPlaying());
}

function seek(seconds) {
  player.seek(seconds);
  showNow();
}

function take([file]) {
  const fails = ({ message }) => complain(`${file.name} can't be read: ${message}`);
  file?.arrayBuffer().then((bytes) => open(bytes, file.name), fails);
}

const add = (place, name, properties) => $(place).append(make(name, properties));
const complain = (textContent) => add("problems", "p", { textContent });
const say = (status) => ($("status").textContent = status);

const keys = {
  " ": () => (player.isPlaying ? player.pause() : player.play()),
  ArrowLeft: () => seek(player.time - SKIP_S),
  ArrowRight: () => seek(player.time + SKIP_S),
  "+": () => view.zoom(2, player.time),
  "-": () => view.zoom(0.5, player.time),
  0: () => view.zoom(0, 0),
  r: record,
  o: () => $("file").click(),
};
document.onkeydown = (event) => {
  const isControl = event.target.matches("button, a, [type=checkbox]") && [" ", "Enter"].includes(event.key);
  if (isControl || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
};
for (const button of document.querySelectorAll("button")) button.onclick = keys[button.dataset.key];
for (const what of ["music", "chords", "melody"]) {
  $(what).onchange = ({ target }) => player.setAudible(what, target.checked);
}
$("file").onchange = ({ target }) => (take(target.files), (target.value = ""));
$("cursor").oninput = ({ target }) => seek(Number(target.value));
$("track").addEventListener("wheel", (event) => {
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) return; // moves along
  event.preventDefault();
  view.zoom(0.998 ** event.deltaY, view.timeAt(event.clientX));
}, { passive: false });
document.ondragover = (event) => event.preventDefault();
document.ondrop = (event) => (event.preventDefault(), take(event.dataTransfer.files));

start().catch((error) => complain(`the page cannot start: ${error.message}`));
