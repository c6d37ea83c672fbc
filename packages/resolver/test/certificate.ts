// A key and a certificate for a name and for addresses, by openssl.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

/** A certificate that is its own authority, for these subjectAltName entries. */
export function selfSigned(...names: readonly string[]): KeyPair {
  const folder = mkdtempSync(join(tmpdir(), "bunnel-test-"));
  try {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const { exitCode, stderr } = Bun.spawnSync([
      ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=dns.example.org"],
      ...["-addext", `subjectAltName=${names.join(",")}`],
    ]);
    if (exitCode !== 0) throw new Error(`openssl: ${stderr.toString()}`);
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
