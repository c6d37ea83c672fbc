// The host's side of the translations: who may be translated to where, and which flow a listener's peer stands for.
import {
  TRANSLATE_BASE,
  TRANSLATE_BUCKETS,
  TRANSLATE_CAPACITY,
  TRANSLATE_ENTRIES,
  TRANSLATE_ENTRY_BYTES,
  TRANSLATE_FREE,
  TRANSLATE_FREE_GIVEN,
  TRANSLATE_FREE_TAKEN,
  TRANSLATE_BYTES,
  TRANSLATE_HOLDS,
  TRANSLATE_LOCAL4,
  TRANSLATE_LOCAL6,
  TRANSLATE_LOCK,
  TRANSLATE_MASK4,
  TRANSLATE_CLOSED,
  TRANSLATE_OWN_CLIENTS,
  TRANSLATE_PEER4,
  TRANSLATE_PEER6,
  TRANSLATE_PORT_FIRST,
  TRANSLATE_PORTS,
  TRANSLATE_PORTS_MAX,
  TRANSLATE_TCP4,
  TRANSLATE_TCP6,
  TRANSLATION_CLIENT,
  TRANSLATION_FAMILY,
  TRANSLATION_LANE,
  TRANSLATION_PORTS,
  TRANSLATION_RULE,
  TRANSLATION_SERVER,
  TRANSLATION_STATE,
  TRANSLATIONS_MAX,
  TranslationState,
} from "@bunnel/abi";
import { formatAddress, parseAddress } from "@bunnel/wire";

/** An address as text, IPv4 or IPv6, and a port. */
export interface TransportAddress {
  readonly address: string;
  readonly port: number;
}

/** One family's addresses: the device's own, and the listeners' ports on it. */
export interface TranslationFamily {
  /** The device's own address; those behind it on the same link stand for flows. */
  readonly address: string;
  /** Of the link. IPv6: 64. */
  readonly prefixLength: number;
  /** Port of the TCP listener; 0 or absent: TCP is not translated. */
  readonly tcpPort?: number;
}

/** Where flows are translated to. */
export interface TranslationsOptions {
  readonly ipv4?: TranslationFamily;
  readonly ipv6?: TranslationFamily;
  /**
   * Hold each SYN until `Lane.admit` has answered for it, so that a connection which is refused outside is refused
   * inside. Default false: every connection is accepted.
   */
  readonly holds?: boolean;
  /**
   * Clients may have the device's own addresses, as they do where its routes lead to it: then the system gives them
   * these. Default false: what comes from there is dropped.
   */
  readonly ownClients?: boolean;
  /** Flows at a time. Default and most: TRANSLATIONS_MAX, or as many as the IPv4 link has addresses for. */
  readonly capacity?: number;
  /** Ports of one peer address. Default and most: TRANSLATE_PORTS_MAX. */
  readonly portsPerPeer?: number;
}

/** A connection whose SYN is held. */
export interface WantedConnection {
  readonly translation: number;
  /** The lane that is to be told. */
  readonly lane: number;
  readonly client: TransportAddress;
  readonly destination: TransportAddress;
  /** As whom the listener will see it. */
  readonly peer: TransportAddress;
  /** The rule that wants it, by its index in the table that was in force then. */
  readonly rule: number;
}

/** The translations of an engine's memory. One at a time; lanes opened with `translate` work with them. */
export class Translations {
  readonly #view: DataView;
  readonly #octets: Uint8Array;

  private constructor(memory: SharedArrayBuffer) {
    this.#view = new DataView(memory, TRANSLATE_BASE, TRANSLATE_BYTES);
    this.#octets = new Uint8Array(memory, TRANSLATE_BASE, TRANSLATE_BYTES);
  }

  /**
   * Forgets all translations and sets up where flows go from now on. The first time lanes may work on the memory
   * meanwhile, later none may.
   * @throws RangeError for addresses, ports and numbers that cannot be
   */
  static open(memory: SharedArrayBuffer, options: TranslationsOptions): Translations {
    const translations = new Translations(memory);
    translations.#open(options);
    return translations;
  }

  /** Flows at a time. */
  get capacity(): number {
    return this.#word(TRANSLATE_CAPACITY);
  }

