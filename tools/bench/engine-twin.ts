// The other side of the engine suite: the C program of the same algorithm.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { META_BYTES } from "@bunnel/abi";
import { compileProgram } from "./compile.ts";
import { encodePacketMix, type PacketMix } from "./packet-mix.ts";
import type { Sample } from "./rounds.ts";

export class EngineTwin {
  readonly #program: string;
  readonly #mixFile: string;

  /** Compiles the program and writes the mix into `folder`. @throws MissingTool without gcc */
  constructor(
    readonly folder: string,
    mix: PacketMix,
    readonly seed: bigint,
  ) {
    this.#program = compileProgram("engine", folder);
    this.#mixFile = join(folder, "packets.mix");
    writeFileSync(this.#mixFile, encodePacketMix(mix));
  }

  /** The records of all packets, tracked, in order; the flow table starts empty. */
  records(): Uint8Array {
    return this.#run("dump");
  }

  /** Nanoseconds per packet or call, of the fastest of several passes. */
  time(passes: number): Sample {
    return JSON.parse(new TextDecoder().decode(this.#run("time", String(passes)))) as Sample;
  }

  /** Flows made in a second, by so many threads over one table. */
  flood(passes: number, threads: number): Sample {
    return JSON.parse(new TextDecoder().decode(this.#run("flood", String(passes), String(threads)))) as Sample;
  }

  #run(...words: string[]): Uint8Array {
    return runTwin([this.#program, this.#mixFile, String(this.seed), ...words]);
  }
}

/** What the C program prints. @throws Error with its own words when it fails */
export function runTwin(command: readonly string[]): Uint8Array {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { stdout: "pipe", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`engine twin: ${stderr.toString().trim()}`);
  return stdout;
}

/** Where the records of both first differ, as a sentence; undefined: nowhere. */
export function differenceOf(twin: Uint8Array, engine: Uint8Array): string | undefined {
  if (Buffer.compare(twin, engine) === 0) return undefined;
  const at = engine.findIndex((octet, i) => octet !== twin[i]);
  const packet = Math.floor(at / META_BYTES);
  const records = [twin, engine].map((all) =>
    Buffer.from(all.subarray(packet * META_BYTES, (packet + 1) * META_BYTES)),
  );
  return (
    `records of the C twin and the engine differ first in octet ${at % META_BYTES} of packet ${packet}: ` +
    `tools/bench/c must follow wasm/assembly\n${records.map((record) => record.toString("hex")).join("\n")}`
  );
}
