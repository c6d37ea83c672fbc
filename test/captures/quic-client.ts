// A process on the client's machine: one HTTP/3 request by this run-time.
const [url = ""] = process.argv.slice(2);
const response = await fetch(url, { protocol: "http3", tls: { rejectUnauthorized: false } });
console.log(await response.text());
process.exit(0);
