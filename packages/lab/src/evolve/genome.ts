// A strategy as the search changes it: techniques in a row, each with its words in slots.
import { OPS_MAX } from "@bunnel/abi";
import { parseStrategy } from "@bunnel/profile";
import type { Scene } from "../censors/gallery.ts";
import type { SeededRandom } from "../link/random.ts";
import { shapesOf } from "./shapes.ts";
import type { Shape } from "./shapes.ts";

export interface Gene {
  readonly shape: Shape;
  /** Words by slot. */
  readonly words: readonly (readonly string[])[];
}

/** None: the message is left alone. */
export type Genome = readonly Gene[];

/** Techniques of one strategy; longer ones are of no use to anybody. */
const GENES_MAX = Math.min(6, OPS_MAX);
/** How often a change is tried again when the notation refuses what came of it. */
const TRIES_MAX = 8;

/** What a genome was written as: it is asked whether it can be, and then for its text. */
const texts = new WeakMap<Genome, { readonly message: Scene["message"]; readonly text: string }>();

/** The strategy in the notation; "pass" for none. */
export function genomeText(genome: Genome, message: Scene["message"]): string {
  const known = texts.get(genome);
  if (known?.message === message) return known.text;
  const text = written(genome, message);
  texts.set(genome, { message, text });
  return text;
}

function written(genome: Genome, message: Scene["message"]): string {
  const [syn, own] = [true, false].map((isSyn) => {
    return genome
      .filter(({ shape }) => (shape.isSyn ?? false) === isSyn)
      .map(geneText)
      .join(" ");
  });
  const clauses = [own && `${message}: ${own}`, syn && `syn: ${syn}`].filter((clause) => clause);
  return clauses.length === 0 ? "pass" : clauses.join("  ");
}

export function geneText({ shape, words }: Gene): string {
  const all = words.flat();
  return all.length === 0 ? shape.technique : `${shape.technique}(${all.join(", ")})`;
}

/** How long a strategy is: four for each technique, one for each word. */
export function genomeSize(genome: Genome): number {
  return genome.reduce((sum, { words }) => sum + 4 + words.flat().length, 0);
}

/** Whether the notation takes it, and it is not too long. */
export function isWritable(genome: Genome, message: Scene["message"]): boolean {
  if (genome.length > GENES_MAX) return false;
  const text = genomeText(genome, message);
  const known = writable.get(text);
  if (known !== undefined) return known;
  if (writable.size >= WRITABLE_MAX) writable.clear();
  const isTaken = parses(text);
  writable.set(text, isTaken);
  return isTaken;
}

/** Whether the notation takes a text: a search makes the same strategies again and again. */
const writable = new Map<string, boolean>();
const WRITABLE_MAX = 20_000;

function parses(text: string): boolean {
  try {
    parseStrategy(text);
    return true;
  } catch {
    return false;
  }
}

/** A changed copy: a technique added, taken away, moved or with other words. Always writable. */
export function mutated(genome: Genome, message: Scene["message"], random: SeededRandom): Genome {
  for (let turn = 0; turn < TRIES_MAX; turn += 1) {
    const made = changedOnce(genome, message, random);
    if (isWritable(made, message)) return made;
  }
  return genome;
}

/** The head of one and the tail of the other; the first one where the notation refuses that. */
export function crossed(one: Genome, other: Genome, message: Scene["message"], random: SeededRandom): Genome {
  const head = one.slice(0, random.next() % (one.length + 1));
  const made = [...head, ...other.slice(random.next() % (other.length + 1))];
  return isWritable(made, message) ? made : one;
}

function changedOnce(genome: Genome, message: Scene["message"], random: SeededRandom): Genome {
  const at = random.next() % Math.max(1, genome.length);
  const kind = genome.length === 0 ? 0 : random.next() % 10;
  if (kind < 3) return genome.toSpliced(random.next() % (genome.length + 1), 0, freshGene(message, random));
  if (kind < 5) return genome.toSpliced(at, 1);
  if (kind === 5) return moved(genome, at, random);
  if (kind === 6) return genome.toSpliced(at, 1, freshGene(message, random));
  const gene = genome[at];
  return gene === undefined ? genome : genome.toSpliced(at, 1, withOtherWords(gene, random));
}

function moved(genome: Genome, at: number, random: SeededRandom): Genome {
  const gene = genome[at];
  const rest = genome.toSpliced(at, 1);
  return gene === undefined ? genome : rest.toSpliced(random.next() % (rest.length + 1), 0, gene);
}

function freshGene(message: Scene["message"], random: SeededRandom): Gene {
  const shapes = shapesOf(message);
  const shape = shapes[random.next() % shapes.length];
  if (shape === undefined) throw new Error(`shapes of ${message}: expected some, found none`);
  const words = shape.slots.map(({ least, most, make }) => {
    const count = least + (most > least ? random.next() % (most - least + 1) : 0);
    return [...new Set(Array.from({ length: count }, () => make(random)))];
  });
  return { shape, words };
}

function withOtherWords(gene: Gene, random: SeededRandom): Gene {
  const { slots } = gene.shape;
  if (slots.length === 0) return gene;
  const at = random.next() % slots.length;
  const slot = slots[at];
  const known = gene.words[at] ?? [];
  if (slot === undefined) return gene;
  const removes = known.length > slot.least && random.chance(0.4);
  const adds = !removes && known.length < slot.most && random.chance(0.6);
  const kept = adds || known.length === 0 ? known : known.toSpliced(random.next() % known.length, 1);
  const words = removes || (kept.length >= slot.most && adds) ? kept : [...new Set([...kept, slot.make(random)])];
  return { ...gene, words: gene.words.with(at, words) };
}
