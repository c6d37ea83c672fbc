export { isOver, LAWS, STREAM_ONLY, TECHNIQUES, type Law, type TechniqueEntry } from "./technique-list.ts";
export { DOCUMENT_PATH, techniquesDocument } from "./techniques.ts";
