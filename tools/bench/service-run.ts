// A client and a server, one router hop apart, and the service on the client:
//
//   client 192.0.2.2 ── uplink ─── 192.0.2.1 server, with 203.0.113.10 (sink), .11 (source), .12 (answers)
//
// Every connection begins with a ClientHello, so that the service has something to plan; what follows it is bulk.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clientHello } from "@bunnel/wire";
import { FLOOD_SENDER } from "../soak/flood-sender.ts";
import type { Child } from "./child.ts";
import type { Namespace } from "./namespace.ts";
import type { Sample } from "./rounds.ts";
import type { Stage } from "./stage.ts";

const UPLINK = "uplink";
const CLIENT = "192.0.2.2";
const ROUTER = "192.0.2.1";
const SINK = "203.0.113.10";
const SOURCE = "203.0.113.11";
const ANSWERS = "203.0.113.12";
const PORT = "443";
const HELLO_BYTES = 517;
/** Short, so that the same path without the service follows soon. */
const BULK_SECONDS = 1;
const CONNECTIONS = 500;
/** Where a flood goes: nobody has the address. */
const FLOODED = "198.18.99.0/24";
const FLOWS = 100_000;
/** Behind each burst of 256, so that they come up and are not lost before. */
const FLOOD_PAUSE_MS = 4;
const RELAY = join(import.meta.dir, "stream-process.ts");
const MAIN = join(import.meta.dir, "../../apps/bunnel/src/main.ts");

const PROFILE = `version = 1
[interception]
method = "nft"
[[rule]]
name = "bench"
hosts = ["example.org"]
strategy = "tls: split(1, midsld) disorder"
`;

/** The same flows, carried by sockets. */
const STREAM_PROFILE = `${PROFILE.replace("split(1, midsld) disorder", "split(1, midsld)")}egress = "stream"
ports = [${PORT}]
`;

/** Address and port. */
type End = readonly [address: string, port: string];

/** Where the three servers are reached. */
export interface ServiceEnds {
  readonly sink: End;
  readonly source: End;
  readonly answers: End;
}

const OWN_ENDS: ServiceEnds = { sink: [SINK, PORT], source: [SOURCE, PORT], answers: [ANSWERS, PORT] };

export interface ServicePrograms {
  readonly bulk: string;
  readonly connect: string;
}

/**
 * Processors of the two hosts' own programs. Where the system chooses, a stream is twice as quick when both ends happen
 * to have one each, and that differs between runs more than anything that is measured here.
 */
export const APART: Processors = { client: 0, server: 1 };

export interface Processors {
  readonly client?: number;
  readonly server?: number;
}

export class ServicePath {
  readonly #client: Namespace;
  readonly #sink: Child;
  readonly #hello: string;
  readonly #profile: string;
  readonly #streamProfile: string;

