import { describe, expect, test } from "bun:test";
import * as bpf from "./bpf.ts";

describe("assemble()", () => {
  test("writes code, jumps and operand as struct sock_filter has them", () => {
    const program = bpf.assemble([
      bpf.loadHalf(12),
      bpf.ifEquals(0x86dd, "take", "ignore"),
      bpf.loadProtocol,
      "take",
      bpf.take(256),
      "ignore",
      bpf.take(0),
    ]);
    // ldh, jeq, ld, ret, ret: tcpdump -dd prints the same numbers for such words.
    expect(program.toHex()).toBe(
      "280000000c000000" + "15000102dd860000" + "2000000000f0ffff" + "0600000000010000" + "0600000000000000",
    );
  });

  test("writes a jump that is always taken into the operand", () => {
    const program = bpf.assemble([bpf.goOnAt("end"), bpf.take(1), "end", bpf.take(0)]);
    expect(program.subarray(0, 8).toHex()).toBe("0500000001000000");
  });

  test("refuses jumps that lead nowhere, back or too far, and an empty program", () => {
    expect(() => bpf.assemble([bpf.goOnAt("nowhere")])).toThrow('no label "nowhere"');
    expect(() => bpf.assemble(["back", bpf.ifEquals(1, "back")])).toThrow("found -1");
    const far = Array.from({ length: 256 }, () => bpf.take(0));
    expect(() => bpf.assemble([bpf.ifEquals(1, "far"), ...far, "far", bpf.take(0)])).toThrow("found 256");
    expect(() => bpf.assemble(["only a label"])).toThrow("found 0");
  });
});
