// Hypothesis 6 of Geneva's lab (Bock and others, CCS 2019; censors/censor6.py of its sources, seen 2020-2023):
// numbers do not matter; one reset or FIN of any connection makes it give up.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const GENEVA_6: Model = {
  name: "geneva-6",
  says: "The box reads every packet until anybody sends a reset or FIN, and drops everything of a caught client.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "packets" },
    creation: { opens: "any", syn: "nothing", end: { flags: ["R", "RA", "F"], must: "box", does: "forgets" } },
    parser: { kind: "octets" },
    reaction: { keeps: "outbound", sends: [] },
    residual: { scope: "client", ms: Infinity },
  },
};
