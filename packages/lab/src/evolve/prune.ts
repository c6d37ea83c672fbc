// Takes away from a passing strategy what it does not need, and says of each part why it stays or goes.
import type { Scene } from "../censors/gallery.ts";
import { passes } from "./evaluate.ts";
import type { Evaluation } from "./evaluate.ts";
import { geneText, genomeText, isWritable } from "./genome.ts";
import type { Genome } from "./genome.ts";
import type { EvaluatorPool } from "./pool.ts";

export interface PruneNote {
  /** The technique, or a word of one. */
  readonly part: string;
  readonly kept: boolean;
  readonly why: string;
}

export interface Pruned {
  readonly genome: Genome;
  /** What went, in order, then what stayed. */
  readonly notes: readonly PruneNote[];
  readonly evaluations: number;
}

interface Candidate {
  readonly part: string;
  readonly genome: Genome;
}

/** The shortest strategy that is reached by taking parts away one at a time, whole techniques first. */
export async function prune(genome: Genome, message: Scene["message"], pool: EvaluatorPool): Promise<Pruned> {
  const notes: PruneNote[] = [];
  let rest = genome;
  let evaluations = 0;
  for (;;) {
    const candidates = [...withoutTechniques(rest), ...withoutWords(rest)].filter((made) => {
      return made.genome.length > 0 && isWritable(made.genome, message);
    });
    const results = await pool.evaluate(candidates.map((made) => genomeText(made.genome, message)));
    evaluations += results.length;
    const free = results.findIndex(passes);
    const shorter = candidates[free];
    if (shorter === undefined) {
      return { genome: rest, notes: [...notes, ...candidates.map((made, i) => needed(made, results[i]))], evaluations };
    }
    notes.push({ part: shorter.part, kept: false, why: "the rest passes without it" });
    rest = shorter.genome;
  }
}

function withoutTechniques(genome: Genome): readonly Candidate[] {
  return genome.map((gene, at) => ({ part: geneText(gene), genome: genome.toSpliced(at, 1) }));
}

function withoutWords(genome: Genome): readonly Candidate[] {
  return genome.flatMap((gene, at) =>
    gene.shape.slots.flatMap((slot, which) => {
      const words = gene.words[which] ?? [];
      if (words.length <= slot.least) return [];
      return words.map((word, index): Candidate => {
        const changed = { ...gene, words: gene.words.with(which, words.toSpliced(index, 1)) };
        return { part: `${word} of ${geneText(gene)}`, genome: genome.toSpliced(at, 1, changed) };
      });
    }),
  );
}

function needed({ part }: Candidate, evaluation: Evaluation | undefined): PruneNote {
  const outcome = evaluation?.outcomes.find((found) => found !== "served") ?? "served";
  const found = evaluation?.matched === undefined ? "" : `: the box found ${evaluation.matched}`;
  return { part, kept: true, why: `without it the connection is ${outcome}${found}` };
}
