// A record of figures as a flat list, whatever is in it.

/** The numbers of a record; those of records in it under both names, those of a list under the names of its entries. */
export function numbersIn(value: unknown, prefix = ""): Record<string, number> {
  if (typeof value !== "object" || value === null) return {};
  const numbers: Record<string, number> = {};
  for (const [key, inner] of Object.entries(value)) {
    const name = Array.isArray(value) ? nameOf(inner) : key;
    if (typeof inner === "number" && name !== undefined) numbers[prefix + name] = inner;
    else if (name !== undefined) Object.assign(numbers, numbersIn(inner, `${prefix}${name}.`));
  }
  return numbers;
}

/** Entries of a list count where they have a name. */
function nameOf(entry: unknown): string | undefined {
  if (typeof entry !== "object" || entry === null || !("name" in entry)) return undefined;
  return typeof entry.name === "string" ? entry.name : undefined;
}
