// The pictures of the strategy book: which strategies, in which order.

/** One picture. */
export interface Chapter {
  /** Of its file. */
  readonly name: string;
  readonly strategy: string;
}

/** From nothing to what passes nearly every box of the gallery. `T` stands for a hop limit between box and server. */
export const BOOK: readonly Chapter[] = [
  { name: "pass", strategy: "pass" },
  { name: "split", strategy: "tls: split(midsld)" },
  { name: "disorder", strategy: "tls: split(midsld) disorder" },
  { name: "fake-ttl", strategy: "tls: fake(sni=www.example.com, ttl=T)" },
  { name: "fake-badsum", strategy: "tls: fake(sni=www.example.com, badsum)" },
  { name: "fake-ttl-disorder", strategy: "tls: fake(sni=www.example.com, ttl=T) split(1, midsld) disorder" },
  { name: "fakedsplit", strategy: "tls: fakedsplit(midsld, ttl=T)" },
  { name: "hostfakesplit", strategy: "tls: hostfakesplit(ttl=T)" },
  { name: "seqovl", strategy: "tls: split(midsld) seqovl(100, second) disorder" },
  { name: "ipfrag", strategy: "tls: ipfrag(24)" },
];
