// What the JSON Schema of a profile is made of.

/** A schema as JSON. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A text. */
export function text(description: string, more: JsonSchema = {}): JsonSchema {
  return { type: "string", description, ...more };
}

/** A list, empty where the profile says nothing. */
export function texts(description: string, items: JsonSchema = { type: "string" }): JsonSchema {
  return { type: "array", items, description, default: [] };
}

/** A whole number and its default. */
export function whole(description: string, minimum: number, maximum: number, value: number): JsonSchema {
  return { type: "integer", minimum, maximum, description, default: value };
}

/** True or false, and the default. */
export function yesOrNo(description: string, value: boolean): JsonSchema {
  return { type: "boolean", description, default: value };
}

/** A table with these keys and no other. */
export function table(description: string, properties: JsonSchema, more: JsonSchema = {}): JsonSchema {
  return { type: "object", description, properties, additionalProperties: false, ...more };
}
