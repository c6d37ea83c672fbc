// All models by their names, and the scene in which each shows what it does.
import type { TcpStack } from "../endpoint-flow.ts";
import type { Model } from "./axis-censor.ts";
import { makeBox } from "./axis-censor.ts";
import type { Censor, CensorOptions } from "./censor.ts";
import { ALLOW_LIST } from "./models/allow-list.ts";
import { DNS_HIJACK } from "./models/dns-hijack.ts";
import { FIRST_PACKET } from "./models/first-packet.ts";
import { FULL_CKSUM } from "./models/full-cksum.ts";
import { FULL_FIRST } from "./models/full-first.ts";
import { FULL_LAST } from "./models/full-last.ts";
import { FULL_VALID } from "./models/full-valid.ts";
import { GENEVA_1 } from "./models/geneva-1.ts";
import { GENEVA_10 } from "./models/geneva-10.ts";
import { GENEVA_11 } from "./models/geneva-11.ts";
import { GENEVA_2 } from "./models/geneva-2.ts";
import { GENEVA_3 } from "./models/geneva-3.ts";
import { GENEVA_4 } from "./models/geneva-4.ts";
import { GENEVA_5 } from "./models/geneva-5.ts";
import { GENEVA_6 } from "./models/geneva-6.ts";
import { GENEVA_7 } from "./models/geneva-7.ts";
import { GENEVA_8 } from "./models/geneva-8.ts";
import { GENEVA_8B } from "./models/geneva-8b.ts";
import { GENEVA_9 } from "./models/geneva-9.ts";
import { GFW_QUIC } from "./models/gfw-quic.ts";
import { GFW_TLS } from "./models/gfw-tls.ts";
import { HENAN } from "./models/henan.ts";
import { HTTP_TAP } from "./models/http-tap.ts";
import { IN_ORDER_EXACT } from "./models/in-order-exact.ts";
import { IN_ORDER } from "./models/in-order.ts";
import { IRAN } from "./models/iran.ts";
import { PACKET } from "./models/packet.ts";
import { RST_TAP } from "./models/rst-tap.ts";
import { STRICT } from "./models/strict.ts";
import { TSPU } from "./models/tspu.ts";

/** What has to pass by for a model to show itself. */
export interface Scene {
  readonly message: "tls" | "http" | "quic" | "dns";
  /** The client offers TCP time stamps, as Linux does and Windows does not. */
  readonly timestamps: boolean;
  /** Octets of the server's answer. */
  readonly answerBytes?: number;
  /** Whose choices the server makes where segments overlap. Default "linux". */
  readonly stack?: TcpStack;
  /** Octets of a hello's key share: a post-quantum one makes it longer than a packet. Default: a classic one. */
  readonly keyShareBytes?: number;
  /** How a QUIC hello is spread. Default: one datagram with one frame. */
  readonly spread?: QuicSpread;
}

/**
 * "two-datagrams": one frame in each · "mixed": over two datagrams, in frames of the client's own order with others
 * between them, as Chromium does it.
 */
export type QuicSpread = "two-datagrams" | "mixed";

export interface GalleryEntry {
  readonly model: Model;
  /** Number in the set C1 to C14; variants and Geneva's hypotheses have none. */
  readonly id?: string;
  readonly scene: Scene;
}

const TLS: Scene = { message: "tls", timestamps: true };

const GALLERY = {
  packet: { model: PACKET, id: "C1", scene: TLS },
  "first-packet": { model: FIRST_PACKET, id: "C2", scene: TLS },
  inorder: { model: IN_ORDER, id: "C3", scene: TLS },
  "inorder-exact": { model: IN_ORDER_EXACT, scene: TLS },
  "full-first": { model: FULL_FIRST, id: "C4", scene: TLS },
  "full-cksum": { model: FULL_CKSUM, scene: TLS },
  "full-last": { model: FULL_LAST, scene: TLS },
  "full-valid": { model: FULL_VALID, id: "C5", scene: TLS },
  strict: { model: STRICT, id: "C6", scene: TLS },
  henan: { model: HENAN, id: "C7", scene: { message: "tls", timestamps: false } },
  "gfw-tls": { model: GFW_TLS, id: "C8", scene: TLS },
  "gfw-quic": { model: GFW_QUIC, id: "C9", scene: { message: "quic", timestamps: true } },
  tspu: { model: TSPU, id: "C10", scene: { message: "tls", timestamps: true, answerBytes: 24_576 } },
  iran: { model: IRAN, id: "C11", scene: TLS },
  "dns-hijack": { model: DNS_HIJACK, id: "C12", scene: { message: "dns", timestamps: true } },
  "http-tap": { model: HTTP_TAP, id: "C13", scene: { message: "http", timestamps: true } },
  "rst-tap": { model: RST_TAP, id: "C14", scene: TLS },
  "allow-list": { model: ALLOW_LIST, scene: TLS },
  "geneva-1": { model: GENEVA_1, scene: TLS },
  "geneva-2": { model: GENEVA_2, scene: TLS },
  "geneva-3": { model: GENEVA_3, scene: TLS },
  "geneva-4": { model: GENEVA_4, scene: TLS },
  "geneva-5": { model: GENEVA_5, scene: TLS },
  "geneva-6": { model: GENEVA_6, scene: TLS },
  "geneva-7": { model: GENEVA_7, scene: TLS },
  "geneva-8": { model: GENEVA_8, scene: TLS },
  "geneva-8b": { model: GENEVA_8B, scene: TLS },
  "geneva-9": { model: GENEVA_9, scene: TLS },
  "geneva-10": { model: GENEVA_10, scene: TLS },
  "geneva-11": { model: GENEVA_11, scene: TLS },
} satisfies Record<string, GalleryEntry>;

export type CensorName = keyof typeof GALLERY;

/** From the simplest model to those of countries, then Geneva's twelve. */
export const CENSOR_NAMES = Object.keys(GALLERY) as readonly CensorName[];

/** Geneva's twelve hypotheses in its order. */
export const GENEVA_NAMES: readonly CensorName[] = CENSOR_NAMES.filter((name) => name.startsWith("geneva-"));

export function isCensorName(name: string): name is CensorName {
  return Object.hasOwn(GALLERY, name);
}

export function galleryEntry(name: CensorName): GalleryEntry {
  return GALLERY[name];
}

/** A new model with an empty memory. */
export function makeCensor(name: CensorName, options: CensorOptions): Censor {
  return makeBox(GALLERY[name].model, options);
}
