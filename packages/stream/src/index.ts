export type * from "./relay.ts";
