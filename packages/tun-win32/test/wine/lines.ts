/** The lines that a process prints, as they come. */
export function linesOf(stream: ReadableStream<Uint8Array>) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  return {
    /** Resolves with the first line that begins so. @throws Error with what came, when the process ends without it */
    async until(start: string): Promise<string> {
      for (;;) {
        const line = rest.split("\n").find((each) => each.startsWith(start) && rest.includes(`${each}\n`));
        if (line !== undefined) return line.trimEnd();
        const { value, done } = await reader.read();
        if (done) throw new Error(`expected a line "${start}…", found: ${rest}`);
        rest += decoder.decode(value, { stream: true });
      }
    },
  };
}
