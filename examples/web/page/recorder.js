// Hands over what the microphone records, in blocks, from the audio thread.

class Recorder extends AudioWorkletProcessor {
  block = new Float32Array(4096);
  filled = 0;

  process([channels]) {
    if (!channels.length) return true;
    for (let n = 0; n < channels[0].length; n++) {
      let sum = 0;
      for (const channel of channels) sum += channel[n];
      this.block[this.filled++] = sum / channels.length;
      if (this.filled === this.block.length) {
        this.port.postMessage(this.block);
        this.block = new Float32Array(4096);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("recorder", Recorder);
