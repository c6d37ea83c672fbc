// A client, a censor, a plain router and a server on this machine, each in a network namespace of its own, with real
// programs in them. See `address-plan.ts` for who stands where.
import { fileURLToPath } from "node:url";
import type { LiveCensorName } from "../censors/live-gallery.ts";
import { ALLOWED_NAME, BLOCKED_NAME, type Family, SERVER_ADDRESSES_MAX } from "./address-plan.ts";
import type { Caller } from "./calls.ts";
import type { CensorCalls } from "./censor-child.ts";
import { type Certificate, makeCertificate } from "./certificate.ts";
import type { ClientCalls } from "./client-child.ts";
import { type HopLimits, measureHopLimits } from "./hop-limits.ts";
import type { LabHost } from "./host.ts";
import { buildNetwork, type Hosts, knownFamilies } from "./network.ts";
import type { WebOutcome } from "./outcome.ts";
import type { ChildRole } from "./run-child.ts";
import type { ServerCalls } from "./server-child.ts";
import { setSysctl } from "./sysctl.ts";
import { Service, type ServiceOrder } from "./service.ts";
import type { WatchCounts } from "./watch.ts";
import { type FetchOrder, WebClient } from "./web-client.ts";
import { LabError } from "./errors.ts";

export interface LiveLabOptions {
  /** The program under test, up to but not including `up`: ["bun", "src/main.ts"]. */
  readonly service?: readonly string[];
  /** How the lab's own processes are started. Default: this run-time with the lab's files. */
  readonly child?: (role: ChildRole) => readonly string[];
  /** Let curl make the requests. Default: where it is installed. */
  readonly curl?: boolean;
  /** Serve HTTPS and HTTP. False: their ports stay free for servers of the caller. Default true. */
  readonly web?: boolean;
}

interface Children {
  readonly client: Caller<ClientCalls>;
  readonly censor: Caller<CensorCalls>;
  readonly server: Caller<ServerCalls>;
}

export class LiveLab implements AsyncDisposable {
  readonly #web: WebClient;
  readonly #hosts: Hosts;
  readonly #service: readonly string[] | undefined;

  private constructor(
    hosts: Hosts,
    readonly children: Children,
    readonly families: readonly Family[],
    /** The server's, for both names; with its key, for servers of the caller. */
    readonly certificate: Certificate,
    readonly hopLimits: HopLimits,
    options: LiveLabOptions,
  ) {
    this.#hosts = hosts;
    this.#service = options.service;
    const curl = options.curl === false ? undefined : (Bun.which("curl") ?? undefined);
    this.#web = new WebClient(hosts.client, children.client, certificate.certificate, curl);
  }

  /**
   * Builds everything and measures how far a packet gets with which hop limit. Dispose of it in the end; what happens
   * before that, everything goes with this process.
   * @throws LabError or DeviceError when this machine allows no namespaces or no device; `findLevel` says so before
   */
  static async create(options: LiveLabOptions = {}): Promise<LiveLab> {
    const families = knownFamilies();
    const hosts = buildNetwork(families);
    try {
      const children = await openChildren(hosts, options.child ?? childFile);
      const certificate = makeCertificate([BLOCKED_NAME, ALLOWED_NAME]);
      await Promise.all([
        children.server.call("start", { certificate, families, web: options.web ?? true }),
        children.censor.call("start", { families }),
      ]);
      const hopLimits = await measureHopLimits(children, families);
      return new LiveLab(hosts, children, families, certificate, hopLimits, options);
    } catch (error) {
      await closeHosts(hosts);
      throw error;
    }
  }

  /** PEM of the authority that signed the server's certificate. */
  get authority(): string {
    return this.certificate.certificate;
  }

  get client(): LabHost {
    return this.#hosts.client;
  }

  get censor(): LabHost {
    return this.#hosts.censor;
  }

  get server(): LabHost {
    return this.#hosts.server;
  }

  get hop(): LabHost {
    return this.#hosts.hop;
  }

  /** Whether requests are made by curl; otherwise by the lab's own client. */
  get curl(): boolean {
    return this.#web.curl !== undefined;
  }

  /** One model with an empty memory watches everything; undefined: packets go past the censor in the kernel. */
  async setCensor(name: LiveCensorName | undefined): Promise<void> {
    await this.setCensors(name === undefined ? [] : new Array<LiveCensorName>(SERVER_ADDRESSES_MAX).fill(name));
  }

  /** Address i of the server is watched by `names[i]`, each with an empty memory; none: as `setCensor(undefined)`. */
  async setCensors(names: readonly (LiveCensorName | undefined)[]): Promise<void> {
    await this.children.censor.call("set", {
      censors: names.map((name) => name ?? null),
      hopsToServer: this.hopLimits.hopsToServer,
      attached: names.length > 0,
    });
  }

  /** Whether the client offers TCP time stamps in its next connections, as Linux does and Windows does not. */
  setTimestamps(offered: boolean): void {
    this.client.inside(() => setSysctl("net/ipv4/tcp_timestamps", offered ? 1 : 0));
  }

  /** What the models did since they were set, by address of the server. */
  async censorCounts(): Promise<readonly (WatchCounts | null)[]> {
    return this.children.censor.call("counts", undefined);
  }

  /** One request of a fresh connection, and what came of it. */
  fetch(order: FetchOrder): Promise<WebOutcome> {
    return this.#web.fetch(order);
  }

  /** Starts the program under test on the client. */
  up(order: ServiceOrder = {}): Promise<Service> {
    if (this.#service === undefined) {
      throw new LabError("E_LAB_STATE", "lab: expected the `service` option of LiveLab.create, found none");
    }
    return Service.start(this.client, this.#service, order);
  }

  /** Ends all processes and lets go of the namespaces. */
  async [Symbol.asyncDispose](): Promise<void> {
    await closeHosts(this.#hosts);
  }
}

async function openChildren(hosts: Hosts, command: (role: ChildRole) => readonly string[]): Promise<Children> {
  const [client, censor, server] = await Promise.all([
    hosts.client.open<ClientCalls>(command("client")),
    hosts.censor.open<CensorCalls>(command("censor")),
    hosts.server.open<ServerCalls>(command("server")),
  ]);
  return { client, censor, server };
}

function childFile(role: ChildRole): readonly string[] {
  return [process.execPath, fileURLToPath(new URL("./child.ts", import.meta.url)), role];
}

async function closeHosts(hosts: Hosts): Promise<void> {
  await Promise.all(Object.values(hosts).map((host) => host[Symbol.asyncDispose]()));
}
