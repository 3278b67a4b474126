// Read the contract out of a `.tflite` file that mirzoo wrote: rate, windows, outputs, labels.

const BUFFERS = 4, METADATA = 6; // fields of the model's table in the LiteRT schema

/** Read a file's contract, as `Contract.to_json` of mirzoo writes it. */
export async function readContract(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (start, length) => new TextDecoder().decode(bytes.subarray(start, start + length));
  if (text(4, 4) !== "TFL3") throw new Error("this is no .tflite file");
  const uint = (place) => view.getUint32(place, true), follow = (place) => place + uint(place);
  /** Where a field of a table lies; at 0, which holds no field, if it has none. */
  const field = (table, number) => {
    const fields = table - view.getInt32(table, true), entry = 4 + 2 * number;
    const offset = entry < view.getUint16(fields, true) && view.getUint16(fields + entry, true);
    return offset ? table + offset : 0;
  };
  const vector = (place) =>
    place ? Array.from({ length: uint(follow(place)) }, (_, n) => follow(follow(place) + 4 + 4 * n)) : [];
  try {
    const model = follow(0), buffers = vector(field(model, BUFFERS));
    for (const entry of vector(field(model, METADATA))) {
      const name = follow(field(entry, 0)), number = field(entry, 1);
      if (text(name + 4, uint(name)) !== "MIRZOO_CARD") continue;
      const data = follow(field(buffers[number && uint(number)], 0));
      const content = new Response(bytes.subarray(data + 4, data + 4 + uint(data)));
      if (bytes[data + 4] === 0x7b) return await content.json(); // of the first models
      return await new Response(content.body.pipeThrough(new DecompressionStream("deflate"))).json();
    }
  } catch (error) {
    throw new Error(`the file is damaged: ${error.message}`);
  }
  throw new Error("it has no contract: only files that mirzoo.export wrote can be used");
}

/** Tell what keeps a model from being run here, or null. */
export function obstacle({ exported, input, task }) {
  const decided = (exported?.decisions ?? []).map(({ name }) => name);
  const needed = { tagging: [], chords: ["chord"], melody: ["f0", "voiced"] }[task];
  if (!needed) return `the page shows tags, chords and melodies, and its task is '${task}'`;
  if (exported?.streaming) return "export it without --streaming";
  if (!needed.every((name) => decided.includes(name))) return "export it with --decode";
  if (input.whole || exported?.any_length) return "export it with a fixed window: --window-s 10";
  if ((exported?.batch ?? 1) !== 1) return "export it without --batch";
  if ((exported?.input_type ?? "float32") !== "float32") return "export it without --input-type";
  return null;
}
