// Which network this machine is in: what works in one says little of another. Pure; `network.linux.ts` looks.

/** By what a network is known again. */
export interface NetworkFacts {
  readonly gateways: readonly Gateway[];
  /** Addresses of name servers. */
  readonly resolvers: readonly string[];
}

export interface Gateway {
  /** The interface that leads to it. */
  readonly link: string;
  /** Undefined: the link has no gateway, as one from point to point. */
  readonly address: string | undefined;
  /** Its hardware address; undefined: not known yet, or there is none on such a link. */
  readonly mac: string | undefined;
}

export interface Network {
  /** The same for the same gateways and name servers, whatever the interface is called; says nothing of them. */
  readonly fingerprint: string;
  /** For people. */
  readonly label: string;
}

const FINGERPRINT_DIGITS = 16;

/** Undefined: this machine is in no network. */
export function networkOf({ gateways, resolvers }: NetworkFacts): Network | undefined {
  if (gateways.length === 0) return undefined;
  // The address of a home's router is that of every home's router: its hardware tells them apart.
  const marks = gateways.map(({ link, address, mac }) => [address ?? link, mac ?? ""].join(" ")).toSorted();
  const text = JSON.stringify([marks, resolvers.toSorted()]);
  const fingerprint = new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, FINGERPRINT_DIGITS);
  const label = gateways
    .map(({ link, address }) => (address === undefined ? link : `${address} on ${link}`))
    .join(", ");
  return { fingerprint, label };
}

/** The name servers in a text of resolv.conf(5). */
export function resolversIn(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [word, address] = line.trim().split(/\s+/u);
    return word === "nameserver" && address !== undefined ? [address] : [];
  });
}
