// The boxes that `bunnel probe` is shown against, live, and what it should say of each.
import { CENSOR_NAMES, type CensorName, galleryEntry, isCensorName, type LiveCensorName, liveModel } from "@bunnel/lab";

export interface ProbeCase {
  readonly name: string;
  /** Undefined: nobody watches. */
  readonly box?: LiveCensorName;
  /** The host's addresses lead nowhere. */
  readonly isBlackhole?: boolean;
  /** What the diagnosis has to say. */
  readonly says: RegExp;
  /** Whether something is to be found that helps; undefined: nothing needs to be done. */
  readonly isSolved?: boolean;
  /** Addresses that the host has: a box that punishes takes some of them out for minutes. */
  readonly addresses: number;
  /** Further words of the command. */
  readonly words?: readonly string[];
  /** How long nothing may come, where it has to be longer than elsewhere. */
  readonly patienceSeconds?: number;
}

const BY_NAME = /TLS by name \((?:RST|silent drop|closed)\)/u;
/** Where a box punishes for minutes, tries need other addresses. */
const MANY_ADDRESSES = 14;

const SAYS: Readonly<Partial<Record<CensorName, RegExp>>> = {
  "dns-hijack": /^DNS forged$/u,
  "gfw-quic": /^QUIC by name \(silent drop\), penalty time$/u,
  "http-tap": /redirect page/u,
  "gfw-tls": /TLS by name \(RST\).*penalty time/u,
  iran: /^TLS by name \(silent drop\), HTTP by name \(silent drop\), penalty time$/u,
  "allow-list": /TLS whatever the name|TLS by name/u,
};

const PUNISHING: readonly CensorName[] = ["gfw-tls", "iran", "gfw-quic"];
/** Nothing that is tried passes it. */
const UNSOLVED: readonly CensorName[] = ["strict"];

/** Nobody, an address that is gone, and every box of the gallery. */
export const PROBE_CASES: readonly ProbeCase[] = [
  { name: "(nobody)", says: /^open$/u, addresses: 1 },
  {
    name: "(address blocked)",
    isBlackhole: true,
    says: /^IP blocked \(silent drop\)$/u,
    isSolved: false,
    addresses: 1,
  },
  ...CENSOR_NAMES.map((box): ProbeCase => ({
    ...{ name: box, box, says: SAYS[box] ?? BY_NAME, isSolved: !UNSOLVED.includes(box) },
    addresses: PUNISHING.includes(box) ? MANY_ADDRESSES : 1,
  })),
  { name: "freezes-names", box: "freezes-names", says: /^frozen \(silent drop\)/u, isSolved: true, addresses: 1 },
  { name: "slows-names", box: "slows-names", says: /^throttled/u, isSolved: true, addresses: 1, patienceSeconds: 4 },
];

/** The case of that name. @throws Error when there is none */
export function probeCase(name: string): ProbeCase {
  const found = PROBE_CASES.find((each) => each.name === name);
  if (found === undefined) throw new Error(`case ${name}: expected it in the list, found none`);
  return found;
}

/** Whether clients offer TCP time stamps there, as Linux does and Windows does not. */
export function hasTimestamps({ box }: ProbeCase): boolean {
  return box === undefined || !isCensorName(box) || galleryEntry(box).scene.timestamps;
}

/** What boxes say of themselves. */
export function aboutCase({ box, isBlackhole }: ProbeCase): string {
  if (box !== undefined) return liveModel(box).says;
  return isBlackhole === true ? "Every packet to the host's addresses is dropped." : "Nobody watches.";
}
