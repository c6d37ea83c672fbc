// Importing the driver opens nothing, on any system.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { importsHarmlessly } from "@bunnel/bsd/proof";

importsHarmlessly("@bunnel/tun-darwin", join(import.meta.dirname, "../src/index.ts"));

test("opening it where its library is not says so with a code", async () => {
  const { openDarwinTun } = await import("../src/index.ts");
  const open = () => openDarwinTun({}, { libraries: ["/nowhere/libSystem.B.dylib"] });
  expect(open).toThrow("library not found");
});
