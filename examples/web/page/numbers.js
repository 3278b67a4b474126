// Numbers and JSON as Python writes them, so that files do not depend on where they were made.

/** Round to a whole number, halves to the even one. */
export function roundEven(x) {
  const near = Math.round(x);
  return near - x === 0.5 && near % 2 ? near - 1 : near;
}

/** A number with six digits behind the point, halves to the even digit. */
export const fixed = (x) => /^.*\.\d{5}[02468](?=50*$)/.exec(x.toFixed(60))?.[0] ?? x.toFixed(6);

/** A number as Python shows a float: the fewest digits that tell it from all others. */
export function float(x) {
  if (!Number.isFinite(x)) throw new Error(`${x} can't be written to a file`);
  const [digits, power] = x.toExponential().split("e");
  if (power < -4 || power >= 16) return `${digits}e${power[0]}${power.slice(1).padStart(2, "0")}`;
  return Number.isInteger(x) ? `${x}.0` : String(x);
}

/** JSON as Python's `json.dumps(value, indent=1)` has it: numbers are floats, but for an `index`. */
export function toJson(value) {
  const marked = (key, item) =>
    typeof item === "number" ? `\0${key === "index" ? item : float(item)}` : item;
  return JSON.stringify(value, marked, 1)
    .replace(/"\\u0000([^"]*)"/g, "$1")
    .replace(/[\x80-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
