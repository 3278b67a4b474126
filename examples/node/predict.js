// Run a `.onnx` file of mirzoo in node: samples in, every output as JSON.
//
//   npm install onnxruntime-node
//   node predict.js tagger.onnx clips.f32 2
//
// clips.f32 holds raw little-endian float32 samples in [-1, 1] at the card's rate, here of two
// windows, one after the other; `mirzoo export mel_cnn_tagger tagger.onnx` wrote the model.
const fs = require("fs");
const ort = require("onnxruntime-node");

async function main() {
  const [model, samples, windows] = process.argv.slice(2);
  const bytes = fs.readFileSync(samples);
  const waveform = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const count = Number(windows);
  const session = await ort.InferenceSession.create(model);
  const shape = [count, waveform.length / count];
  const outputs = await session.run({ waveform: new ort.Tensor("float32", waveform, shape) });
  const plain = Object.entries(outputs).map(([name, tensor]) => [
    name,
    { shape: tensor.dims, values: Array.from(tensor.data) },
  ]);
  process.stdout.write(JSON.stringify(Object.fromEntries(plain)));
}

main();
