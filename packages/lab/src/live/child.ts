// What a lab starts where nobody says otherwise: this file with the role as its argument.
import { type ChildRole, runChild } from "./run-child.ts";

await runChild(process.argv[2] as ChildRole);
