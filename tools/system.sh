# Read by tools/run.sh: the programs that tests and demo call, and the Debian packages that bring them.

# The package that brings a command; stdio.h and simde.h stand for headers, libfuzzer for clang's own.
package_of() {
  case $1 in
    nft) echo nftables ;;
    nginx) echo nginx-light ;;
    ip) echo iproute2 ;;
    ping) echo iputils-ping ;;
    dig) echo dnsutils ;;
    dnsmasq) echo dnsmasq-base ;;
    tracepath) echo iputils-tracepath ;;
    dbus-monitor) echo dbus-bin ;;
    promtool) echo prometheus ;;
    dbus-daemon) echo dbus-daemon ;;
    systemd-analyze) echo systemd ;;
    ps) echo procps ;;
    gtlsclient) echo ngtcp2-client ;;
    gtlsserver) echo ngtcp2-server ;;
    stdio.h) echo libc6-dev ;;
    qemu-aarch64-static) echo qemu-user-static ;;
    ld-musl) echo musl ;;
    aarch64-linux-gnu-gcc) echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross libstdc++6-arm64-cross ;;
    x86_64-w64-mingw32-gcc-posix) echo gcc-mingw-w64-x86-64-posix ;;
    simde.h) echo libsimde-dev ;;
    libfuzzer) echo "libclang-rt-$(clang_version)-dev" ;;
    *) echo "$1" ;;
  esac
}

# The major version of clang that is there or would be installed; 14, that of Debian 12, where nobody can tell.
clang_version() {
  found=$(clang -dumpversion 2>/dev/null || apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-//p')
  found=$(printf '%s\n' "$found" | sed 's/[^0-9].*//' | head -n 1)
  echo "${found:-14}"
}

has_command() {
  case $1 in
    stdio.h) [ -e /usr/include/stdio.h ] ;;
    # The loader of musl's own programs, which is no command.
    ld-musl) [ -e "/lib/ld-musl-$(uname -m).so.1" ] ;;
    # Debian's package puts it beside its libraries and not on PATH.
    wine64) command -v wine64 >/dev/null || [ -x /usr/lib/wine/wine64 ] ;;
    simde.h) [ -e /usr/include/simde/wasm/simd128.h ] ;;
    libfuzzer) has_libfuzzer ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

has_libfuzzer() {
  command -v clang >/dev/null || return 1
  find "$(clang --print-resource-dir)" -name 'libclang_rt.fuzzer[-.]*' | grep -q .
}

# Prints those of the given commands that this machine does not have.
missing_commands() {
  for wanted in "$@"; do
    has_command "$wanted" || printf '%s ' "$wanted"
  done
}

# Installs what is missing of the given commands, where that can be done; where not, says so in one line and goes on.
want_commands() {
  missing=$(missing_commands "$@")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "not on this machine, what needs them cannot run: $missing"
    return 0
  fi
  packages=
  for wanted in $missing; do packages="$packages $(package_of "$wanted")"; done
  say "installing$packages"
  # The word splitting of $packages is meant.
  # shellcheck disable=SC2086
  if ! install_system $packages >"$log" 2>&1; then tail -n 5 "$log" >&2; fi
  missing=$(missing_commands "$@")
  [ -z "$missing" ] || say "could not be installed, what needs them cannot run: $missing"
}

# A package's service stays off: the tests start their own servers inside their own namespaces.
install_system() (
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  DEBIAN_FRONTEND=noninteractive
  export DEBIAN_FRONTEND
  apt-get update </dev/null || true
  apt-get install -y --no-install-recommends "$@" </dev/null
)
