// What is measured of the service, and of a relay alone, on the client of `service-hosts.ts`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { FLOOD_SENDER } from "../soak/flood-sender.ts";
import type { Namespace } from "./namespace.ts";
import type { Sample } from "./rounds.ts";
import { gigabitsPerSecond, OWN_ENDS, type End, type ServiceEnds, type ServiceHosts } from "./service-hosts.ts";
import { memoryOf, ServiceProcess } from "./service-process.ts";

/** Short, so that the same path without the service follows soon. */
const BULK_SECONDS = 1;
/** Of each way before the first is measured: in the first seconds of bulk the run-time compiles what is hot. */
const WARM_UP_SECONDS = 2;
/** There and back, with those that warm up. */
const BULK_CONNECTIONS = 6;
const CONNECTIONS = 500;
/** Where a flood goes: nobody has the address. */
const FLOODED = "198.18.99.0/24";
const FLOWS = 100_000;
/** Behind each burst of 256, so that they come up and are not lost before. */
const FLOOD_PAUSE_MS = 4;
const RELAY = join(import.meta.dir, "stream-process.ts");

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
ports = [443]
`;

export class ServiceRuns {
  /** Of a service that plans packets. */
  readonly profile: string;
  /** Of one whose rule carries the flows by sockets. */
  readonly streamProfile: string;
  readonly #client: Namespace;

  constructor(readonly hosts: ServiceHosts) {
    const [client] = hosts.clients;
    if (client === undefined) throw new RangeError("service: expected a client, found none");
    this.#client = client;
    this.profile = join(hosts.stage.folder, "profile.toml");
    this.streamProfile = join(hosts.stage.folder, "stream-profile.toml");
    writeFileSync(this.profile, PROFILE);
    writeFileSync(this.streamProfile, STREAM_PROFILE);
    hosts.server.ip(`route add blackhole ${FLOODED}`);
  }

  /** Bulk and connections on the bare path, or to other ends than its own. */
  async measure(ends: ServiceEnds = OWN_ENDS): Promise<Sample> {
    const up = async (): Promise<number> => gigabitsPerSecond(await this.hosts.up(this.#client, BULK_SECONDS, ends));
    const down = async (): Promise<number> =>
      gigabitsPerSecond(await this.hosts.down(this.#client, BULK_SECONDS, ends));
    const alone = { upload: await up(), download: await down() };
    const [there, back] = await Promise.all([up(), down()]);
    return { ...alone, both: there + back, ...(await this.measureConnect(ends)) };
  }

  /** The same of what compiles itself while it runs. */
  async #measureWarm(ends: ServiceEnds = OWN_ENDS): Promise<Sample> {
    await this.hosts.up(this.#client, WARM_UP_SECONDS, ends);
    await this.hosts.down(this.#client, WARM_UP_SECONDS, ends);
    return this.measure(ends);
  }

  /** How long connections take. */
  measureConnect(ends: ServiceEnds = OWN_ENDS): Promise<Sample> {
    return this.hosts.connect(this.#client, CONNECTIONS, ends);
  }

  /**
   * The same with the service up, besides the memory that it needed.
   * @throws Error when it planned fewer messages than there were connections: then something else was measured
   */
  async measureConnectThroughService(): Promise<Sample> {
    const service = await this.#start(this.profile);
    await service.settle();
    const sample = await this.measureConnect();
    const memoryMb = service.memoryMb("VmHWM");
    await service.stop(CONNECTIONS);
    return { ...sample, memoryMb };
  }

  /** How long the program takes until it says that it is up: with packets alone, and with a rule that wants sockets. */
  async measureStart(): Promise<Sample> {
    const packets = await this.#start(this.profile);
    await packets.stop(0);
    const stream = await this.#start(this.streamProfile);
    await stream.stop(0);
    return { startMs: packets.startMs, streamStartMs: stream.startMs };
  }

  /**
   * All of `measure` with the service up, whose rule carries the flows by sockets.
   * @throws Error when it carried fewer connections than there were
   */
  async measureThroughDevice(): Promise<Sample> {
    const service = await this.#start(this.streamProfile);
    const sample = await this.#measureWarm();
    const memoryMb = service.memoryMb("VmHWM");
    await service.stop(CONNECTIONS + BULK_CONNECTIONS, "translationsMade");
    return { ...sample, memoryMb };
  }

  /**
   * The same through a relay on the client, besides the memory that its process needed.
   * @throws Error when it treated fewer messages than there were connections
   */
  async measureThroughRelay(): Promise<Sample> {
    const { sink, source, answers } = OWN_ENDS;
    const words = [process.execPath, RELAY, ...[sink, source, answers].map((end) => end.join(":"))];
    const relay = this.hosts.stage.spawn(words, { namespace: this.#client });
    const ports = (await relay.line()).split(" ");
    const at = (index: number): End => ["127.0.0.1", ports[index] ?? ""];
    const sample = await this.#measureWarm({ sink: at(0), source: at(1), answers: at(2) });
    const memoryMb = memoryOf(relay.pid, "VmHWM");
    relay.signal("SIGTERM");
    const treated = Number(await relay.line());
    await relay.ended();
    if (treated < CONNECTIONS + BULK_CONNECTIONS) {
      throw new Error(`relay: expected at least ${CONNECTIONS + BULK_CONNECTIONS} treated messages, found ${treated}`);
    }
    return { ...sample, memoryMb };
  }

  /** Memory in use after so many flows, and what four times as many more add to it. */
  async measureFlows(): Promise<Sample> {
    const service = await this.#start(this.profile);
    const flood = async (flows: number): Promise<number> => {
      const words = [process.execPath, FLOOD_SENDER, "hello", String(flows), String(FLOOD_PAUSE_MS)];
      await this.hosts.stage.spawn(words, { namespace: this.#client }).ended();
      return service.memoryMb("VmRSS");
    };
    const flowsMb = await flood(FLOWS);
    const moreMb = (await flood(4 * FLOWS)) - flowsMb;
    // Some are lost where the device's queue is full; most are not.
    await service.stop(FLOWS);
    return { flowsMb, moreMb };
  }

  #start(profile: string): Promise<ServiceProcess> {
    return ServiceProcess.start(this.hosts.stage, this.#client, profile);
  }
}
