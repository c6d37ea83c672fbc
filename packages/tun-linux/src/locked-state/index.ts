export { errnoOf, fileError } from "./file-error.ts";
export { isRecord, LockedState, type StateForm } from "./locked-state.ts";