  /** Flows now, those among them that only wait to be forgotten. */
  get count(): number {
    return this.capacity - ((this.#word(TRANSLATE_FREE_GIVEN) - this.#word(TRANSLATE_FREE_TAKEN)) >>> 0);
  }

  /** From now on no flow begins; those that there are go on. */
  close(): void {
    this.#setWord(TRANSLATE_CLOSED, 1);
  }

  /** Where the flow wanted to go that a listener sees as `peer`; undefined: there is no such flow. */
  destinationOf(peer: TransportAddress): TransportAddress | undefined {
    const index = this.#indexOf(peer);
    if (index === undefined || !this.#isUsed(index)) return undefined;
    return this.#end(index, TRANSLATION_SERVER, 2);
  }

  /** Who began the flow that a listener sees as `peer`. */
  clientOf(peer: TransportAddress): TransportAddress | undefined {
    const index = this.#indexOf(peer);
    if (index === undefined || !this.#isUsed(index)) return undefined;
    return this.#end(index, TRANSLATION_CLIENT, 0);
  }

  /** A connection that a lane wants; undefined: it is over already. */
  wanted(translation: number): WantedConnection | undefined {
    const at = entryAt(translation);
    if (translation >= this.capacity || this.#octets[at + TRANSLATION_STATE] !== TranslationState.Awaited) {
      return undefined;
    }
    return {
      translation,
      lane: this.#octets[at + TRANSLATION_LANE] ?? 0,
      client: this.#end(translation, TRANSLATION_CLIENT, 0),
      destination: this.#end(translation, TRANSLATION_SERVER, 2),
      peer: this.#peerOf(translation),
      rule: this.#view.getUint16(at + TRANSLATION_RULE, true) - 1,
    };
  }

  #open(options: TranslationsOptions): void {
    const { ipv4, ipv6, holds = false, ownClients = false, capacity, portsPerPeer = TRANSLATE_PORTS_MAX } = options;
    whole("ports of a peer", portsPerPeer, 1, TRANSLATE_PORTS_MAX);
    const peers = ipv4 ? peersOf(ipv4) : TRANSLATIONS_MAX;
    const most = Math.min(TRANSLATIONS_MAX, peers * portsPerPeer);
    whole("translations", capacity ?? most, 1, most);
    resetRegion(this.#octets);
    if (ipv4) this.#setFamily4(ipv4);
    if (ipv6) this.#setFamily6(ipv6);
    this.#setWord(TRANSLATE_HOLDS, holds ? 1 : 0);
    this.#setWord(TRANSLATE_OWN_CLIENTS, ownClients ? 1 : 0);
    this.#setWord(TRANSLATE_CLOSED, 0);
    this.#setWord(TRANSLATE_PORTS, portsPerPeer);
    const entries = capacity ?? most;
    for (let i = 0; i < entries; i++) this.#setWord(TRANSLATE_FREE + 4 * i, i);
    this.#setWord(TRANSLATE_FREE_GIVEN, entries);
    this.#setWord(TRANSLATE_CAPACITY, entries);
  }

  #setFamily4({ address, prefixLength, tcpPort = 0 }: TranslationFamily): void {
    const octets = readAddress(address, 4);
    this.#octets.set(octets, TRANSLATE_LOCAL4);
    this.#view.setUint32(TRANSLATE_MASK4, prefixLength === 0 ? 0 : (-1 << (32 - prefixLength)) >>> 0);
    this.#view.setUint32(TRANSLATE_PEER4, this.#view.getUint32(TRANSLATE_LOCAL4) + 1);
    this.#setWord(TRANSLATE_TCP4, whole("TCP port", tcpPort, 0, 0xffff));
  }

  #setFamily6({ address, prefixLength, tcpPort = 0 }: TranslationFamily): void {
    const octets = readAddress(address, 6);
    whole("IPv6 prefix length", prefixLength, 64, 64);
    this.#octets.set(octets, TRANSLATE_LOCAL6);
    this.#octets.set(octets.subarray(0, 8), TRANSLATE_PEER6);
    this.#view.setBigUint64(TRANSLATE_PEER6 + 8, this.#view.getBigUint64(TRANSLATE_LOCAL6 + 8) + 1n);
    this.#setWord(TRANSLATE_TCP6, whole("TCP port", tcpPort, 0, 0xffff));
  }

  #indexOf({ address, port }: TransportAddress): number | undefined {
    const family = address.includes(":") ? 6 : 4;
    const octets = readAddress(address, family);
    const view = new DataView(octets.buffer);
    const peer =
      family === 4
        ? view.getUint32(0) - this.#view.getUint32(TRANSLATE_PEER4)
        : view.getBigUint64(0) === this.#view.getBigUint64(TRANSLATE_PEER6)
          ? Number(view.getBigUint64(8) - this.#view.getBigUint64(TRANSLATE_PEER6 + 8))
          : -1;
    const number = port - TRANSLATE_PORT_FIRST;
    const ports = this.#word(TRANSLATE_PORTS);
    if (peer < 0 || number < 0 || number >= ports) return undefined;
    const index = peer * ports + number;
    return index < this.capacity && this.#octets[entryAt(index) + TRANSLATION_FAMILY] === family ? index : undefined;
  }

  #isUsed(index: number): boolean {
    return this.#octets[entryAt(index) + TRANSLATION_STATE] !== TranslationState.Free;
  }

  #end(index: number, addressAt: number, portAt: number): TransportAddress {
    const at = entryAt(index);
    const bytes = this.#octets[at + TRANSLATION_FAMILY] === 4 ? 4 : 16;
    const address = formatAddress(this.#octets.slice(at + addressAt, at + addressAt + bytes));
    return { address, port: this.#view.getUint16(at + TRANSLATION_PORTS + portAt) };
  }

  #peerOf(index: number): TransportAddress {
    const ports = this.#word(TRANSLATE_PORTS);
    const port = TRANSLATE_PORT_FIRST + (index % ports);
    const number = Math.floor(index / ports);
    const isIpv4 = this.#octets[entryAt(index) + TRANSLATION_FAMILY] === 4;
    const octets = this.#octets.slice(...(isIpv4 ? span(TRANSLATE_PEER4, 4) : span(TRANSLATE_PEER6, 16)));
    const view = new DataView(octets.buffer);
    if (isIpv4) view.setUint32(0, view.getUint32(0) + number);
    else view.setBigUint64(8, view.getBigUint64(8) + BigInt(number));
    return { address: formatAddress(octets), port };
  }

  #word(at: number): number {
    return this.#view.getUint32(at, true);
  }

