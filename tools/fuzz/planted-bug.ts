// A small module with a bug of the kind that a fuzzer is there for, written byte by byte.
//
//   run(at, bytes): octets 22, 3, k at the start, then the octet at `k`; the check lets k = bytes pass, one too far
import { instrument } from "../instrument/index.ts";
import type { FuzzInput } from "./input.ts";
import type { FuzzTarget } from "./target.ts";

const PAGE_BYTES = 65536;
const PROBE_BASE = 1024;
const PROBE_ROOM = 64;
const HEADER = "0061736d01000000";
const TYPES = "01070160027f7f017f";
const IMPORTS = "020f0103656e76066d656d6f7279020001";
const FUNCTIONS = "03020100";
const EXPORTS = "0707010372756e0000";
/** `if (…) return 0`, behind a condition on the stack. */
const RETURN_ZERO = "044041000f0b";
const BODY = [
  "00",
  `2001410448${RETURN_ZERO}`, // bytes < 4
  `20002d0000411647${RETURN_ZERO}`, // octet 0 is not 22
  `20002d0001410347${RETURN_ZERO}`, // octet 1 is not 3
  `20002d000220014b${RETURN_ZERO}`, // octet 2 > bytes
  "200020002d00026a2d00000b",
].join("");

/** A target over that module. */
export async function plantedBug(): Promise<FuzzTarget> {
  const body = Uint8Array.fromHex(BODY);
  const code = Uint8Array.of(10, body.length + 2, 1, body.length).toHex() + BODY;
  const plain = Uint8Array.fromHex(HEADER + TYPES + IMPORTS + FUNCTIONS + EXPORTS + code);
  const { bytes, probes } = instrument(plain, { base: PROBE_BASE, room: PROBE_ROOM, mode: "count" });
  const memory = new WebAssembly.Memory({ initial: 1 });
  const octets = new Uint8Array(memory.buffer);
  const instance = new WebAssembly.Instance(await WebAssembly.compile(bytes), { env: { memory } });
  const run = instance.exports["run"] as (at: number, bytes: number) => number;
  return {
    name: "planted bug",
    probeCount: probes.length,
    counters: octets.subarray(PROBE_BASE, PROBE_BASE + PROBE_ROOM),
    run({ packets }: FuzzInput): void {
      for (const packet of packets) {
        const at = PAGE_BYTES - packet.octets.length;
        octets.set(packet.octets, at);
        run(at, packet.octets.length);
      }
    },
  };
}
