import { createPrivateKey, X509Certificate } from "node:crypto";
import { expect, test } from "bun:test";
import { makeCertificate } from "./certificate.ts";

const NAMES = ["blocked.example.org", "allowed.example.org"];

test("makeCertificate() is signed by its own key and holds for its names alone", () => {
  const certificate = new X509Certificate(makeCertificate(NAMES).certificate);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  for (const name of NAMES) expect(certificate.checkHost(name)).toBe(name);
  expect(certificate.checkHost("www.example.org")).toBeUndefined();
});

test("makeCertificate() holds now and ends within ten days", () => {
  const { validFrom, validTo } = new X509Certificate(makeCertificate(NAMES).certificate);
  const days = (Date.parse(validTo) - Date.parse(validFrom)) / 86_400_000;
  expect(Date.parse(validFrom)).toBeLessThan(Date.now());
  expect(days).toBeLessThan(10);
});

test("makeCertificate() gives a key that belongs to the certificate", () => {
  const { certificate, key } = makeCertificate(NAMES);
  expect(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))).toBe(true);
});

test("makeCertificate() carries more names than a length octet counts", () => {
  const names = Array.from({ length: 40 }, (_, i) => `host-number-${i}.example.org`);
  const certificate = new X509Certificate(makeCertificate(names).certificate);
  expect(certificate.checkHost("host-number-39.example.org")).toBe("host-number-39.example.org");
});
