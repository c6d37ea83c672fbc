// The shipped list of hosts to probe, by region: data with a version and a date of its own.
import * as v from "valibot";
import data from "./test-hosts.json" with { type: "json" };

const schema = v.strictObject({
  version: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** The day on which the list was last gone through. */
  gathered: v.pipe(v.string(), v.isoDate()),
  about: v.string(),
  harmless: v.string(),
  regions: v.record(v.pipe(v.string(), v.regex(/^(?:world|[a-z]{2})$/u)), v.pipe(v.array(v.string()), v.nonEmpty())),
});

/** Hosts by region ("world", or a code of ISO 3166-1), and a name that nobody minds. */
export const TEST_HOSTS: v.InferOutput<typeof schema> = v.parse(schema, data);
