// The modes of zapret as techniques. Fakes come first, then what cuts.
import type { Kind } from "../notation/kinds.ts";
import type { Draft, DraftRule } from "./draft.ts";
import type { Foolings } from "./zapret-foolings.ts";
import { taken, type Said } from "./zapret-options.ts";

/** What nfqws shows in a fake for which nothing is said: its help text. */
const DECOY = "www.iana.org";

interface Scene {
  readonly draft: Draft;
  readonly rule: DraftRule;
  readonly kinds: readonly Kind[];
  readonly said: Said;
  readonly foolings: Foolings;
}

export function addTechniques(
  draft: Draft,
  rule: DraftRule,
  kinds: readonly Kind[],
  said: Said,
  foolings: Foolings,
): void {
  const scene: Scene = { draft, rule, kinds, said, foolings };
  addHostTricks(scene);
  const decoys = new Map(kinds.map((kind) => [kind, decoyOf(scene, kind)] as const));
  const cut = cutOf(scene);
  for (const { text, value = "" } of taken(said, "dpi-desync")) {
    for (const mode of value.split(",")) addMode(scene, mode, `${text.split("=")[0]}=${mode}`, decoys, cut);
  }
  addFields(scene);
}

type Decoys = ReadonlyMap<Kind, readonly string[]>;

function addMode(scene: Scene, mode: string, option: string, decoys: Decoys, cut: Cut): void {
  const { draft, rule, kinds, foolings } = scene;
  const streams = kinds.filter((kind) => kind !== "quic");
  const add = (on: readonly Kind[], text: string): void => void draft.technique(rule, on, text, option);
  const words = (...more: readonly string[]) => [...more, ...foolings.words, ...foolings.repeats].join(", ");
  if (mode === "fake" || mode === "fakeknown") {
    for (const kind of kinds) add([kind], fakeOf(kind, decoys.get(kind) ?? [], foolings));
    return;
  }
  // A message has places of its own kind alone; where no kind has any, the notation says so.
  const placed = streams.filter((kind) => cut.points(kind).length > 0);
  const cuts = placed.length === 0 ? streams : placed;
  const cutting = cuttingOf(mode, cut, foolings);
  if (cutting !== undefined) {
    for (const kind of cuts) add([kind], cutting(kind));
    return;
  }
  if (mode === "hostfakesplit") add(streams, `hostfakesplit(${words(...hostFake(scene))})`);
  else if (mode === "rst") add(streams, `rst(${words()})`);
  else if (mode === "rstack") add(streams, `rst(${words("ack")})`);
  else if (mode === "ipfrag2") add(kinds, ipfrag(scene));
  else if (mode === "ipfrag1" || mode === "hopbyhop") add(kinds, "ipfrag(hopbyhop)");
  else if (mode === "udplen")
    add(["quic"], `udplen(+${taken(scene.said, "dpi-desync-udplen-increment")[0]?.value ?? "2"})`);
  else if (mode === "syndata") add(["syn"], "syndata(zeros)");
  else if (mode === "synack") add(["syn"], `synack(${words()})`);
  else draft.lost(option, mode === "none" ? "it says nothing" : "packets are not changed like that here");
}

/** A datagram stands alone: its fake needs no fooling. */
function fakeOf(kind: Kind, decoy: readonly string[], { words, repeats }: Foolings): string {
  return `fake(${[...decoy, ...(kind === "quic" ? [] : words), ...repeats].join(", ")})`;
}

/** How a mode cuts; undefined: it does not. */
function cuttingOf(mode: string, cut: Cut, { words, repeats }: Foolings): ((kind: Kind) => string) | undefined {
  const faked = (kind: Kind) => `fakedsplit(${[...cut.points(kind), ...cut.pattern, ...words, ...repeats].join(", ")})`;
  const split = (kind: Kind) => `split(${cut.points(kind).join(", ")})`;
  switch (mode) {
    case "multisplit":
    case "split":
    case "split2":
      return (kind) => split(kind) + cut.overlap("");
    case "multidisorder":
    case "disorder":
    case "disorder2":
      return (kind) => `${split(kind)}${cut.overlap("second")} disorder`;
    case "fakedsplit":
      return faked;
    case "fakeddisorder":
      return (kind) => `${faked(kind)} disorder`;
    default:
      return undefined;
  }
}

interface Cut {
  points(kind: Kind): readonly string[];
  /** A technique behind a cut; with a blank before it. */
  overlap(second: string): string;
  readonly pattern: readonly string[];
}

