// Importing the driver opens nothing, on any system.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { importsHarmlessly } from "@bunnel/bsd/proof";

importsHarmlessly("@bunnel/tun-bsd", join(import.meta.dirname, "../src/index.ts"));

test("opening it where its library is not says so with a code", async () => {
  const { FREEBSD, openBsdTun } = await import("../src/index.ts");
  const open = () => openBsdTun({}, { libraries: ["/nowhere/libc.so.7"], system: FREEBSD });
  expect(open).toThrow("library not found");
});

test("opening it on a system without a table names those that have one", async () => {
  const { openBsdTun } = await import("../src/index.ts");
  expect(() => openBsdTun()).toThrow("expected one of freebsd, openbsd, netbsd, dragonfly, found linux");
});
