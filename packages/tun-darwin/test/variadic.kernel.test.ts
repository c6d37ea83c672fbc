// needs root: the fake kernel makes network interfaces
// A kernel that looks for variadic arguments where Apple's arm64 code does: behind eight registers.
import { describe, expect, test } from "bun:test";
import { failureOf } from "@bunnel/bsd/proof";
import { openDarwinCalls, openDarwinTun } from "../src/index.ts";
import { DARWIN } from "../src/system.ts";
import { darwinKernel, onKernel } from "./darwin-kernel.ts";

const OPTIONS = { addresses: ["192.0.2.1/24", "2001:db8::1/64"] };

describe("with variadic arguments on the stack", () => {
  test("the driver of arm64 reaches them by padding, and opens a device", () => {
    using kernel = darwinKernel({ variadic: "stack" });
    using device = openDarwinTun(OPTIONS, onKernel(kernel, { arch: "arm64" }));
    const [link] = kernel.namespace.ip(`addr show dev ${device.name}`);
    expect(link?.["addr_info"]).toMatchObject([{ local: "192.0.2.1" }, { local: "2001:db8::1" }]);
    expect(openDarwinCalls(onKernel(kernel, { arch: "arm64" })).convention).toBe("padded");
  });

  test("a plain declaration fails, and leaves nothing behind", () => {
    using kernel = darwinKernel({ variadic: "stack" });
    const naive = { ...DARWIN, conventions: { arm64: ["plain"] } } as const;
    failureOf(() => openDarwinTun(OPTIONS, onKernel(kernel, { arch: "arm64", system: naive })));
    expect(kernel.held()).toEqual({ descriptors: 0, interfaces: 0, routes: 0 });
  });

  test("where plain is tried first, the probe finds out", () => {
    using kernel = darwinKernel({ variadic: "stack", stubs: true });
    const system = { ...DARWIN, conventions: { arm64: ["plain", "stubs"] } } as const;
    expect(openDarwinCalls(onKernel(kernel, { arch: "arm64", system })).convention).toBe("stubs");
    using device = openDarwinTun(OPTIONS, onKernel(kernel, { arch: "arm64", system }));
    expect(device.name).toBe("utun0");
  });
});

describe("with variadic arguments in registers", () => {
  test("the driver of arm64 falls back to the stubs, where padding does not reach", () => {
    using kernel = darwinKernel({ stubs: true });
    const calls = openDarwinCalls(onKernel(kernel, { arch: "arm64" }));
    expect(calls.convention).toBe("stubs");
  });

  test("it says so when no way works, and the probe leaves no descriptor", () => {
    using kernel = darwinKernel();
    const failure = failureOf(() => openDarwinTun({}, onKernel(kernel, { arch: "arm64" })));
    expect(failure.code).toBe("E_DEVICE_SYSTEM");
    expect(failure.message).toContain("padded, stubs");
    expect(kernel.held().descriptors).toBe(0);
  });

  test("the driver of x64 calls them plainly", () => {
    using kernel = darwinKernel();
    expect(openDarwinCalls(onKernel(kernel, { arch: "x64" })).convention).toBe("plain");
  });
});
