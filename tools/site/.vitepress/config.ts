// The pages of docs/, as a site that works from any folder of any server and fetches nothing from elsewhere.
import { defineConfig } from "vitepress";

/** Where `main.ts` puts docs/: pages outside of this folder would not find its packages. */
const PAGES = "build/docs";
/** Links into the repository, to what `main.ts` adds, and to programs that readers run themselves. */
const OUTSIDE = [
  /^\.?\.?\/?\.\.\//u,
  /\/api\//u,
  /^\.?\/?(?:examples|deploy)(?:\/|$)/u,
  /^http:\/\/(?:localhost|127\.)/u,
];

export default defineConfig({
  title: "bunnel",
  description: "A network interface for Bun, and a service that carries traffic past deep packet inspection",
  srcDir: PAGES,
  srcExclude: ["examples/**", "deploy/**"],
  outDir: "../../build/site",
  cacheDir: "build/cache",
  // What leads into the repository is no page of the site; a name that is in no file of it is an error.
  ignoreDeadLinks: OUTSIDE,
  markdown: { languages: ["strategy", "packets"].map(plainLanguage) },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Start", link: "/start" },
      { text: "Strategies", link: "/strategy-book" },
      { text: "Which passes what", link: "/evasion" },
      { text: "API", link: "/api/", target: "_self" },
    ],
    sidebar: [
      {
        text: "Use it",
        items: [
          { text: "Start", link: "/start" },
          { text: "Linux", link: "/guide-linux" },
          { text: "macOS", link: "/guide-macos" },
          { text: "Windows", link: "/guide-windows" },
          { text: "FreeBSD and others", link: "/guide-bsd" },
          { text: "Dashboard, metrics, captures", link: "/dashboard" },
          { text: "Split tunnelling", link: "/split-tunnelling" },
          { text: "What works here", link: "/probe" },
          { text: "A gateway for a network", link: "/gateway" },
          { text: "Stream egress", link: "/stream-egress" },
          { text: "When the network changes", link: "/resilience" },
          { text: "What it remembers of hosts", link: "/memory" },
          { text: "Releases, containers", link: "/releases" },
          { text: "What it does not protect from", link: "/threat-model" },
          { text: "Questions", link: "/faq" },
        ],
      },
      {
        text: "Strategies",
        items: [
          { text: "The book", link: "/strategy-book" },
          { text: "Notation, named strategies", link: "/strategies" },
          { text: "Techniques and their proofs", link: "/techniques" },
          { text: "Which passes which box", link: "/evasion" },
        ],
      },
      {
        text: "Build with it",
        items: [
          { text: "Devices", link: "/devices" },
          { text: "Platforms", link: "/platforms" },
          { text: "Architecture", link: "/architecture" },
          { text: "Fuzzing", link: "/fuzzing" },
          { text: "Runs of the fuzzers", link: "/fuzz-runs" },
        ],
      },
    ],
  },
});

/** A language of this project, which is shown without colours. */
function plainLanguage(name: string) {
  return { name, scopeName: `source.${name}`, patterns: [], repository: {} };
}
