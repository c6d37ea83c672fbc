// One accepted connection, from what its client says first to its end.
//
//   opening      where does it want to go: the translator is asked, or the client says it (proxy)
//   connecting   each address in turn, until one answers
//   open         both directions run
//   ending       a refusal was sent; what the client still says is thrown away until it goes
import type { MessageFacts } from "@bunnel/profile";
import type { StreamMessage } from "../message/first-message.ts";
import { planMessage, type StreamPlan } from "../plan/plan.ts";
import type { ProxyWish } from "../proxy/handshake.ts";
import type { ProxyTarget } from "../proxy/socks5.ts";
import type { RelayFlow, SocketAddress } from "../relay-options.ts";
import { decide } from "../rules.ts";
import { familyOf, isAddress } from "../socket-address.ts";
import { closeFile, setAbort, setNoDelay, shutdownWrite, takeError } from "../sockets/current.ts";
import { EACCES, ECONNREFUSED, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP, ETIMEDOUT } from "../sys.ts";
import type { Association } from "./association.ts";
import { Channel, type ChannelShared } from "./channel.ts";
import type { CounterName } from "./counters.ts";
import type { FlowHost } from "./flow-host.ts";
import { beginConnection, boundAddress } from "./outside.ts";
import { discardAll, Opening } from "./opening.ts";
import type { Watcher } from "./poller.ts";
import type { Timer } from "./timers.ts";
import { Upstream, type UpstreamHost } from "./upstream.ts";

/** How a flow ended, as it is counted. */
type End = Extract<CounterName, "finished" | "reset" | "refused" | "unknown" | "idled" | "overLimit">;

/** A client that was refused has so long to read why. */
const ENDING_MS = 2000;
/** And so long to say what it wants. */
const HANDSHAKE_MS = 30_000;
const NOTHING = new Uint8Array(0);

export class Flow implements Watcher, UpstreamHost {
  state: "opening" | "connecting" | "open" | "ending" | "associated" | "closed" = "opening";
  lastActive: number;
  destination: SocketAddress | undefined;
  name: string | undefined;
  rule: string | undefined;
  #server = -1;
  #opening: Opening | undefined;
  #ending: End = "finished";
  #wish: ProxyWish | undefined;
  #up: Upstream | undefined;
  #down: Channel | undefined;
  association: Association | undefined;
  #addresses: SocketAddress[] = [];
  #timer: Timer | undefined;
  #target: ProxyTarget | undefined;
  #moving: ProxyTarget | undefined;
  /** Descriptors whose end was announced. */
  readonly #hung = new Set<number>();
  #bytesBefore = { out: 0, in: 0 };
  #counted = { out: 0, in: 0 };
  readonly #bornAt: number;

  constructor(
    readonly client: number,
    readonly peer: SocketAddress,
    private readonly host: FlowHost,
  ) {
    this.lastActive = host.now;
    this.#bornAt = host.now;
    setNoDelay(client);
    // Who carries it may be killed: then what is not whole must not look as if it were, and a connection over IPv6
    // that waited for answers without its process would keep the system from removing the device for two minutes.
    setAbort(client, true);
    if (host.accept === "proxy") {
      this.#opening = new Opening(client, host.shared, host.user);
      this.#timer = host.timer(HANDSHAKE_MS, () => this.end("unknown"));
    }
  }

  /** Starts it; its descriptor is watched. */
  start(): void {
    if (this.host.accept === "proxy") return this.#shake();
    const ahead = this.host.takeAhead(this.peer);
    if (ahead) return this.#adopt(ahead.destination, ahead.fd);
    this.host.askDestination(this.peer, (found) => {
      if (this.state !== "opening") return;
      if (found === undefined || !isAddress(found.address)) return this.end("unknown");
      this.#connect([found]);
    });
  }

  get shared(): ChannelShared {
    return this.host.shared;
  }

  get messageTimeoutMs(): number {
    return this.host.messageTimeoutMs;
  }

  get family(): number {
    return familyOf(this.destination?.address ?? "");
  }

  get absoluteTarget(): ProxyTarget | undefined {
    return this.#wish?.isAbsolute === true ? this.#target : undefined;
  }