function cutOf({ draft, said }: Scene): Cut {
  const [position] = taken(said, "dpi-desync-split-pos");
  const points = (position?.value ?? "2").split(",");
  if (position) draft.became(position.text, `points ${points.join(", ")}`);
  const [seqovl] = taken(said, "dpi-desync-split-seqovl");
  const patterns = taken(said, "dpi-desync-split-seqovl-pattern");
  const fills = taken(said, "dpi-desync-fakedsplit-pattern");
  const overlapPattern = patterns[0]?.value === undefined ? [] : [`pattern=${draft.payload(patterns[0].value)}`];
  const pattern = fills[0]?.value === undefined ? [] : [`pattern=${draft.payload(fills[0].value)}`];
  if (seqovl) draft.became(seqovl.text, `seqovl(${seqovl.value})`);
  for (const { text, value = "" } of [...patterns, ...fills]) draft.became(text, `pattern=${draft.payload(value)}`);
  for (const { text } of taken(said, "dpi-desync-fakedsplit-mod")) draft.lost(text, "decoys stand on both sides");
  return {
    points: (kind) => {
      const own = points.filter((point) =>
        kind === "http" ? !point.startsWith("sniext") : !point.startsWith("method"),
      );
      return own.slice(0, 8);
    },
    overlap: (second) => {
      if (seqovl?.value === undefined || seqovl.value === "0") return "";
      return ` seqovl(${[seqovl.value, ...(second === "" ? [] : [second]), ...overlapPattern].join(", ")})`;
    },
    pattern,
  };
}

/** What a fake of a kind shows. */
function decoyOf({ draft, said }: Scene, kind: Kind): readonly string[] {
  const [file, ...others] = taken(said, `dpi-desync-fake-${kind}`);
  for (const { text } of others) draft.lost(text, "a profile of zapret becomes one fake");
  const mods = kind === "tls" ? taken(said, "dpi-desync-fake-tls-mod") : [];
  const words = mods.flatMap(({ value = "" }) => value.split(","));
  for (const { text } of mods) draft.became(text, "words beside the fake");
  const isFile = file?.value !== undefined && file.value !== "!" && !/^0x0+$/iu.test(file.value);
  const sni = words.find((word) => word.startsWith("sni="));
  const kept = ["rndsni", "dupsid", "padencap"].filter((word) => words.includes(word));
  if (file !== undefined && /^0x0+$/iu.test(file.value ?? "")) {
    draft.became(file.text, "zeros");
    return ["zeros"];
  }
  if (isFile) {
    const name = draft.payload(file.value ?? "");
    draft.became(file.text, `file=${name}`);
    return [`file=${name}`, ...kept];
  }
  if (file) draft.became(file.text, "the built-in fake");
  if (kind === "http") return [`host=${DECOY}`];
  if (kind === "quic") return ["quic", `sni=${DECOY}`];
  return [
    "tls",
    ...(sni ? [sni] : ["rndsni"]),
    ...(mods.length === 0 ? ["dupsid"] : kept.filter((word) => word !== "rndsni")),
  ];
}

function hostFake({ draft, said }: Scene): readonly string[] {
  const [mod] = taken(said, "dpi-desync-hostfakesplit-mod");
  const [middle] = taken(said, "dpi-desync-hostfakesplit-midhost");
  const words = (mod?.value ?? "").split(",");
  const host = words.find((word) => word.startsWith("host="));
  if (mod)
    draft.became(
      mod.text,
      host ?? "random letters",
      words.some((word) => word.startsWith("altorder")) ? "decoys stand on both sides" : undefined,
    );
  if (middle) draft.became(middle.text, "midhost");
  return [...(host === undefined ? [] : [host]), ...(middle === undefined ? [] : ["midhost"])];
}

function ipfrag({ draft, said }: Scene): string {
  const [tcp] = taken(said, "dpi-desync-ipfrag-pos-tcp");
  const [udp] = taken(said, "dpi-desync-ipfrag-pos-udp");
  const position = udp ?? tcp;
  if (position) draft.became(position.text, `ipfrag(${position.value})`);
  return position?.value === undefined ? "ipfrag" : `ipfrag(${position.value})`;
}

function addHostTricks({ draft, rule, kinds, said }: Scene): void {
  const tricks = { hostcase: "case", hostspell: "mixed", hostnospace: "nospace", domcase: "domcase", methodeol: "" };
  for (const [name, word] of Object.entries(tricks)) {
    for (const { text } of taken(said, name)) {
      if (word === "") draft.lost(text, "it changes how many octets a stream has");
      else
        draft.technique(
          rule,
          kinds.filter((kind) => kind === "http"),
          `httphost(${word})`,
          text,
        );
    }
  }
}

function addFields({ draft, rule, kinds, said }: Scene): void {
  for (const { text, value = "" } of taken(said, "wssize")) {
    const [bytes, scale] = value.split(":");
    draft.technique(rule, ["syn"], scale === undefined ? `window(${bytes})` : `window(${bytes}, scale=${scale})`, text);
  }
  for (const { text, value } of taken(said, "dup")) draft.technique(rule, kinds, `dup(x${value ?? 1})`, text);
  for (const { text, value } of taken(said, "orig-ttl")) draft.technique(rule, kinds, `ttl(${value})`, text);
  const identifications: Readonly<Record<string, string>> = {
    seq: "seq",
    seqgroup: "group",
    rnd: "random",
    zero: "zero",
  };
  for (const { text, value = "" } of taken(said, "ip-id")) {
    draft.technique(rule, kinds, `ipid(${identifications[value] ?? value})`, text);
  }
}
