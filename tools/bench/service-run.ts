// A client and a server, one router hop apart, and the service on the client:
//
//   client 192.0.2.2 ── uplink ─── 192.0.2.1 server, with 203.0.113.10 (sink), .11 (source), .12 (answers)
//
// Every connection begins with a ClientHello, so that the service has something to plan; what follows it is bulk.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clientHello } from "@bunnel/wire";
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
const BULK_SECONDS = 2;
const CONNECTIONS = 500;
const MAIN = join(import.meta.dir, "../../apps/bunnel/src/main.ts");

/** How the rules of a profile carry flows. */
export type ServiceMode = "packet" | "stream";

const STRATEGIES: Readonly<Record<ServiceMode, string>> = {
  packet: "tls: split(1, midsld) disorder",
  stream: "tls: tlsrec(sniext+1) split(1, midsld)",
};

function profileOf(mode: ServiceMode): string {
  return `version = 1
[interception]
method = "nft"
[[rule]]
name = "bench"
hosts = ["example.org"]
egress = "${mode}"
strategy = "${STRATEGIES[mode]}"
`;
}

export interface ServicePrograms {
  readonly bulk: string;
  readonly connect: string;
}

export class ServicePath {
  readonly #client: Namespace;
  readonly #sink: Child;
  readonly #hello: string;
  readonly #profile: string;

  private constructor(
    readonly stage: Stage,
    readonly programs: ServicePrograms,
    client: Namespace,
    sink: Child,
  ) {
    this.#client = client;
    this.#sink = sink;
    this.#hello = join(stage.folder, "client-hello");
    this.#profile = join(stage.folder, "profile.toml");
    writeFileSync(this.#hello, clientHello({ serverName: "www.example.org", padToBytes: HELLO_BYTES }));
  }

  /** Builds both hosts and starts the servers. */
  static async open(stage: Stage, programs: ServicePrograms): Promise<ServicePath> {
    const client = stage.namespace("c");
    const server = stage.namespace("s");
    client.ip(`link add ${UPLINK} type veth peer name ${UPLINK} netns ${server.name}`);
    server.ip(`address add ${ROUTER}/24 dev ${UPLINK}`);
    for (const address of [SINK, SOURCE, ANSWERS]) server.ip(`address add ${address}/32 dev lo`);
    server.ip(`link set ${UPLINK} up`);
    client.ip(`address add ${CLIENT}/24 dev ${UPLINK}`);
    client.ip(`link set ${UPLINK} up`);
    client.ip(`route add default via ${ROUTER}`);
    const serve = (...words: string[]): Child => stage.spawn(words, { namespace: server });
    const hello = String(HELLO_BYTES);
    const sink = serve(programs.bulk, "serve", SINK, PORT, "sink", hello);
    const source = serve(programs.bulk, "serve", SOURCE, PORT, "source", hello);
    const answers = serve(programs.connect, "serve", ANSWERS, PORT, hello);
    await Promise.all([sink, source, answers].map((child) => child.ready()));
    return new ServicePath(stage, programs, client, sink);
  }

  /** The bare path. */
  async measure(): Promise<Sample> {
    const { bulk, connect } = this.programs;
    this.#spawn(bulk, "up", SINK, PORT, String(BULK_SECONDS), this.#hello);
    const up = await this.#sink.json();
    const down = await this.#spawn(bulk, "down", SOURCE, PORT, String(BULK_SECONDS), this.#hello).json();
    const times = await this.#spawn(connect, "ask", ANSWERS, PORT, String(CONNECTIONS), this.#hello).json();
    return { upload: gigabitsPerSecond(up), download: gigabitsPerSecond(down), ...times };
  }

  /**
   * The same with the service up in one of its modes, besides how long it took to come up and the memory that it
   * needed.
   * @throws Error when it planned fewer messages than there were connections: then something else was measured
   */
  async measureThroughService(mode: ServiceMode): Promise<Sample> {
    writeFileSync(this.#profile, profileOf(mode));
    const state = join(this.stage.folder, "state");
    const begin = Bun.nanoseconds();
    const service = this.#spawn(
      process.execPath,
      MAIN,
      "up",
      "--profile",
      this.#profile,
      "--state-dir",
      state,
      "--json",
    );
    await service.line();
    const startMs = (Bun.nanoseconds() - begin) / 1e6;
    const sample = await this.measure();
    const memoryMb = peakMemoryMb(service.pid);
    service.signal("SIGTERM");
    const { replaced } = JSON.parse(await service.line()) as { readonly replaced: number };
    await service.ended();
    if (replaced < CONNECTIONS + 2) {
      throw new Error(`service: expected at least ${CONNECTIONS + 2} planned messages, found ${replaced}`);
    }
    return { ...sample, startMs, memoryMb };
  }

  #spawn(...command: string[]): Child {
    return this.stage.spawn(command, { namespace: this.#client });
  }
}

function gigabitsPerSecond(received: Readonly<Record<string, number>>): number {
  return ((received["bytes"] ?? Number.NaN) * 8) / 1e9 / (received["seconds"] ?? Number.NaN);
}

/** The most memory that a process has had resident; proc(5), VmHWM in KiB. */
function peakMemoryMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return (Number(/^VmHWM:\s+(\d+)/mu.exec(status)?.[1]) * 1024) / 1e6;
}
