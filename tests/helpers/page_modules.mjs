// Has the page's modules write files: a list of { annotation, format, about } in on the standard
// input, their contents in base64 out.
import { readFileSync } from "node:fs";
import { annotationOf } from "../../examples/web/page/annotations.js";
import { WRITERS } from "../../examples/web/page/files.js";
import { parseChord, withBass } from "../../examples/web/page/chords.js";

const asked = JSON.parse(readFileSync(0, "utf8"));
const written = asked.recordings.map(({ contract, windows, durationS, formats, about }) => {
  for (const { outputs } of windows) {
    for (const [name, values] of Object.entries(outputs)) {
      outputs[name] = name === "tags" || name === "f0" || name === "scores" ? Float32Array.from(values) : Int32Array.from(values);
    }
  }
  const annotation = annotationOf(contract, windows, durationS), writers = WRITERS[contract.task];
  return Object.fromEntries(
    formats.map((format) => [format, Buffer.from(writers[format](annotation, about)).toString("base64")]),
  );
});
const chords = asked.labels.map((label) => ({
  classes: parseChord(label)?.pitchClasses ?? [],
  inversions: Array.from({ length: 12 }, (_, bass) => withBass(label, bass)),
}));
process.stdout.write(JSON.stringify({ written, chords }));
