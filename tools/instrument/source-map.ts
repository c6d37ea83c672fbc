// A source map's mappings (ECMA-426). For a module there is one line, and its columns are offsets in the binary.

/** An instruction at `offset` of the module comes from `line` (from 1) of `file`. */
export interface SourcePlace {
  readonly offset: number;
  readonly file: string;
  readonly line: number;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CONTINUES = 32;

/** All places of a map, by rising offset. @throws SyntaxError when the text is not JSON */
export function readSourceMap(text: string): SourcePlace[] {
  const map = JSON.parse(text) as { readonly sources: readonly string[]; readonly mappings: string };
  const places: SourcePlace[] = [];
  let [offset, source, line] = [0, 0, 0];
  for (const segment of (map.mappings.split(";")[0] ?? "").split(",")) {
    const [offsetStep, sourceStep, lineStep] = readNumbers(segment);
    offset += offsetStep ?? 0;
    // A segment of one number says that what begins here comes from no source.
    if (sourceStep === undefined || lineStep === undefined) continue;
    source += sourceStep;
    line += lineStep;
    places.push({ offset, file: map.sources[source] ?? "", line: line + 1 });
  }
  return places.toSorted((left, right) => left.offset - right.offset);
}

/** Base 64 digits of five bits each, the lowest first; the lowest bit of a number is its sign. */
function readNumbers(segment: string): number[] {
  const numbers: number[] = [];
  let [value, shift] = [0, 0];
  for (const character of segment) {
    const digit = DIGITS.indexOf(character);
    value |= (digit & (CONTINUES - 1)) << shift;
    shift += 5;
    if ((digit & CONTINUES) !== 0) continue;
    numbers.push((value & 1) === 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}
