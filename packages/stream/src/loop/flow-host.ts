// What the loop is for the flows that run in it.
import type { ProxyUser } from "../proxy/socks5.ts";
import type { RelayAccept, SocketAddress } from "../relay-options.ts";
import type { RelayRules } from "../rules.ts";
import type { AheadSource } from "./ahead.ts";
import type { Association } from "./association.ts";
import type { ChannelShared } from "./channel.ts";
import type { Counters } from "./counters.ts";
import type { Flow } from "./flow.ts";
import type { OutsideOptions } from "./outside.ts";
import type { Poller } from "./poller.ts";
import type { Resets } from "./resets.ts";
import type { Timer } from "./timers.ts";
import type { ToldMessages } from "./told-messages.ts";

/** What a flow has of the loop. */
export interface FlowHost extends OutsideOptions, AheadSource {
  readonly accept: RelayAccept;
  readonly user: ProxyUser | undefined;
  readonly poller: Poller;
  readonly shared: ChannelShared;
  readonly counters: Counters;
  readonly resets: Resets;
  readonly connectTimeoutMs: number;
  readonly messageTimeoutMs: number;
  /** Undefined: nobody wants to hear of messages. */
  readonly told: ToldMessages | undefined;
  readonly rules: RelayRules;
  readonly now: number;
  timer(ms: number, act: () => void): Timer;
  /** Has the flow run again soon, after others. */
  again(flow: Flow): void;
  /** Where a translated connection wanted to go. */
  askDestination(peer: SocketAddress, answer: (found: SocketAddress | undefined) => void): void;
  askName(name: string, answer: (addresses: readonly string[]) => void): void;
  /** Opens a socket for a SOCKS client's datagrams; undefined: it may not have one. */
  associate(flow: Flow): Association | undefined;
  ended(flow: Flow): void;
}
