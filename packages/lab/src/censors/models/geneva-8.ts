// Hypothesis 8 of Geneva's lab (Bock and others, CCS 2019; censors/censor8.py of its sources, seen 2020-2023):
// as hypothesis 7, but the reset must have the number of the next octet.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const GENEVA_8: Model = {
  name: "geneva-8",
  says: "The box reads every packet until a reset or FIN with the next number, and drops all of a caught client.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "packets" },
    creation: { opens: "any", syn: "nothing", end: { flags: ["R", "F"], must: "place", does: "forgets" } },
    parser: { kind: "octets" },
    reaction: { keeps: "outbound", sends: [] },
    residual: { scope: "client", ms: Infinity },
  },
};
