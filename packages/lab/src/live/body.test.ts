import { expect, test } from "bun:test";
import { contentBlocks, contentDigest } from "./body.ts";

test("contentBlocks() gives exactly as many octets as were asked for", () => {
  for (const bytes of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
    const sum = [...contentBlocks(bytes)].reduce((total, block) => total + block.length, 0);
    expect(sum).toBe(bytes);
  }
});

test("contentBlocks() repeats no block", () => {
  const digests = [...contentBlocks(40 * 65_536)].map((block) => Bun.hash(block));
  expect(new Set(digests).size).toBe(40);
});

test("contentDigest() is the digest of the blocks and differs with the length", () => {
  const hasher = new Bun.CryptoHasher("sha256");
  hasher.update(Buffer.concat([...contentBlocks(100_000)]));
  expect(contentDigest(100_000)).toBe(hasher.digest("hex"));
  expect(contentDigest(99_999)).not.toBe(contentDigest(100_000));
});
