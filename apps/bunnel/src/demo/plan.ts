// What the demonstration shows: techniques down the side, censors across the top.
import type { CensorName } from "@bunnel/lab";
import type { Scheme } from "@bunnel/lab/live";

export interface Technique {
  readonly title: string;
  /** In the notation; undefined: bunnel does not run. */
  readonly strategy: string | undefined;
}

export interface Column {
  readonly censor: CensorName;
  /** False for the honest negative controls: boxes that nothing passes which this version can do. */
  readonly beatable: boolean;
}

export interface DemoPlan {
  readonly techniques: readonly Technique[];
  readonly columns: readonly Column[];
  readonly schemes: readonly Scheme[];
}

export const WITHOUT = "without bunnel";
/** The name in decoys: no list of a censor holds it. */
const DECOY = "www.example.org";

/**
 * @param decoyTtl a hop limit that passes the censor and does not reach the server
 * @param quick fewer techniques, HTTPS alone
 */
export function demoPlan(decoyTtl: number, quick: boolean): DemoPlan {
  const techniques = allTechniques(decoyTtl);
  return {
    techniques: quick ? techniques.filter(({ title }) => QUICK_TITLES.has(title)) : techniques,
    columns: COLUMNS,
    schemes: quick ? ["https"] : ["https", "http"],
  };
}

const COLUMNS: readonly Column[] = [
  { censor: "packet", beatable: true },
  { censor: "first-packet", beatable: true },
  { censor: "inorder", beatable: true },
  { censor: "full-first", beatable: true },
  { censor: "full-cksum", beatable: true },
  { censor: "full-last", beatable: false },
  { censor: "strict", beatable: false },
];

const SPLIT = { tls: "split(1, midsld)", http: "split(method+2, midsld)" };
const DISORDER = { tls: `${SPLIT.tls} disorder`, http: `${SPLIT.http} disorder` };
const QUICK_TITLES = new Set([WITHOUT, "split", "disorder", "fake ttl + disorder"]);

function allTechniques(ttl: number): readonly Technique[] {
  const fakeTtl = fake(`ttl=${ttl}`);
  const fakeSum = fake("badsum");
  return [
    { title: WITHOUT, strategy: undefined },
    { title: "split", strategy: strategy(SPLIT) },
    { title: "disorder", strategy: strategy(DISORDER) },
    { title: "fake ttl", strategy: strategy(fakeTtl) },
    { title: "fake badsum", strategy: strategy(fakeSum) },
    { title: "fake ttl + split", strategy: strategy(fakeTtl, SPLIT) },
    { title: "fake ttl + disorder", strategy: strategy(fakeTtl, DISORDER) },
    { title: "fake badsum + disorder", strategy: strategy(fakeSum, DISORDER) },
  ];
}

interface Words {
  readonly tls: string;
  readonly http: string;
}

function fake(fooling: string): Words {
  return { tls: `fake(sni=${DECOY}, ${fooling})`, http: `fake(host=${DECOY}, ${fooling})` };
}

function strategy(...parts: readonly Words[]): string {
  const words = (kind: keyof Words) => parts.map((part) => part[kind]).join(" ");
  return `tls: ${words("tls")}  http: ${words("http")}`;
}
