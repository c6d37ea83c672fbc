// Two hosts, each a namespace with a TUN device, and between them our forwarder: a Worker for each direction and queue.
//
//   A 192.0.2.1, 2001:db8::1 ── device A ── Workers ── device B ── 192.0.2.2, 2001:db8::2 B
import { CONTROL_BASE, CONTROL_STOP } from "@bunnel/abi";
import { startLaneWorker, type LaneThread } from "@bunnel/backend";
import { DeviceEgress } from "@bunnel/egress";
import { Engine, laneCounters } from "@bunnel/engine";
import { NetworkNamespace, openLinuxTun, openTunQueue, type LinuxTun, type PumpBackend } from "@bunnel/tun-linux";
import type { CallResult } from "./endpoint.ts";

const ENDPOINT = `${import.meta.dir}/endpoint.ts`;
const QUEUE_PACKETS = 1000;
export const A = ["192.0.2.1", "2001:db8::1"] as const;
export const B = ["192.0.2.2", "2001:db8::2"] as const;

export interface PathOptions {
  readonly pump: PumpBackend;
  /** Whether each device has segmentation offload. */
  readonly offloadA: boolean;
  readonly offloadB: boolean;
  readonly queues: number;
}

/** What one direction of one queue moved. */
export interface Carried {
  readonly laneIndex: number;
  /** The lane's counters, as Counter names them. */
  readonly lane: readonly bigint[];
}

interface Host extends Disposable {
  readonly namespace: NetworkNamespace;
  readonly queues: readonly LinuxTun[];
}

function openHost(addresses: readonly string[], offload: boolean, queues: number): Host {
  const namespace = NetworkNamespace.create();
  const [v4, v6] = addresses;
  const first = namespace.run(() =>
    openLinuxTun({
      addresses: [`${v4}/24`, `${v6}/64`],
      ipv6LinkLocal: "none",
      offload,
      multiQueue: queues > 1,
      txQueueLength: QUEUE_PACKETS,
    }),
  );
  const more = Array.from({ length: queues - 1 }, () => namespace.run(() => openTunQueue(first)));
  return {
    namespace,
    queues: [first, ...more],
    [Symbol.dispose]() {
      for (const queue of [...more, first]) queue.close();
      namespace.close();
    },
  };
}

export class TwoHosts implements AsyncDisposable {
  readonly #a: Host;
  readonly #b: Host;
  readonly #engine: Engine;
  readonly #lanes: LaneThread[] = [];
  #server: Bun.Subprocess<"pipe", "pipe", "inherit"> | undefined;

  private constructor(engine: Engine, { offloadA, offloadB, queues }: PathOptions) {
    this.#engine = engine;
    this.#a = openHost(A, offloadA, queues);
    this.#b = openHost(B, offloadB, queues);
  }

