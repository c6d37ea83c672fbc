// Command lines as people keep them: in shell scripts, batch files and service definitions.

/** The words of a command line. Quotes hold a word together; `\` and `^` at a line's end join it to the next. */
export function wordsOf(text: string): string[] {
  const joined = text.replaceAll(/[\\^]\r?\n/gu, " ").replaceAll(/^\s*(?:#|::|rem\b).*$/gimu, " ");
  const words: string[] = [];
  for (const [found] of joined.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/gu)) {
    words.push(found.replaceAll(/["']/gu, ""));
  }
  return words;
}

/** An option and what it was given. */
export interface Option {
  /** Without the hyphens before it. */
  readonly name: string;
  readonly value: string | undefined;
  /** As it was written. */
  readonly text: string;
}

export interface OptionForm {
  /** Long names that take a value; of others the next word is no value. */
  readonly valued: ReadonlySet<string>;
  /** Letters, each with the long name that it stands for. */
  readonly letters?: Readonly<Record<string, string>>;
}

/** The options among the words; what is none is left out. */
export function optionsOf(words: readonly string[], { valued, letters = {} }: OptionForm): Option[] {
  const options: Option[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    const parsed = readOption(word, letters);
    if (parsed === undefined) continue;
    const { name, value } = parsed;
    if (value !== undefined || !valued.has(name)) {
      options.push({ name, value, text: word });
      continue;
    }
    const next = words[i + 1];
    const given = next !== undefined && !/^--?[a-z]/iu.test(next) ? next : undefined;
    if (given !== undefined) i++;
    options.push({ name, value: given, text: given === undefined ? word : `${word} ${given}` });
  }
  return options;
}

function readOption(word: string, letters: Readonly<Record<string, string>>): Omit<Option, "text"> | undefined {
  const [, long, value] = /^--?([a-z][\w-]+)(?:=(.*))?$/iu.exec(word) ?? [];
  const [, letter = "", rest = ""] = /^-([a-z0-9])(.*)$/iu.exec(word) ?? [];
  const byLetter = Object.hasOwn(letters, letter) ? letters[letter] : undefined;
  if (long !== undefined && (word.startsWith("--") || byLetter === undefined)) return { name: long, value };
  if (letter === "") return undefined;
  return { name: byLetter ?? letter, value: rest === "" ? undefined : rest.replace(/^=/u, "") };
}

/** Ports as a rule has them: "80", "1000-2000"; any: none. */
export function portsOf(text: string): string[] {
  const ports = text.split(",").map((port) => port.trim().replace(":", "-"));
  return ports.includes("*") || ports.includes("1-65535") ? [] : ports.filter((port) => /^\d+(-\d+)?$/u.test(port));
}
