// Decode a sound file with the browser's decoders.

const RATE = 48000;
const MP3_DELAY = 529; // samples that a decoder of MP3 is late

/** Decode a file to an AudioBuffer of 48 kHz, without what an MP3 decoder puts before it. */
export async function decode(bytes) {
  const late = mp3Delay(new Uint8Array(bytes));
  const buffer = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(bytes);
  const skip = Math.round(late * RATE), { numberOfChannels, sampleRate, length } = buffer;
  if (!skip || skip >= length) return buffer;
  const shorter = new AudioBuffer({ numberOfChannels, sampleRate, length: length - skip });
  for (let n = 0; n < numberOfChannels; n++) {
    shorter.copyToChannel(buffer.getChannelData(n).subarray(skip), n);
  }
  return shorter;
}

/** The delay (s) of an MP3 file that does not state it; 0 for other files. */
export function mp3Delay(bytes) {
  const text = (start, end) => String.fromCharCode(...bytes.subarray(start, end));
  const size = bytes.subarray(6, 10).reduce((sum, byte) => sum * 128 + byte, 0);
  const start = text(0, 3) === "ID3" ? 10 + size : 0;
  const [sync, kind, rates] = bytes.subarray(start, start + 3);
  if (sync !== 0xff || (kind & 0xe6) !== 0xe2) return 0; // layer III alone
  if (/Xing|Info/.test(text(start, start + 200))) return 0; // browsers follow what it states
  const halved = { 3: 1, 2: 2, 0: 4 }[(kind >> 3) & 3];
  return (MP3_DELAY * halved) / [44100, 48000, 32000][(rates >> 2) & 3] || 0;
}