  describe(): RelayFlow {
    const { out, in: into } = this.#bytes();
    return {
      client: this.peer,
      destination: this.destination,
      host: this.name,
      rule: this.rule,
      state: this.state === "connecting" ? "connecting" : this.#up ? "open" : "opening",
      bytesOut: out,
      bytesIn: into,
      ageMs: Math.round(this.host.now - this.#bornAt),
    };
  }

  ready(events: number, fd: number): void {
    this.lastActive = this.host.now;
    const isReadable = (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) !== 0;
    const isHung = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) !== 0;
    const isWritable = (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) !== 0;
    if (isHung) this.#hung.add(fd);
    const [from, to] = fd === this.client ? [this.#up?.channel, this.#down] : [this.#down, this.#up?.channel];
    if (from !== undefined) {
      if (isReadable) from.readable = true;
      if (isHung) from.isHung = true;
      // Whose end was read already has nothing more to say but an error.
      if ((events & EPOLLERR) !== 0 && from.ended) return this.end("reset");
    }
    if (to !== undefined && isWritable) to.writable = true;
    this.#react(events, fd);
  }

  wake(): void {
    this.run();
  }

  later(ms: number, act: () => void): void {
    this.host.timer(ms, () => {
      if (this.state !== "closed") act();
    });
  }

  timer(ms: number, act: () => void): Timer {
    return this.host.timer(ms, act);
  }

  plan(octets: Uint8Array, message: StreamMessage): StreamPlan | undefined {
    const { destination } = this;
    if (destination === undefined) return undefined;
    this.name = message.host ?? this.name;
    const facts: MessageFacts = {
      kind: message.kind,
      family: destination.address.includes(":") ? "ipv6" : "ipv4",
      port: destination.port,
      address: destination.address,
      ...(this.name !== undefined && { host: this.name }),
    };
    const decision = decide(this.host.rules, facts);
    this.rule = decision?.rule;
    if (decision?.clause === undefined) return undefined;
    this.host.counters.add("treated");
    this.#tell(message.kind, destination);
    return planMessage(octets, message, decision.clause, { named: this.host.rules.payloads, seed: 0 });
  }

  /** Both directions, as far as they go. */
  run(): void {
    if (this.state !== "open" || this.#up === undefined || this.#down === undefined) return;
    const up = this.#up.run();
    if (typeof up === "object") this.#leaveFor(up.goesTo);
    const down = this.#down.run();
    if (up === "broken" || up === "dropped" || down === "broken") return this.end("reset");
    if (down === "done" && this.#moving !== undefined) return this.#move();
    if (up === "done" && down === "done") return this.end("finished");
    if (up === "more" || down === "more") this.host.again(this);
  }

  /** Ends it, by RST unless both sides ended in order. */
  end(how: End): void {
    if (this.state === "closed") return;
    if (this.state === "connecting") this.host.counters.add("connecting", -1);
    this.state = "closed";
    this.#timer?.cancel();
    this.countBytes();
    this.#up?.drop();
    this.#down?.drop();
    this.association?.[Symbol.dispose]();
    for (const fd of [this.client, this.#server].filter((each) => each >= 0)) {
      this.host.poller.remove(fd);
      if (how !== "finished") this.host.resets.send(fd);
      else {
        setAbort(fd, false);
        closeFile(fd);
      }
    }
    this.host.counters.add("open", -1);
    this.host.counters.add(how);
    this.host.ended(this);
  }

  #react(events: number, fd: number): void {
    switch (this.state) {
      case "opening":
        if (this.host.accept === "proxy") this.#shake();
        else if ((events & EPOLLERR) !== 0) this.end("reset");
        return;
      case "connecting":
        if (fd === this.#server) this.#connected(events);
        else if ((events & EPOLLERR) !== 0) this.end("reset");
        return;
      case "ending":
      case "associated":
        return this.#await();
      case "open":
        return this.run();
      case "closed":
    }
  }

  /** Listens to the proxy's client until it has said what it wants. */
  #shake(): void {
    if (this.#opening === undefined || this.#wish !== undefined) return;
    const found = this.#opening.run();
    if (found === "gone") return this.end("unknown");
    if (found === "waiting") return;
    if (found.next === "refuse") return this.#refuse(found.answer, "unknown");
    this.#wish = found;
    this.#timer?.cancel();
    if (found.next === "connect") return this.#goTo(found.target);
    this.association = this.host.associate(this);
    if (this.association === undefined) return this.#refuse(found.failed(EACCES), "overLimit");
    const answer = found.connected(this.association.address);
    if (answer !== undefined) this.#opening.say(answer);
    this.state = "associated";
  }

  #goTo(target: ProxyTarget): void {
    const { host, port } = target;
    this.#target = target;
    const connect = (addresses: readonly string[]) => this.#connect(addresses.map((address) => ({ address, port })));
    if (isAddress(host)) return connect([host]);
    this.name = host;
    this.host.askName(host, (addresses) => {
      if (this.state === "opening") connect(addresses);
    });
  }

  /** Goes on with a connection that is there already. */
  #adopt(destination: SocketAddress, fd: number): void {
    this.destination = destination;
    this.#watch(fd);
    this.#open();
    this.run();
  }

  #connect(addresses: readonly SocketAddress[]): void {
    this.#addresses = [...addresses];
    if (this.#addresses.length === 0) return this.#fail(0);
    this.state = "connecting";
    this.host.counters.add("connecting");
    this.#timer = this.host.timer(this.host.connectTimeoutMs, () => this.#fail(ETIMEDOUT));
    this.#tryNext(ECONNREFUSED);
  }

  /** Begins with the next address; without one it fails with the last one's error. */
  #tryNext(error: number): void {
    const to = this.#addresses.shift();
    if (to === undefined) return this.#fail(error);
    this.destination = to;
    const begun = beginConnection(to, this.host);
    if ("error" in begun) return this.#tryNext(begun.error);
    this.#watch(begun.fd);
  }

  #watch(fd: number): void {
    this.#server = fd;
    setAbort(fd, true);
    this.host.poller.add(fd, this);
  }

