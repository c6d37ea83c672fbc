// Loaded before anything else by every Bun process of a coverage run.
import { afterAll } from "bun:test";
import { FOLDER_VARIABLE } from "./folder.ts";
import { record } from "./record.ts";

const folder = process.env[FOLDER_VARIABLE];
if (folder !== undefined) {
  const write = record(folder);
  try {
    afterAll(write);
  } catch {
    // Outside the test runner there is no such moment, but a process that ends by itself says so.
    process.on("exit", write);
  }
}