  private constructor(
    readonly stage: Stage,
    readonly programs: ServicePrograms,
    readonly processors: Processors,
    client: Namespace,
    sink: Child,
  ) {
    this.#client = client;
    this.#sink = sink;
    this.#hello = join(stage.folder, "client-hello");
    this.#profile = join(stage.folder, "profile.toml");
    writeFileSync(this.#hello, clientHello({ serverName: "www.example.org", padToBytes: HELLO_BYTES }));
    this.#streamProfile = join(stage.folder, "stream-profile.toml");
    writeFileSync(this.#profile, PROFILE);
    writeFileSync(this.#streamProfile, STREAM_PROFILE);
  }

  /** Builds both hosts and starts the servers. Without processors, the system chooses. */
  static async open(stage: Stage, programs: ServicePrograms, processors: Processors = {}): Promise<ServicePath> {
    const client = stage.namespace("c");
    const server = stage.namespace("s");
    client.ip(`link add ${UPLINK} type veth peer name ${UPLINK} netns ${server.name}`);
    server.ip(`address add ${ROUTER}/24 dev ${UPLINK}`);
    for (const address of [SINK, SOURCE, ANSWERS]) server.ip(`address add ${address}/32 dev lo`);
    server.ip(`link set ${UPLINK} up`);
    client.ip(`address add ${CLIENT}/24 dev ${UPLINK}`);
    client.ip(`link set ${UPLINK} up`);
    client.ip(`route add default via ${ROUTER}`);
    server.ip(`route add blackhole ${FLOODED}`);
    const place = { namespace: server, ...(processors.server !== undefined && { cpu: processors.server }) };
    const serve = (...words: string[]): Child => stage.spawn(words, place);
    const hello = String(HELLO_BYTES);
    const sink = serve(programs.bulk, "serve", SINK, PORT, "sink", hello);
    const source = serve(programs.bulk, "serve", SOURCE, PORT, "source", hello);
    const answers = serve(programs.connect, "serve", ANSWERS, PORT, hello);
    await Promise.all([sink, source, answers].map((child) => child.ready()));
    return new ServicePath(stage, programs, processors, client, sink);
  }

  /** The bare path, or to other ends than its own. */
  async measure(ends: ServiceEnds = OWN_ENDS): Promise<Sample> {
    const up = await this.#up(ends);
    const down = await this.#down(ends);
    const both = await Promise.all([this.#up(ends), this.#down(ends)]);
    const words = [this.programs.connect, "ask", ...ends.answers, String(CONNECTIONS), this.#hello];
    const times = await this.#load(...words).json();
    return { upload: up, download: down, both: both[0] + both[1], ...times };
  }

  /**
   * The same with the service up, besides how long it took to come up and the memory that it needed.
   * @throws Error when it planned fewer messages than there were connections: then something else was measured
   */
  async measureThroughService(): Promise<Sample> {
    const begin = Bun.nanoseconds();
    const service = await this.#startService();
    const startMs = (Bun.nanoseconds() - begin) / 1e6;
    const sample = await this.measure();
    const memoryMb = memoryOf(service.pid, "VmHWM");
    await stopService(service, CONNECTIONS + 4);
    return { ...sample, startMs, memoryMb };
  }

  /**
   * The same with the service up, whose rule carries the flows by sockets.
   * @throws Error when it carried fewer connections than there were
   */
  async measureThroughDevice(): Promise<Sample> {
    const service = await this.#startService(this.#streamProfile);
    const sample = await this.measure();
    const memoryMb = memoryOf(service.pid, "VmHWM");
    await stopService(service, CONNECTIONS + 4, "translationsMade");
    return { ...sample, memoryMb };
  }

  /**
   * The same through a relay on the client, besides the memory that its process needed.
   * @throws Error when it treated fewer messages than there were connections
   */
  async measureThroughRelay(): Promise<Sample> {
    const relay = this.#spawn(process.execPath, RELAY, ...[SINK, SOURCE, ANSWERS].map((end) => `${end}:${PORT}`));
    const [sink = "", source = "", answers = ""] = (await relay.line()).split(" ");
    const at = (port: string): End => ["127.0.0.1", port];
    const sample = await this.measure({ sink: at(sink), source: at(source), answers: at(answers) });
    const memoryMb = memoryOf(relay.pid, "VmHWM");
    relay.signal("SIGTERM");
    const treated = Number(await relay.line());
    await relay.ended();
    if (treated < CONNECTIONS + 4) {
      throw new Error(`relay: expected at least ${CONNECTIONS + 4} treated messages, found ${treated}`);
    }
    return { ...sample, memoryMb };
  }

  /** Memory in use after so many flows, and what four times as many more add to it. */
  async measureFlows(): Promise<Sample> {
    const service = await this.#startService();
    const flood = async (flows: number): Promise<number> => {
      const words = [process.execPath, FLOOD_SENDER, "hello", String(flows), String(FLOOD_PAUSE_MS)];
      await this.#spawn(...words).ended();
      return memoryOf(service.pid, "VmRSS");
    };
    const flowsMb = await flood(FLOWS);
    const moreMb = (await flood(4 * FLOWS)) - flowsMb;
    // Some are lost where the device's queue is full; most are not.
    await stopService(service, FLOWS);
    return { flowsMb, moreMb };
  }

  async #up(ends: ServiceEnds): Promise<number> {
    this.#load(this.programs.bulk, "up", ...ends.sink, String(BULK_SECONDS), this.#hello);
    return gigabitsPerSecond(await this.#sink.json());
  }

  async #down(ends: ServiceEnds): Promise<number> {
    const words = [this.programs.bulk, "down", ...ends.source, String(BULK_SECONDS), this.#hello];
    return gigabitsPerSecond(await this.#load(...words).json());
  }

  async #startService(profile = this.#profile): Promise<Child> {
    const state = join(this.stage.folder, "state");
    const words = ["--profile", profile, "--state-dir", state, "--json"];
    const service = this.#spawn(process.execPath, MAIN, "up", ...words);
    await service.line();
    return service;
  }

  /** A program of the client's that is measured. */
  #load(...command: string[]): Child {
    const { client: cpu } = this.processors;
    return this.stage.spawn(command, { namespace: this.#client, ...(cpu !== undefined && { cpu }) });
  }

  #spawn(...command: string[]): Child {
    return this.stage.spawn(command, { namespace: this.#client });
  }
}

function gigabitsPerSecond(received: Readonly<Record<string, number>>): number {
  return ((received["bytes"] ?? Number.NaN) * 8) / 1e9 / (received["seconds"] ?? Number.NaN);
}

/** Ends it, and makes sure that what it counted is what was measured. */
async function stopService(service: Child, least: number, counter = "replaced"): Promise<void> {
  service.signal("SIGTERM");
  const report = JSON.parse(await service.line()) as Readonly<Record<string, number>>;
  await service.ended();
  const found = report[counter] ?? 0;
  if (found < least) throw new Error(`service: expected ${counter} to be at least ${least}, found ${found}`);
}

/** Memory that a process has resident, or has had at most; proc(5), in KiB. */
function memoryOf(pid: number, name: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return (Number(new RegExp(`^${name}:\\s+(\\d+)`, "mu").exec(status)?.[1]) * 1024) / 1e6;
}