  static async open(options: PathOptions): Promise<TwoHosts> {
    const hosts = new TwoHosts(await Engine.create({ seed: 3n }), options);
    const starts: Promise<void>[] = [];
    for (let queue = 0; queue < options.queues; queue++) {
      const [a, b] = [hosts.#a.queues[queue], hosts.#b.queues[queue]];
      if (!a || !b) throw new Error(`queue ${queue}: expected a device at both hosts`);
      starts.push(hosts.#carry(options, 2 * queue, a, b), hosts.#carry(options, 2 * queue + 1, b, a));
    }
    await Promise.all(starts);
    await hosts.#serve();
    return hosts;
  }

  async #carry({ pump }: PathOptions, laneIndex: number, from: LinuxTun, to: LinuxTun): Promise<void> {
    const worker = new Worker(new URL("../bench/forward-worker.ts", import.meta.url));
    const vnet = { rxVnet: from.capabilities.vnetHeader, txVnet: to.capabilities.vnetHeader };
    const lane = startLaneWorker(worker, {
      engine: this.#engine.transfer,
      laneIndex,
      lane: { plan: false, ...vnet },
      device: from,
      egress: new DeviceEgress(to),
      maxQueueSize: QUEUE_PACKETS,
      pump,
    });
    this.#lanes.push(lane);
    const ready = await lane.ready;
    if (ready.pump !== pump) throw new Error(`lane ${laneIndex}: expected pump ${pump}, found ${ready.pump}`);
  }

  async #serve(): Promise<void> {
    const command = [process.execPath, ENDPOINT, "serve", ...B];
    const server = this.#b.namespace.run(() =>
      Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" }),
    );
    this.#server = server;
    const { value } = await server.stdout.getReader().read();
    if (new TextDecoder().decode(value) !== "ready\n") throw new Error("endpoint: expected it ready");
  }

  /** Sends from A to B and back: so many octets by TCP, and so many datagrams. */
  async call(address: string, bytes: number, datagrams: number): Promise<CallResult> {
    const command = [process.execPath, ENDPOINT, "call", address, String(bytes), String(datagrams)];
    const call = this.#a.namespace.run(() => Bun.spawn(command, { stdout: "pipe", stderr: "inherit" }));
    return JSON.parse(await new Response(call.stdout).text()) as CallResult;
  }

  /** The sum of a counter of /proc/net/snmp and snmp6 whose name ends so, over both hosts. */
  kernelCounter(ending: string): number {
    return [this.#a, this.#b].reduce((sum, { namespace }) => sum + countersOf(namespace, ending), 0);
  }

  /** IP packets that one host's kernel received, super-packets counted once. */
  packetsTo(host: "A" | "B"): number {
    return countersOf((host === "A" ? this.#a : this.#b).namespace, "InReceives");
  }

  /** Packets that a host's device gave to the forwarder and took from it, as the kernel counts them. */
  carriedBy(host: "A" | "B"): { readonly given: number; readonly taken: number } {
    const { namespace, queues } = host === "A" ? this.#a : this.#b;
    const command = ["ip", "-s", "-j", "link", "show", "dev", queues[0]?.name ?? ""];
    const { stdout } = namespace.run(() => Bun.spawnSync(command));
    const [link] = JSON.parse(stdout.toString()) as readonly LinkRow[];
    return { given: link?.stats64.tx.packets ?? Number.NaN, taken: link?.stats64.rx.packets ?? Number.NaN };
  }

  /** Stops the forwarder: the stop word is set and every wait ended. Gives what each direction moved. */
  async stop(): Promise<readonly Carried[]> {
    Atomics.store(new Int32Array(this.#engine.memory, CONTROL_BASE, 16), CONTROL_STOP / 4, 1);
    for (const device of [...this.#a.queues, ...this.#b.queues]) device.wake();
    for (const lane of this.#lanes) {
      const cause = await lane.ended;
      if (cause) throw cause;
    }
    return this.#lanes.map((_, laneIndex) => ({ laneIndex, lane: [...laneCounters(this.#engine.memory, laneIndex)] }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.kill();
    await this.#server?.exited;
    await this.stop();
    for (const lane of this.#lanes) lane.dispose();
    this.#a[Symbol.dispose]();
    this.#b[Symbol.dispose]();
  }
}

/** `ip -s -j link`, as far as it is needed. */
interface LinkRow {
  readonly stats64: { readonly rx: { readonly packets: number }; readonly tx: { readonly packets: number } };
}

export function countersOf(namespace: NetworkNamespace, ending: string): number {
  const { stdout } = namespace.run(() => Bun.spawnSync(["cat", "/proc/net/snmp", "/proc/net/snmp6"]));
  const lines = stdout.toString().split("\n");
  let sum = 0;
  for (const [i, line] of lines.entries()) {
    const [name = "", ...fields] = line.trim().split(/\s+/u);
    const values = (lines[i + 1] ?? "").trim().split(/\s+/u);
    // snmp: a line of names, then a line of values. snmp6: a name and its value.
    if (name.endsWith(":") && values[0] === name && Number.isNaN(Number(fields[0]))) {
      for (const [column, field] of fields.entries()) {
        if (field.endsWith(ending)) sum += Number(values[column + 1]);
      }
    } else if (!name.endsWith(":") && name.endsWith(ending)) sum += Number(fields[0]);
  }
  return sum;
}
