// Hands over what the microphone records, in blocks, from the audio thread.

registerProcessor("recorder", class extends AudioWorkletProcessor {
  block = new Float32Array(4096);
  filled = 0;

  process([channels]) {
    const [first] = channels;
    if (!first) return true;
    const mono = first.map((_, n) => channels.reduce((sum, c) => sum + c[n], 0) / channels.length);
    this.block.set(mono, this.filled);
    this.filled += mono.length;
    if (this.filled >= 2048) {
      this.port.postMessage(this.block.slice(0, this.filled));
      this.filled = 0;
    }
    return true;
  }
});
