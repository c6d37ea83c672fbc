// Test files that make networks of their own say so in their first line: without the right to, they are skipped as a
// whole instead of failing one by one.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = dirname(import.meta.dirname);
/** Imports by which a test gets a network namespace. */
const MAKES_NETWORKS = /^import .*\b(NetworkNamespace|NetworkPair|RoutedLab|createNamespace)\b/m;

test("a test file that makes a network says that it needs root", () => {
  const files = [...new Bun.Glob("{packages,apps,tools,test}/**/*.test.ts").scanSync({ cwd: root })];
  const makers = files
    .filter((file) => !file.includes("node_modules"))
    .map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }))
    .filter(({ text }) => MAKES_NETWORKS.test(text.replaceAll(/\{[^{}]*\}/g, (names) => names.replaceAll("\n", " "))));
  expect(makers.length).toBeGreaterThan(0);
  expect(makers.filter(({ text }) => !text.startsWith("// needs root")).map(({ file }) => file)).toEqual([]);
});
