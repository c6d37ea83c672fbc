export * from "./limits";
export * from "./layout";
export * from "./verdict";
export * from "./records";
export * from "./rules";
export * from "./translate";
