// Host names, for properties.
import { HOST_MAX_BYTES } from "@bunnel/abi";
import fc from "fast-check";

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,7}$/);

/** Names under example.org, some of them as long as names can be. */
export const anyHostName: fc.Arbitrary<string> = fc.oneof(
  { weight: 9, arbitrary: fc.array(label, { maxLength: 4 }).map((labels) => [...labels, "example.org"].join(".")) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 63 }).map(longName) },
);

/** A name of HOST_MAX_BYTES octets whose first label has `first` of them. */
function longName(first: number): string {
  const tail = `.${"a".repeat(50)}.${"b".repeat(60)}.${"c".repeat(60)}.example.org`;
  const middle = HOST_MAX_BYTES - tail.length - first - 1;
  return `${"x".repeat(first)}.${"y".repeat(Math.min(middle, 63))}${tail}`;
}
