// Clients and a server, one router hop apart:
//
//   client 192.0.2.2   ── uplink ─┬─ server, with 203.0.113.10 (sink), .11 (source), .12 (answers), .13 (turns)
//   client 192.0.2.130 ── uplink ─┘
//
// Every connection begins with a ClientHello, so that the service has something to plan; what follows it is bulk.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { clientHello } from "@bunnel/wire";
import type { Child } from "./child.ts";
import { compileProgram } from "./compile.ts";
import type { Namespace } from "./namespace.ts";
import type { Stage } from "./stage.ts";

const UPLINK = "uplink";
/** Octets of an address that tell one client's network from the next one's. */
const NETWORK_SIZE = 128;
const CLIENTS_MAX = 2;
const PORT = "443";
const HELLO_BYTES = 517;
const SINK = "203.0.113.10";
const SOURCE = "203.0.113.11";
const ANSWERS = "203.0.113.12";
const TURNS = "203.0.113.13";
/** Of each turn the program says so many. */
const TURN_FIGURES = 3;

/** Address and port. */
export type End = readonly [address: string, port: string];

/** Where the three servers are reached. */
export interface ServiceEnds {
  readonly sink: End;
  readonly source: End;
  readonly answers: End;
}

export const OWN_ENDS: ServiceEnds = { sink: [SINK, PORT], source: [SOURCE, PORT], answers: [ANSWERS, PORT] };

/**
 * All programs of the hosts on the last processor; the service has the others. Where both ends have one each, each
 * piece waits for the other one to wake up, and that differs between runs more than anything that is measured here.
 */
export const ON_ONE: Processors = {
  client: navigator.hardwareConcurrency - 1,
  server: navigator.hardwareConcurrency - 1,
};

export interface Processors {
  readonly client?: number;
  readonly server?: number;
}

/** What one stream moved, and what that cost. */
export interface Transfer {
  readonly bytes: number;
  readonly seconds: number;
  /** Processor time of both ends, with what the kernel did in their name. */
  readonly cpuSeconds: number;
}

/** What moved on a path in its turn of some milliseconds. */
export interface Turn {
  readonly bytes: number;
  readonly nanoseconds: number;
  /** Processor time of both ends, with what the kernel did in their name. */
  readonly cpuNanoseconds: number;
}

export class ServiceHosts {
  readonly #turns: string;
  readonly #bulk: string;
  readonly #connect: string;
  readonly #hello: string;
  readonly #servers: Readonly<Record<"sink" | "source", Child>>;

  private constructor(
    readonly stage: Stage,
    readonly processors: Processors,
    readonly server: Namespace,
    readonly clients: readonly Namespace[],
    programs: Readonly<Record<"bulk" | "connect" | "hello" | "turns", string>>,
    servers: Readonly<Record<"sink" | "source", Child>>,
  ) {
    this.#turns = programs.turns;
    this.#bulk = programs.bulk;
    this.#connect = programs.connect;
    this.#hello = programs.hello;
    this.#servers = servers;
  }

  /** Builds the hosts and starts the servers. Without processors, the system chooses. */
  static async open(stage: Stage, processors: Processors = {}, clientCount = 1): Promise<ServiceHosts> {
    if (clientCount > CLIENTS_MAX)
      throw new RangeError(`clients: expected at most ${CLIENTS_MAX}, found ${clientCount}`);
    const bulk = compileProgram("bulk", stage.folder);
    const connect = compileProgram("connect", stage.folder);
    const turns = compileProgram("turns", stage.folder);
    const hello = join(stage.folder, "client-hello");
    writeFileSync(hello, clientHello({ serverName: "www.example.org", padToBytes: HELLO_BYTES }));
    const server = stage.namespace("s");
    for (const address of [SINK, SOURCE, ANSWERS, TURNS]) server.ip(`address add ${address}/32 dev lo`);
    const clients = Array.from({ length: clientCount }, (_, index) => addClient(stage, server, index));
    const place = { namespace: server, ...(processors.server !== undefined && { cpu: processors.server }) };
    const serve = (...words: string[]): Promise<Child> => stage.spawn(words, place).ready();
    const length = String(HELLO_BYTES);
    const sink = await serve(bulk, "serve", SINK, PORT, "sink", length);
    const source = await serve(bulk, "serve", SOURCE, PORT, "source", length);
    await serve(connect, "serve", ANSWERS, PORT, length);
    return new ServiceHosts(stage, processors, server, clients, { bulk, connect, hello, turns }, { sink, source });
  }

