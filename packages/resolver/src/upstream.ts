// Who can be asked: the contract of an upstream, and how one is named in settings.
import type { Duplex } from "node:stream";
import { isIP } from "node:net";

/** An upstream that is asked over HTTPS. */
export interface DohTarget {
  readonly kind: "doh";
  /** https, with the name that the certificate must carry. */
  readonly url: string;
  /** Where that name is; not needed where the URL has an address. No system DNS is asked for it. */
  readonly addresses: readonly string[];
}

/** An upstream that is asked in plain DNS, by UDP, and by TCP when its answer does not fit. */
export interface PlainTarget {
  readonly kind: "plain";
  readonly address: string;
  readonly port: number;
}

export type UpstreamTarget = DohTarget | PlainTarget;

/** How connections are made. */
export interface Sockets {
  /**
   * A TCP connection to an address, which may still be on its way. Default: node:net. A service whose own packets must
   * not come up again puts its mark on it.
   */
  connect?(address: string, port: number): Duplex;
  /** The same for plain DNS. Default: as `connect`. */
  connectPlain?(address: string, port: number): Duplex;
  /** Called with the descriptor of each UDP socket before anything is sent. */
  prepareDatagrams?(descriptor: number): void;
}

/** What an upstream is asked, in octets, and answers. */
export interface Upstream {
  /** As statistics call it. */
  readonly name: string;
  /** Whether a query gets padding. */
  readonly isPrivate: boolean;
  /**
   * The answer to the query `asked`, checked to be one.
   * @throws UpstreamError; the signal's reason when it is aborted
   */
  exchange(asked: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** Asks over nothing that was open before. */
  restart(): void;
  close(): void;
}

/** Where a DoH target's server is: the bootstrap addresses, or the address in the URL. */
export function addressesOf({ url, addresses }: DohTarget): readonly string[] {
  const host = bareHost(new URL(url).hostname);
  return addresses.length === 0 && isIP(host) !== 0 ? [host] : addresses;
}

/** A host without the brackets that an IPv6 address has in a URL. */
export function bareHost(host: string): string {
  return host.startsWith("[") ? host.slice(1, -1) : host;
}
