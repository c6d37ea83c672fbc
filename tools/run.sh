#!/bin/sh
# The one way in: sh tools/run.sh demo|test|check|bench|setup [arguments]
# Works in a fresh clone with nothing but npm, or nothing but Bun, and does only what is still to be done.
# 1. find Bun in the pinned version   2. install   3. build the engine   4. system packages   5. hand over to a program
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
HOME=${HOME:-/tmp}
# Root's tools (nft, nginx, ip) lie in the sbin folders, which a plain user's PATH leaves out.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
TURBO_TELEMETRY_DISABLED=1
DO_NOT_TRACK=1
export HOME PATH TURBO_TELEMETRY_DISABLED DO_NOT_TRACK
. "$root/tools/system.sh"

say() { printf '%s\n' "bunnel: $*" >&2; }
die() {
  say "$*"
  exit 1
}

# The version that package.json pins: "packageManager": "bun@<version>".
pinned_version() {
  sed -n 's/.*"packageManager"[^"]*"bun@\([^"+]*\).*/\1/p' "$root/package.json"
}

# True when the program at $1 is Bun in the pinned version.
is_pinned() {
  [ -n "$1" ] && [ "$("$1" --version 2>/dev/null)" = "$version" ]
}

# Prints the path of the pinned Bun as the package runner "$@" unpacks it; fails when it cannot be had that way.
fetched_bun() {
  npm_config_ignore_scripts=false npm_config_update_notifier=false npm_config_fund=false \
    "$@" -e 'console.log(process.execPath)' 2>"$log" | tail -n 1
}

# Sets $bun to the pinned Bun: the installed one, the one on PATH, or one fetched by whatever runner this machine has.
find_bun() {
  bun=$root/node_modules/.bin/bun
  is_pinned "$bun" && return
  bun=$(command -v bun || true)
  is_pinned "$bun" && return
  other=$bun
  say "fetching bun $version"
  if command -v npx >/dev/null; then
    bun=$(fetched_bun npx -y "bun@$version")
    is_pinned "$bun" && return
  fi
  if command -v npm >/dev/null; then
    bun=$(fetched_bun npm exec -y -- "bun@$version")
    is_pinned "$bun" && return
  fi
  if [ -n "$other" ]; then
    bun=$(fetched_bun "$other" x "bun@$version")
    is_pinned "$bun" && return
  fi
  tail -n 5 "$log" >&2
  die "bun $version could not be fetched; install it, or npm, and see that the package registry is reachable"
}

# Installs the packages and puts the programs they bring on PATH, Bun in the pinned version among them.
install_packages() {
  if ! "$bun" install --frozen-lockfile >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "bun install: expected the packages of bun.lock, found the errors above"
  fi
  if grep -q 'packages installed' "$log"; then say "$(grep 'packages installed' "$log" | tail -n 1)"; fi
  if is_pinned "$root/node_modules/.bin/bun"; then bun=$root/node_modules/.bin/bun; fi
  links=$root/node_modules/.run
  mkdir -p "$links"
  [ "$bun" = "$links/bun" ] || ln -sf "$bun" "$links/bun"
  PATH=$root/node_modules/.bin:$links:$PATH
  # The launchers of linter and turbo ask for node; Bun stands in for it where there is none.
  rm -f "$links/node"
  if ! command -v node >/dev/null; then ln -s "$bun" "$links/node"; fi
  export PATH
}

# Builds the engine through turbo's cache, and without turbo where that does not run on this machine.
build_engine() {
  if bun run build >"$log" 2>&1; then return; fi
  say "turbo did not build the engine; building it directly"
  bun "$root/wasm/build.ts" >&2 || die "the engine did not compile"
}

hand_over() {
  rm -f "$log"
  exec "$@"
}

main() {
  task=${1:-}
  [ $# -eq 0 ] || shift
  case $task in
    demo | test | check | bench | setup) ;;
    *) die "expected demo, test, check, bench or setup, found '${task}'" ;;
  esac
  version=$(pinned_version)
  [ -n "$version" ] || die "package.json: expected packageManager bun@<version>, found none"
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  find_bun
  cd "$root"
  install_packages
  # The test run builds by itself, because there a failed build is a counted failure.
  [ "$task" = test ] || build_engine
  case $task in
    setup) say "ready" ;;
    check) hand_over bun tools/check.ts "$@" ;;
    bench)
      want_commands gcc stdio.h ip
      hand_over bun tools/bench/main.ts "$@"
      ;;
    demo)
      want_commands curl
      hand_over bun apps/bunnel/src/main.ts demo "$@"
      ;;
    test)
      want_commands nft iperf3 tshark curl nginx ip ping dig tcpdump openssl gcc make ps stdio.h \
        dbus-daemon dbus-monitor chromium gtlsclient gtlsserver clang libfuzzer simde.h systemd-analyze python3 \
        promtool qemu-aarch64-static aarch64-linux-gnu-gcc dnsmasq traceroute tracepath unbound ld-musl buildah
      # The Windows driver is tested by the Windows Bun, an x64 program, under Wine.
      if [ "$(uname -sm)" = "Linux x86_64" ]; then want_commands wine64 x86_64-w64-mingw32-gcc-posix; fi
      hand_over bun tools/test.ts "$@"
      ;;
  esac
}

main "$@"
