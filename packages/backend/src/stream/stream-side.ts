// Stream egress of a running backend:
//   1. the carrier listens on the device's own addresses
//   2. the engine translates flows of stream rules to it, and holds their SYNs
//   3. a lane tells which connections are wanted; the carrier tries to reach their servers
//   4. what came of it goes back to the lane, which lets the SYN through or refuses it
import { Admission, LANES_MAX } from "@bunnel/abi";
import { AdmissionQueue, Translations, type Engine, type TranslationFamily } from "@bunnel/engine";
import { encodeRules, tableRules, type Profile } from "@bunnel/profile";
import { BackendError } from "../errors.ts";
import type {
  CarriedFigures,
  CarrierContext,
  OpenCarrier,
  PreparedConnection,
  Reached,
  StreamCarrier,
} from "./carrier.ts";
import { PREFIX6, STREAM_ADDRESS6, type StreamLink } from "./stream-link.ts";

/** How soon a lane that takes no answers is tried again. */
const FULL_RETRY_MS = 5;

/** Why a running service refuses a profile. */
export const NEEDS_START = "rules: the first one with stream egress needs a start anew";

const ADMISSIONS: Readonly<Record<Reached, Admission>> = {
  connected: Admission.Connected,
  refused: Admission.Refused,
  unreachable: Admission.Unreachable,
  silent: Admission.Silent,
};

/** Rules with stream egress are left to who carries them, and refused where there is nobody. */
export function tableOf(profile: Profile, hasCarrier: boolean): Uint8Array {
  return encodeRules(profile, hasCarrier ? { streamRules: "leave" } : {});
}

/** A profile, and what it means for packets: see `TunPlatform.packetProfile`. */
export interface StreamProfiles {
  readonly profile: Profile;
  readonly packets: Profile;
}

type Queries = NonNullable<PreparedConnection["queries"]>;

/** Rules of the table whose connections are for DNS queries that are answered here, by their indexes. */
function queriesByRule(profile: Profile): ReadonlyMap<number, Queries> {
  const found = new Map<number, Queries>();
  for (const [index, { kinds, egress, ruleIndex }] of tableRules(profile).entries()) {
    if (egress !== "stream" || !kinds.includes("dns")) continue;
    const redirect = profile.rules[ruleIndex ?? -1]?.strategy.clauses
      .flatMap(({ operations }) => operations)
      .find((operation) => operation.technique === "redirect");
    found.set(index, redirect === undefined ? {} : { resolver: { address: redirect.address, port: redirect.port } });
  }
  return found;
}

/** Stream egress while it lasts. */
export class StreamSide {
  readonly #engine: Engine;
  readonly #wake: (lane: number) => void;
  readonly #queues: readonly AdmissionQueue[];
  #translations: Translations | undefined;
  #carrier: OpenCarrier | undefined;
  readonly #failed = Promise.withResolvers<Error>();
  #queries: ReadonlyMap<number, Queries> = new Map();
  #isClosed = false;
  #preparing = 0;

  /** @param wake makes a lane look at what was answered */
  constructor(engine: Engine, wake: (lane: number) => void) {
    this.#engine = engine;
    this.#wake = wake;
    this.#queues = Array.from({ length: LANES_MAX }, (_, lane) => new AdmissionQueue(engine.memory, lane));
  }

  get figures(): CarriedFigures | undefined {
    return this.#carrier?.figures;
  }

  /** Connections that are carried, or about to be. */
  get openFlows(): number {
    return this.#preparing + (this.#carrier?.figures?.["open"] ?? 0);
  }

  /** Settles when the carrier has ended by itself, with the cause. */
  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  /** Whether it listens, or did. */
  get isOpen(): boolean {
    return this.#carrier !== undefined;
  }

  /** Listens, and begins to translate. */
  async open(carrier: StreamCarrier, link: StreamLink, profiles: StreamProfiles): Promise<void> {
    this.#use(await carrier.open(this.#contextOf(link, profiles)), link, profiles);
  }

  /** The same while lanes work. Throws where the carrier cannot do that. */
  openNow(carrier: StreamCarrier, link: StreamLink, profiles: StreamProfiles): void {
    const open = carrier.openNow?.(this.#contextOf(link, profiles));
    if (open === undefined) throw new BackendError("E_NOT_SUPPORTED", NEEDS_START);
    this.#use(open, link, profiles);
  }

  #contextOf(link: StreamLink, { profile }: StreamProfiles): CarrierContext {
    return {
      listen: [link.address, ...(link.hasIpv6 ? [STREAM_ADDRESS6] : [])],
      profile,
      originalDestination: (peer) => this.#translations?.destinationOf(peer),
    };
  }

  #use(open: OpenCarrier, link: StreamLink, { packets }: StreamProfiles): void {
    this.#carrier = open;
    this.#queries = queriesByRule(packets);
    void open.closed.then((cause) => {
      if (!this.#isClosed) this.#failed.resolve(cause ?? new Error("stream egress ended"));
    });
    const [port4 = 0, port6 = 0] = open.ports;
    const ipv6: TranslationFamily = { address: STREAM_ADDRESS6, prefixLength: PREFIX6, tcpPort: port6 };
    this.#translations = Translations.open(this.#engine.memory, {
      ipv4: { address: link.address, prefixLength: link.prefixLength, tcpPort: port4 },
      ...(link.hasIpv6 && { ipv6 }),
      holds: open.prepare !== undefined,
      ownClients: link.ownClients,
    });
  }

  load({ profile, packets }: StreamProfiles): void {
    this.#queries = queriesByRule(packets);
    this.#carrier?.load(profile);
  }

  /** What a lane tells: connections whose SYNs it holds. */
  want(translations: readonly number[]): void {
    for (const translation of translations) {
      this.#preparing += 1;
      void this.#prepare(translation).finally(() => (this.#preparing -= 1));
    }
  }

  /** No flow begins any more, and those that there are end. */
  close(): void {
    this.#isClosed = true;
    this.#translations?.close();
    this.#carrier?.close();
  }

  async #prepare(translation: number): Promise<void> {
    const wanted = this.#translations?.wanted(translation);
    const carrier = this.#carrier;
    if (wanted === undefined || carrier?.prepare === undefined) return;
    const queries = this.#queries.get(wanted.rule);
    const prepared = { ...wanted, ...(queries && { queries }) };
    const reached = await carrier.prepare(prepared).catch((): Reached => "refused");
    while (!this.#isClosed) {
      if (this.#queues[wanted.lane]?.give({ translation, admission: ADMISSIONS[reached] }) === true) break;
      await Bun.sleep(FULL_RETRY_MS);
    }
    if (!this.#isClosed) this.#wake(wanted.lane);
  }
}
