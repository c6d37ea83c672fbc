// Every symbol that a program can import has a doc comment, and every type that a signature names can be looked up.
import { expect, test } from "bun:test";
import { dirname } from "node:path";
import { readReference } from "./reference.ts";

/** A compiler reads all packages. */
const LIMIT_MS = 120_000;

test(
  "the reference is complete: nothing exported is without a doc comment",
  async () => {
    const { project, findings } = await readReference(dirname(dirname(import.meta.dirname)));
    expect(findings).toEqual([]);
    const tun = project.children?.find(({ name }) => name === "@bunnel/tun");
    expect(tun?.children?.map(({ name }) => name)).toEqual(expect.arrayContaining(["openTun", "Tun", "routes", "dns"]));
  },
  LIMIT_MS,
);