  #connected(events: number): void {
    const error = takeError(this.#server);
    if (error !== 0) {
      this.#closeServer();
      return this.#tryNext(error);
    }
    if ((events & EPOLLOUT) === 0) return;
    this.#timer?.cancel();
    this.host.counters.add("connecting", -1);
    const answer = this.#wish?.connected(boundAddress(this.#server, this.family));
    if (answer !== undefined && this.#up === undefined) this.#opening?.say(answer);
    this.#open();
    this.run();
  }

  /** The channels between both sockets; after a move the upstream stays, with what it holds. */
  #open(): void {
    this.state = "open";
    const channel = new Channel(this.client, this.#server, this.host.shared);
    if (this.#up === undefined) this.#up = new Upstream(channel, this.#opening?.held ?? NOTHING, this);
    else this.#up.moveTo(channel);
    this.#down = new Channel(this.#server, this.client, this.host.shared);
    // An end that was announced before there were channels is not announced again.
    channel.isHung = this.#hung.has(this.client);
    this.#down.isHung = this.#hung.has(this.#server);
  }

  #fail(error: number): void {
    this.#closeServer();
    if (this.#wish === undefined || this.#up !== undefined) return this.end("refused");
    this.host.counters.add("connecting", this.state === "connecting" ? -1 : 0);
    this.#refuse(this.#wish.failed(error), "refused");
  }

  /** The next request is for somebody else: this server may finish its answer, and then it is the other's turn. */
  #leaveFor(target: ProxyTarget): void {
    if (this.#moving !== undefined || this.#down === undefined) return;
    this.#moving = target;
    this.#down.closesSink = false;
    shutdownWrite(this.#server);
  }

  #move(): void {
    const target = this.#moving;
    if (target === undefined) return;
    this.#moving = undefined;
    this.#bytesBefore = this.#bytes();
    this.#down = undefined;
    this.#closeServer();
    this.state = "opening";
    this.#goTo(target);
  }

  #closeServer(): void {
    if (this.#server < 0) return;
    this.host.poller.remove(this.#server);
    setAbort(this.#server, false);
    closeFile(this.#server);
    this.#hung.delete(this.#server);
    this.#server = -1;
  }

  #refuse(answer: Uint8Array | undefined, how: End): void {
    if (answer === undefined || this.#opening === undefined) return this.end(how);
    this.#opening.say(answer);
    shutdownWrite(this.client);
    this.state = "ending";
    this.#timer?.cancel();
    this.#timer = this.host.timer(ENDING_MS, () => this.end(how));
    this.#ending = how;
    this.#await();
  }

  /** Throws away what comes until the client has gone: that is in order, and is counted as what led to it. */
  #await(): void {
    if (!discardAll(this.client, this.host.shared)) this.end(this.#ending);
  }

  /** Before its first octet leaves: whoever looks at what comes back knows then what it answers. */
  #tell(kind: StreamMessage["kind"], remote: SocketAddress): void {
    const { told } = this.host;
    if (told?.hasRoom !== true || this.name === undefined) return;
    const local = boundAddress(this.#server, this.family);
    told.write({ local, remote, host: this.name, kind });
  }

  #bytes(): { readonly out: number; readonly in: number } {
    const before = this.#bytesBefore;
    return { out: before.out + (this.#up?.channel.bytes ?? 0), in: before.in + (this.#down?.bytes ?? 0) };
  }

  /** Enters what has passed since it was last entered. */
  countBytes(): void {
    const now = this.#bytes();
    this.host.counters.add("bytesOut", now.out - this.#counted.out);
    this.host.counters.add("bytesIn", now.in - this.#counted.in);
    this.#counted = now;
  }
}
