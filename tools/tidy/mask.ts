// Source text with its comments and literals blanked, so that rules about code do not trip over prose.

/** Words after which a slash begins a regular expression and not a division. */
const BEFORE_REGEX = /(?:^|[=(,:;!&|?{}[+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|delete|await|yield|throw))\s*$/;
const COMMENT_LINE = /\/\/[^\n]*/y;
const COMMENT_BLOCK = /\/\*[\s\S]*?\*\//y;
const QUOTED = /"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;

/** The two views of a source; both keep every offset and line of the original. */
export interface Masked {
  /** Comments blanked. */
  readonly code: string;
  /** Comments and the insides of strings, templates and regular expressions blanked. */
  readonly bare: string;
}

/** Masks TypeScript. Code inside `${…}` of a template stays visible. */
export function mask(source: string): Masked {
  const code: string[] = [];
  const bare: string[] = [];
  /** For each template that is open, how many braces are open inside its `${`. */
  const templates: number[] = [];
  let recent = "";
  let at = 0;
  const put = (text: string, isComment: boolean, isLiteral: boolean): void => {
    code.push(isComment ? blank(text) : text);
    bare.push(isComment || isLiteral ? blank(text) : text);
    if (!isComment) recent = (recent + text).slice(-40);
    at += text.length;
  };
  while (at < source.length) {
    const comment = take(COMMENT_LINE, source, at) ?? take(COMMENT_BLOCK, source, at);
    const quoted = comment === undefined ? take(QUOTED, source, at) : undefined;
    const regex = source[at] === "/" && BEFORE_REGEX.test(recent) ? take(REGEX, source, at) : undefined;
    const open = templates.at(-1);
    if (comment !== undefined) put(comment, true, false);
    else if (quoted !== undefined) put(quoted, false, true);
    else if (regex !== undefined) put(regex, false, true);
    else if (source[at] === "`" || (open === 0 && source[at] === "}")) {
      if (source[at] === "}") templates.pop();
      const end = templateEnd(source, at + 1);
      put(source.slice(at, end), false, true);
      if (source[end - 1] === "{") templates.push(0);
    } else {
      if (open !== undefined && source[at] === "{") templates.push((templates.pop() ?? 0) + 1);
      if (open !== undefined && source[at] === "}") templates.push((templates.pop() ?? 1) - 1);
      put(source.slice(at, at + 1), false, false);
    }
  }
  return { code: code.join(""), bare: bare.join("") };
}

/** One past the closing backtick, or one past the `${` that comes before it. */
function templateEnd(source: string, from: number): number {
  for (let at = from; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === "`") return at + 1;
    else if (source.startsWith("${", at)) return at + 2;
  }
  return source.length;
}

function take(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
}

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, " ");
}
