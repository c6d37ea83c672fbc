import { expect, test } from "bun:test";
import { withHost } from "./fresh-sources.linux.ts";

const HOST = Uint8Array.of(0x12, 0x34, 0, 0x56, 0x78, 0x9a, 0, 0);

test.each([
  ["2001:db8:1::2", "2001:db8:1:0:1234:56:789a:0"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2:1234:56:789a:0"],
  ["2001:db8::1:2:3:4", "2001:db8:0:0:1234:56:789a:0"],
  ["2001:db8:1:2::", "2001:db8:1:2:1234:56:789a:0"],
])("withHost() leaves the network of %s, and gives it another host", (address, expected) => {
  expect(withHost(address, HOST)).toBe(expected);
});