  #setWord(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }
}

/** Forgets what was set up. Only while no lane works. */
export function resetTranslations(memory: SharedArrayBuffer): void {
  resetRegion(new Uint8Array(memory, TRANSLATE_BASE, TRANSLATE_BYTES));
}

/** What nobody has used has nothing to forget, and writing to it would take memory. */
function resetRegion(octets: Uint8Array): void {
  const capacity = new DataView(octets.buffer, octets.byteOffset).getUint32(TRANSLATE_CAPACITY, true);
  if (capacity === 0) return;
  octets.fill(0, TRANSLATE_LOCK, TRANSLATE_FREE);
  octets.fill(0, TRANSLATE_BUCKETS, TRANSLATE_ENTRIES + capacity * TRANSLATE_ENTRY_BYTES);
}

function entryAt(index: number): number {
  return TRANSLATE_ENTRIES + index * TRANSLATE_ENTRY_BYTES;
}

function span(at: number, bytes: number): [number, number] {
  return [at, at + bytes];
}

/** Addresses behind the device's own, without that of the broadcast. */
function peersOf({ address, prefixLength }: TranslationFamily): number {
  whole("IPv4 prefix length", prefixLength, 8, 30);
  const own = new DataView(readAddress(address, 4).buffer).getUint32(0);
  const size = 2 ** (32 - prefixLength);
  const peers = size - 2 - (own % size);
  if (peers < 1) throw new RangeError(`address ${address}/${prefixLength}: expected addresses behind it, found none`);
  return peers;
}

function whole(what: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${what}: expected ${min}..${max}, found ${value}`);
}

function readAddress(text: string, family: 4 | 6): Uint8Array<ArrayBuffer> {
  const octets = Uint8Array.from(parseAddress(text));
  if (octets.length === (family === 4 ? 4 : 16)) return octets;
  throw new RangeError(`address ${text}: expected one of IPv${family}`);
}
