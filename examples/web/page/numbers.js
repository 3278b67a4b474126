// Numbers and JSON as Python writes them, so that files do not depend on where they were made.

/** Round to a whole number, halves to the even one. */
export function roundEven(x) {
  const below = Math.floor(x), rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** A number with six digits behind the point, halves to the even digit. */
export function fixed(x, digits = 6) {
  const exact = x.toFixed(60);
  const point = exact.indexOf(".");
  const rest = exact.slice(point + 1 + digits);
  if (!/^50*$/.test(rest)) return x.toFixed(digits);
  const down = exact.slice(0, point + 1 + digits);
  return Number(down.at(-1)) % 2 === 0 ? down : x.toFixed(digits);
}

/** A number as Python shows a float: the fewest digits that tell it from all others. */
export function float(x) {
  if (!Number.isFinite(x)) throw new Error(`${x} can't be written to a file`);
  const [mantissa, exponent] = x.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 16) {
    const plain = power < -6 ? x.toFixed(30) : String(x);
    return plain.includes(".") ? plain : `${plain}.0`;
  }
  const sign = power < 0 ? "-" : "+";
  return `${mantissa}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** JSON as Python's `json.dumps(value, indent=1)` has it: numbers are floats, BigInts are ints. */
export function toJson(value, indent = "\n") {
  const inner = `${indent} `;
  if (typeof value === "number") return float(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value === "string") return ascii(JSON.stringify(value));
  if (value === null || typeof value === "boolean") return String(value);
  const entries = Array.isArray(value)
    ? value.map((item) => toJson(item, inner))
    : Object.entries(value).map(([name, item]) => `${toJson(name)}: ${toJson(item, inner)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  if (!entries.length) return open + close;
  return `${open}${inner}${entries.join(`,${inner}`)}${indent}${close}`;
}

function ascii(text) {
  return text.replace(/[\u007f-\uffff]/g, (c) =>
    c === "\u007f" ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
