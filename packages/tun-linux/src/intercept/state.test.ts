import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimState, INTERCEPTION_FORM, type InterceptionState } from "./state.ts";

const STATE: InterceptionState = {
  namespace: "net:[1]",
  filters: [{ interfaceName: "eth0", before: 1, ours: 2 }],
  exceptions: ["203.0.113.0/24"],
};

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-state-"));
  path = join(folder, "state.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("claimState()", () => {
  test("reads what it wrote", () => {
    using state = claimState(path);
    expect(state.read()).toBeUndefined();
    state.write(STATE);
    expect(state.read()).toEqual(STATE);
  });

  test("is refused while another holds it, and given when that one is gone", () => {
    const first = claimState(path);
    expect(() => claimState(path)).toThrow(expect.objectContaining({ code: "E_DEVICE_BUSY" }));
    expect(() => claimState(path)).toThrow(`another bunnel is running (it holds ${path}.lock)`);
    first[Symbol.dispose]();
    using _ = claimState(path);
  });
});

describe("the form of an interception's state", () => {
  const [filter] = STATE.filters;
  test.each<[string, Record<string, unknown>]>([
    ["the name of a network namespace", { namespace: 7 }],
    ["a list of reverse-path filters", { filters: {} }],
    ["a list of reverse-path filters", { filters: [{ ...filter, interfaceName: "../../kernel" }] }],
    ["a list of reverse-path filters", { filters: [{ ...filter, interfaceName: ".." }] }],
    ["a list of reverse-path filters", { filters: [{ ...filter, before: 3 }] }],
    ["a list of reverse-path filters", { filters: [{ ...filter, ours: "2" }] }],
    ["a list of destinations", { exceptions: [1] }],
    ["a list of destinations", { exceptions: "203.0.113.0/24" }],
  ])("expects %s", (expected, wrong) => {
    expect(INTERCEPTION_FORM.parse({ ...STATE, ...wrong })).toBe(expected);
  });
});