  /** One stream from a client to the sink. */
  async up(client: Namespace, seconds: number, { sink }: ServiceEnds = OWN_ENDS): Promise<Transfer> {
    const sender = this.#load(client, this.#bulk, "up", ...sink, String(seconds), this.#hello);
    return transferOf(await this.#servers.sink.json(), await sender.json());
  }

  /** One stream from the source to a client. */
  async down(client: Namespace, seconds: number, { source }: ServiceEnds = OWN_ENDS): Promise<Transfer> {
    const receiver = this.#load(client, this.#bulk, "down", ...source, String(seconds), this.#hello);
    return transferOf(await receiver.json(), await this.#servers.source.json());
  }

  /** So many connections, one after the other: medians of how long they took. */
  connect(client: Namespace, count: number, { answers }: ServiceEnds = OWN_ENDS): Promise<Record<string, number>> {
    return this.#load(client, this.#connect, "ask", ...answers, String(count), this.#hello).json();
  }

  /** Bulk on the paths of two clients, which take turns for so long: the turns of each, in pairs. */
  async turns(
    way: "up" | "down" | "both",
    seconds: number,
    { bare, ours }: Readonly<Record<"bare" | "ours", Namespace>>,
  ): Promise<Readonly<Record<"bare" | "ours", readonly Turn[]>>> {
    const words = [TURNS, PORT, way, String(seconds), this.#hello, this.server.name, bare.name, ours.name];
    const { server: cpu } = this.processors;
    const program = this.stage.spawn([this.#turns, ...words], cpu === undefined ? {} : { cpu });
    const said = JSON.parse(await program.line()) as Record<"bare" | "ours", number[]>;
    return { bare: turnsOf(said.bare), ours: turnsOf(said.ours) };
  }

  /** A program of a client's that is measured. */
  #load(namespace: Namespace, ...command: string[]): Child {
    const { client: cpu } = this.processors;
    return this.stage.spawn(command, { namespace, ...(cpu !== undefined && { cpu }) });
  }
}

function addClient(stage: Stage, server: Namespace, index: number): Namespace {
  const client = stage.namespace("c");
  const router = `192.0.2.${index * NETWORK_SIZE + 1}`;
  client.ip(`link add ${UPLINK} type veth peer name to-${index} netns ${server.name}`);
  server.ip(`address add ${router}/25 dev to-${index}`);
  server.ip(`link set to-${index} up`);
  client.ip(`address add 192.0.2.${index * NETWORK_SIZE + 2}/25 dev ${UPLINK}`);
  client.ip(`link set ${UPLINK} up`);
  client.ip(`route add default via ${router}`);
  return client;
}

function turnsOf(figures: readonly number[]): Turn[] {
  return Array.from({ length: figures.length / TURN_FIGURES }, (_, turn) => {
    const [bytes = Number.NaN, nanoseconds = Number.NaN, cpuNanoseconds = Number.NaN] = figures.slice(
      turn * TURN_FIGURES,
    );
    return { bytes, nanoseconds, cpuNanoseconds };
  });
}

function transferOf(received: Readonly<Record<string, number>>, sent: Readonly<Record<string, number>>): Transfer {
  const { bytes = Number.NaN, seconds = Number.NaN, cpuSeconds = Number.NaN } = received;
  return { bytes, seconds, cpuSeconds: cpuSeconds + (sent["cpuSeconds"] ?? Number.NaN) };
}

export function gigabitsPerSecond({ bytes, seconds }: Transfer): number {
  return (bytes * 8) / 1e9 / seconds;
}
