// The real clients, and for each the strategies and boxes that concern it. The first ones together meet every model of
// the gallery; the others show that what holds for one client holds for others.
import { CENSOR_NAMES, type CensorName, concerns, galleryEntry, namedStrategies, type Scene } from "@bunnel/lab";
import { POST_QUANTUM_SHARE_BYTES } from "@bunnel/wire";
import { type Ask, askBrowser, askBunQuic, askCurl, askDig, askNgtcp2, BROWSER_QUIC, HAS_BROWSER } from "./ask.ts";

export interface LiveClient {
  readonly name: string;
  /** What it is and whom it asks, for people. */
  readonly about: string;
  readonly ask: Ask;
  /** How the simulation has it: what differs from the scene of the box. */
  readonly scene: Partial<Scene> & Pick<Scene, "message">;
  readonly boxes: readonly CensorName[];
  /** Names of rows. */
  readonly strategies: readonly string[];
  /** Whether real detectors look at a capture of it. */
  readonly isDetected?: boolean;
  /** Whether this machine has the program. */
  readonly isThere: boolean;
  /** How long it may take: a browser has to start first. Default 4000. */
  readonly patienceMs?: number;
  /** How many run at a time. Default 6. */
  readonly atOnce?: number;
}

/** One strategy of each family: a cut, an order, decoys of two kinds with and without a cut, both around each piece. */
const FEW_STRATEGIES = [
  ...["(nothing)", "split in the name", "disorder", "fake ttl", "fake md5sig"],
  ...["fake ttl + disorder", "fakedsplit ttl", "seqovl second piece"],
];
/** One box of each way to put a stream together. */
const FEW_BOXES: readonly CensorName[] = [
  ...(["packet", "inorder", "full-first", "full-last", "full-valid", "strict", "gfw-tls", "tspu", "iran"] as const),
];

function boxesOf(message: Scene["message"]): readonly CensorName[] {
  return CENSOR_NAMES.filter((name) => galleryEntry(name).scene.message === message);
}

function strategiesFor(message: Scene["message"]): readonly string[] {
  const scene = { message, timestamps: true };
  return namedStrategies()
    .filter((named) => concerns(named, scene))
    .map(({ name }) => name);
}

function program(name: string): boolean {
  return Bun.which(name) !== null;
}

export const LIVE_CLIENTS: readonly LiveClient[] = [
  {
    name: "curl, TLS 1.3",
    about: "curl with TLS 1.3 and HTTP/1.1, nginx",
    ask: askCurl("https", ["--http1.1", "--tlsv1.3"]),
    scene: { message: "tls" },
    boxes: boxesOf("tls"),
    strategies: strategiesFor("tls"),
    isDetected: true,
    isThere: program("curl"),
  },
  {
    name: "curl, HTTP",
    about: "curl with plain HTTP/1.1, nginx",
    ask: askCurl("http", ["--http1.1"]),
    scene: { message: "http" },
    boxes: ["http-tap", "packet", "first-packet", "inorder", "full-first", "full-last", "full-valid", "strict"],
    strategies: strategiesFor("http"),
    isDetected: true,
    isThere: program("curl"),
  },
  {
    name: "ngtcp2, QUIC",
    about: "gtlsclient with HTTP/3, a hello of one datagram; gtlsserver",
    ask: askNgtcp2,
    scene: { message: "quic" },
    boxes: boxesOf("quic"),
    strategies: strategiesFor("quic"),
    isDetected: true,
    isThere: program("gtlsclient"),
  },
  {
    name: "dig",
    about: "dig over UDP, a name server of the lab",
    ask: askDig,
    scene: { message: "dns" },
    boxes: boxesOf("dns"),
    strategies: strategiesFor("dns"),
    isThere: program("dig"),
  },
  {
    name: "curl, TLS 1.2",
    about: "curl with TLS 1.2 alone and HTTP/1.1, nginx",
    ask: askCurl("https", ["--http1.1", "--tlsv1.2", "--tls-max", "1.2"]),
    scene: { message: "tls" },
    boxes: FEW_BOXES,
    strategies: FEW_STRATEGIES,
    isThere: program("curl"),
  },
  {
    name: "curl, HTTP/2",
    about: "curl with TLS 1.3 and HTTP/2, nginx",
    ask: askCurl("https", ["--http2"]),
    scene: { message: "tls" },
    boxes: FEW_BOXES,
    strategies: FEW_STRATEGIES,
    isThere: program("curl"),
  },
  ...browserClients(),
  {
    name: "Bun, QUIC",
    about: "fetch of Bun with HTTP/3, a hello of two datagrams; gtlsserver",
    ask: askBunQuic,
    scene: { message: "quic", spread: "two-datagrams" },
    boxes: boxesOf("quic"),
    strategies: strategiesFor("quic"),
    isThere: true,
    atOnce: 1,
  },
];

function browserClients(): readonly LiveClient[] {
  const common = { isThere: HAS_BROWSER, patienceMs: 12_000, atOnce: 3 };
  const overTcp = { ...common, boxes: FEW_BOXES, strategies: FEW_STRATEGIES };
  return [
    {
      ...overTcp,
      name: "Chromium",
      isDetected: true,
      about: "Chromium over TCP with its post-quantum hello of two segments, HTTP/2; nginx",
      ask: askBrowser(),
      scene: { message: "tls", keyShareBytes: POST_QUANTUM_SHARE_BYTES },
    },
    {
      ...overTcp,
      name: "Chromium, classic",
      about: "Chromium with TLS 1.2, so with a hello of one segment, HTTP/2; nginx",
      ask: askBrowser(["--ssl-version-max=tls1.2"]),
      scene: { message: "tls" },
    },
    {
      ...common,
      name: "Chromium, QUIC",
      isDetected: true,
      about: "Chromium with HTTP/3, a post-quantum hello over two datagrams in frames of its own order; gtlsserver",
      ask: askBrowser(BROWSER_QUIC),
      scene: { message: "quic", spread: "mixed" },
      boxes: boxesOf("quic"),
      strategies: strategiesFor("quic"),
    },
  ];
}
