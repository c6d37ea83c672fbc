export { isOver, LAWS, STREAM_ONLY, TECHNIQUES, type Law, type TechniqueEntry } from "./technique-list.ts";
export { DOCUMENT_PATH, techniquesDocument } from "./techniques.ts";
export { PLATFORMS_PATH, platformsDocument } from "./platforms.ts";
export { digestOf, readCases, readFragment } from "./proof-fragment.ts";
export { LEVELS, PROOFS } from "./proof-list.ts";
