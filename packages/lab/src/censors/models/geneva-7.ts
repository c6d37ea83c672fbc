// Hypothesis 7 of Geneva's lab (Bock and others, CCS 2019; censors/censor7.py of its sources, seen 2020-2023):
// as hypothesis 6, but the reset must be of the connection.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const GENEVA_7: Model = {
  name: "geneva-7",
  says: "The box reads every packet until a reset or FIN of that connection, and drops everything of a caught client.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "packets" },
    creation: { opens: "any", syn: "nothing", end: { flags: ["R", "RA", "F"], must: "tuple", does: "forgets" } },
    parser: { kind: "octets" },
    reaction: { keeps: "outbound", sends: [] },
    residual: { scope: "client", ms: Infinity },
  },
};
