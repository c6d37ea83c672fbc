// The lab's own processes, by what they are.

export type ChildRole = "client" | "censor" | "server";

/** Runs the process until its lab ends. It is started by a lab alone: it reads its orders from standard input. */
export async function runChild(role: ChildRole): Promise<never> {
  switch (role) {
    case "client":
      return (await import("./client-child.ts")).runClientChild();
    case "censor":
      return (await import("./censor-child.ts")).runCensorChild();
    case "server":
      return (await import("./server-child.ts")).runServerChild();
  }
}
