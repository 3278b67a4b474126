// Read the contract out of a `.tflite` file that mirzoo wrote: rate, windows, outputs, labels.

const CONTRACT_BUFFER = "MIRZOO_CARD";
const IDENTIFIER = "TFL3";
const BUFFERS = 4, METADATA = 6; // fields of the model's table in the LiteRT schema

export class ModelFileError extends Error {}

/**
 * Read a file's contract.
 * @param {Uint8Array} bytes The whole `.tflite` file.
 * @returns {Promise<object>} As `Contract.to_json` of mirzoo writes it.
 * @throws {ModelFileError} If it is no such file, or has no contract.
 */
export async function readContract(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (start, length) => new TextDecoder().decode(bytes.subarray(start, start + length));
  if (bytes.length < 8 || text(4, 4) !== IDENTIFIER) {
    throw new ModelFileError("this is no .tflite file");
  }
  try {
    const follow = (place) => place + view.getUint32(place, true);
    const field = (table, number) => {
      const fields = table - view.getInt32(table, true);
      const entry = 4 + 2 * number;
      const offset = entry < view.getUint16(fields, true) ? view.getUint16(fields + entry, true) : 0;
      return offset ? table + offset : null;
    };
    const vector = (place) => {
      if (place === null) return [];
      const start = follow(place);
      return Array.from({ length: view.getUint32(start, true) }, (_, n) => start + 4 + 4 * n);
    };
    const model = follow(0);
    const buffers = vector(field(model, BUFFERS)).map(follow);
    for (const entry of vector(field(model, METADATA)).map(follow)) {
      const name = follow(field(entry, 0));
      if (text(name + 4, view.getUint32(name, true)) !== CONTRACT_BUFFER) continue;
      const number = field(entry, 1);
      const data = follow(field(buffers[number === null ? 0 : view.getUint32(number, true)], 0));
      const packed = bytes.subarray(data + 4, data + 4 + view.getUint32(data, true));
      return JSON.parse(packed[0] === 0x7b ? new TextDecoder().decode(packed) : await inflate(packed));
    }
  } catch (error) {
    throw new ModelFileError(`the file is damaged: ${error.message}`);
  }
  throw new ModelFileError("it has no contract: only files that mirzoo.export wrote can be used");
}

async function inflate(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}

/** Tell what keeps a model from being run here, or null. */
export function obstacle(contract) {
  const { exported, input, task } = contract;
  const decided = new Set((exported?.decisions ?? []).map((output) => output.name));
  const needed = { tagging: [], chords: ["chord"], melody: ["f0", "voiced"] }[task];
  if (!needed) return `the page shows tags, chords and melodies, and its task is '${task}'`;
  if (!needed.every((name) => decided.has(name))) return "export it with --decode";
  if (input.whole || exported?.any_length) return "export it with a fixed window: --window-s 10";
  if ((exported?.batch ?? 1) !== 1) return "export it without --batch";
  if ((exported?.input_type ?? "float32") !== "float32") return "export it without --input-type";
  return null;
}
