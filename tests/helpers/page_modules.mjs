// Has the page's modules write files: a list of { annotation, format, about } in on the standard
// input, their contents in base64 out.
import { readFileSync } from "node:fs";
import { collectorOf } from "../../examples/web/page/annotations.js";
import { write } from "../../examples/web/page/files.js";
import { parseChord, withBass } from "../../examples/web/page/chords.js";

const asked = JSON.parse(readFileSync(0, "utf8"));
const written = asked.recordings.map(({ contract, windows, durationS, formats, about }) => {
  const collector = collectorOf(contract);
  for (const { start, outputs } of windows) {
    for (const [name, values] of Object.entries(outputs)) {
      outputs[name] = name === "tags" || name === "f0" || name === "scores" ? Float32Array.from(values) : Int32Array.from(values);
    }
    collector.add(start, outputs);
  }
  const annotation = collector.finish(durationS);
  return Object.fromEntries(
    formats.map((format) => [format, Buffer.from(write(annotation, format, about)).toString("base64")]),
  );
});
const chords = asked.labels.map((label) => ({
  classes: parseChord(label)?.pitchClasses ?? [],
  inversions: Array.from({ length: 12 }, (_, bass) => withBass(label, bass)),
}));
process.stdout.write(JSON.stringify({ written, chords }));
