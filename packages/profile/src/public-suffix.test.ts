import { expect, test } from "bun:test";
import { isPublicSuffix } from "./public-suffix.ts";

test.each([
  ["com", true],
  ["co.uk", true],
  ["com.tr", true],
  ["xn--p1ai", true],
  ["kawasaki.jp", true],
  ["city.kawasaki.jp", false],
  ["example.org", false],
  ["_dmarc.org", false],
  ["github.io", false],
  ["lan", false],
  ["localhost", false],
])("isPublicSuffix(%j) is %p", (name, is) => {
  expect(isPublicSuffix(name)).toBe(is);
});
