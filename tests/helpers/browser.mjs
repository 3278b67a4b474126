// Opens the page in a headless Chromium, as a JSON document on the standard input asks, and prints
// what came of it: { files, samples, microphone, address, chromium, picture } in.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const web = join(import.meta.dirname, "..", "..", "examples", "web");
const { chromium } = createRequire(join(web, "package.json"))("playwright-core");
const asked = JSON.parse(readFileSync(0, "utf8"));
const requests = [], complaints = [], results = [];
const args = ["--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"];
if (asked.microphone) args.push(`--use-file-for-fake-audio-capture=${asked.microphone.file}%noloop`);
const browser = await chromium.launch({ executablePath: asked.chromium, args });
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "dark", ...asked.context });
context.on("request", (request) => requests.push(request.url()));
const page = await context.newPage();
await page.addInitScript(() => {
  const { connect } = AudioNode.prototype;
  AudioNode.prototype.connect = function (to, ...more) {
    if (to instanceof AudioDestinationNode) {
      window.output ??= new AnalyserNode(this.context, { fftSize: 16384, smoothingTimeConstant: 0 });
      connect.call(this, window.output);
    }
    return connect.call(this, to, ...more);
  };
});
await page.addInitScript(() => {
  // A microphone that takes half a second to open, and what was opened.
  const { mediaDevices } = navigator, getUserMedia = mediaDevices?.getUserMedia.bind(mediaDevices);
  window.tracks = [];
  if (mediaDevices) mediaDevices.getUserMedia = async (wanted) => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const stream = await getUserMedia(wanted);
    window.tracks.push(...stream.getTracks());
    return stream;
  };
});
page.on("pageerror", (error) => complaints.push(error.stack));
await page.goto(asked.address);
await page.waitForFunction(() => document.mirzoo.isReady, null, { timeout: 120000 });

/** What the page found, and the files that it offers. */
async function collected() {
  await page.waitForFunction(() => document.mirzoo.final, null, { timeout: 240000 });
  const found = await page.evaluate(() => document.mirzoo.final);
  const files = {};
  for (const link of await page.locator("#downloads a").all()) {
    const [download] = await Promise.all([page.waitForEvent("download", { timeout: 15000 }), link.click()]).catch((error) => {
      throw new Error([error.message, ...complaints].join("\n"));
    });
    files[download.suggestedFilename()] = readFileSync(await download.path()).toString("base64");
  }
  const problems = await page.locator("#problems p").allTextContents();
  const now = await page.locator("#now").textContent(), plays = await page.locator("#play").isEnabled();
  return { found, files, problems, now, plays };
}

if (asked.opened) results.push(await collected());
for (const file of asked.files ?? []) {
  await page.evaluate(() => (document.mirzoo.final = null));
  await page.setInputFiles("#file", file);
  results.push(await collected());
}
for (const { path, rate, name } of asked.samples ?? []) {
  const samples = readFileSync(path).toString("base64");
  await page.evaluate(([base64, rate, name]) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    document.mirzoo.analyse(new Float32Array(bytes.buffer), rate, name);
  }, [samples, rate, name]);
  results.push(await collected());
}
if (asked.microphone) {
  await page.keyboard.press("r");
  await page.keyboard.press("r"); // while the microphone opens
  await page.waitForFunction((s) => document.mirzoo.recording?.seconds > s, asked.microphone.seconds, { timeout: 120000 });
  const whileRecording = await page.locator("#now").textContent();
  await page.keyboard.press("r");
  const tracks = await page.evaluate(() => window.tracks.map((track) => track.readyState));
  results.push({ ...(await collected()), whileRecording, tracks });
}
if (asked.audible) {
  // What reaches the loudspeakers, for each choice of what is audible: its loudest and its pitch.
  const levels = {};
  for (const choice of asked.audible) {
    for (const what of ["music", "chords", "melody"]) await page.locator(`#${what}`).setChecked(choice.includes(what));
    await page.evaluate((seconds) => document.mirzoo.seek(seconds), asked.at);
    await page.locator("#play").click();
    await page.waitForTimeout(900);
    levels[choice] = await page.evaluate(() => {
      const samples = new Float32Array(window.output.fftSize), spectrum = new Float32Array(window.output.frequencyBinCount);
      window.output.getFloatTimeDomainData(samples);
      window.output.getFloatFrequencyData(spectrum);
      const loudest = spectrum.indexOf(Math.max(...spectrum));
      return { peak: Math.max(...samples.map(Math.abs)), hertz: (loudest * window.output.context.sampleRate) / window.output.fftSize };
    });
    await page.locator("#play").click();
  }
  results.push(levels);
}
if (asked.keys) {
  const keys = {};
  const look = async (name) => (keys[name] = await page.evaluate(() => [document.getElementById("play").textContent, Number(document.getElementById("cursor").value)]));
  await page.locator("#cursor").focus();
  for (const key of asked.keys) {
    await page.keyboard.press(key);
    await page.waitForTimeout(400);
    await look(key);
  }
  results.push(keys);
}
if (asked.picture) {
  await page.evaluate(() => document.activeElement.blur());
  await page.waitForTimeout(300);
  await page.screenshot({ path: asked.picture });
}
await browser.close();
process.stdout.write(JSON.stringify({ results, requests, complaints }));
