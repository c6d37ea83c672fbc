import { describe, expect, test } from "bun:test";
import { readPage } from "./question.ts";
import { TEST_HOSTS } from "./test-hosts.ts";

const { regions, harmless, gathered } = TEST_HOSTS;
const listed = Object.entries(regions).flatMap(([region, hosts]) => hosts.map((host) => [region, host] as const));

describe("TEST_HOSTS", () => {
  test("has the region that is asked without a word, and no host twice in any", () => {
    expect(Object.keys(regions)).toContain("world");
    for (const hosts of Object.values(regions)) expect(new Set(hosts).size).toBe(hosts.length);
  });

  test.each(listed)("of %s: %s is a bare name, as a rule has it", (_, host) => {
    expect(readPage(host)).toEqual({ host, path: "/" });
  });

  test("has a control that is in no list", () => {
    expect(readPage(harmless).host).toBe(harmless);
    expect(listed.map(([, host]) => host)).not.toContain(harmless);
  });

  test("says of which day it is", () => {
    expect(new Date(gathered).toISOString().slice(0, 10)).toBe(gathered);
  });
});
