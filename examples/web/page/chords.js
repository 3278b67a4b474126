// Chord labels in Harte's syntax: what sounds, and the names of inversions.

export const ROOT_NAMES = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];

const LETTERS = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };
const QUALITIES = {
  maj: [0, 4, 7], min: [0, 3, 7], dim: [0, 3, 6], aug: [0, 4, 8], min6: [0, 3, 7, 9],
  maj6: [0, 4, 7, 9], min7: [0, 3, 7, 10], minmaj7: [0, 3, 7, 11], maj7: [0, 4, 7, 11],
  7: [0, 4, 7, 10], dim7: [0, 3, 6, 9], hdim7: [0, 3, 6, 10], sus2: [0, 2, 7], sus4: [0, 5, 7],
};
const DEGREES = ["1", "b2", "2", "b3", "3", "4", "b5", "5", "#5", "6", "b7", "7"];
const SYNTAX = /^([A-G])([#b]?):(\w+)(?:\/(\S+))?$/;

/** Read a label: `root`, `bass` and `pitchClasses` count from 0 for C; null where no chord sounds. */
export function parseChord(label) {
  if (label === "N" || label === "X") return null;
  const [, letter, sign, quality, degree] = SYNTAX.exec(label) ?? [];
  const intervals = QUALITIES[quality];
  if (!intervals) throw new Error(`'${label}' is no chord that models name, such as A:min7/b3`);
  const root = (LETTERS[letter] + { "#": 1, b: 11, "": 12 }[sign]) % 12;
  const bass = degree === "bb7" ? 9 : Math.max(0, DEGREES.indexOf(degree));
  const pitchClasses = intervals.map((tone) => (root + tone) % 12).sort((a, b) => a - b);
  return { root, bass: (root + bass) % 12, intervals, pitchClasses };
}

/** Put a chord tone, a pitch class, into the bass of a label that has none. */
export function withBass(label, bass) {
  const chord = parseChord(label);
  const above = chord && (bass - chord.root + 12) % 12;
  if (!above || !chord.intervals.includes(above)) return label;
  const diminished = above === 9 && chord.intervals.includes(6);
  return `${label}/${diminished ? "bb7" : DEGREES[above]}`;
}
