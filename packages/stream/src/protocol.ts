// What the two threads of a relay say to each other. The relay's thread sleeps in epoll and never returns to its event
// loop: what is said to it lies in a port that it empties when an eventfd wakes it.
import type { ProxyUser } from "./proxy/socks5.ts";
import type { Wish } from "./loop/ahead.ts";
import type { Reached, RelayAccept, RelayFlow, SocketAddress } from "./relay-options.ts";
import type { SocketSystem } from "./sockets/of-form.ts";
import type { StreamForm } from "./sockets/sockets.ts";
import type { RelayRules } from "./rules.ts";

/** Everything that the relay's thread starts with. */
export interface RelayStart {
  readonly port: MessagePort;
  readonly form: StreamForm;
  readonly system: SocketSystem | undefined;
  readonly signal: number;
  readonly listener: number;
  /** Where descriptors come to it, when it is to have a table of its own. */
  readonly inbox: number | undefined;
  /** Its thread began late: it has the rights that the process had left by then, and gives them up. */
  readonly isLate: boolean;
  /** The address that it listens on. */
  readonly address: string;
  readonly counters: SharedArrayBuffer;
  /** Where messages are told; undefined: nobody wants to hear of them. */
  readonly told: SharedArrayBuffer | undefined;
  readonly accept: RelayAccept;
  readonly user: ProxyUser | undefined;
  readonly rules: RelayRules;
  readonly mark: number | undefined;
  readonly bindTo: string | undefined;
  readonly maxFlows: number;
  readonly idleTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly messageTimeoutMs: number;
  readonly datagrams: { readonly sessionsMax: number; readonly idleMs: number } | undefined;
}

/** To the relay's thread. */
export type ToRelay =
  | { readonly say: "destination"; readonly question: number; readonly found: SocketAddress | undefined }
  | { readonly say: "name"; readonly question: number; readonly addresses: readonly string[] }
  | { readonly say: "rules"; readonly rules: RelayRules }
  | { readonly say: "flows"; readonly question: number }
  | { readonly say: "bind"; readonly bindTo: string }
  /** With an inbox, `fd` is -1 and the descriptor comes there, under the question's number. */
  | ({ readonly say: "reach"; readonly question: number } & Wish)
  | { readonly say: "close" };

/** From the relay's thread. */
export type FromRelay =
  /** It has a table of its own now; these of the process' are to be closed when it has ended. */
  | { readonly say: "apart"; readonly left: readonly number[] }
  | { readonly say: "ready" }
  | { readonly say: "destination"; readonly question: number; readonly peer: SocketAddress }
  | { readonly say: "name"; readonly question: number; readonly name: string }
  | { readonly say: "flows"; readonly question: number; readonly flows: readonly RelayFlow[] }
  | { readonly say: "reached"; readonly question: number; readonly reached: Reached }
  | { readonly say: "ended" }
  | { readonly say: "failed"; readonly message: string };
