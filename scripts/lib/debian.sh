# shellcheck shell=bash
# Unpacks packages of a newer Debian, with all their libraries down to the C library, into a folder of the cache.
# Needs apt and dpkg-deb, but no root: apt works on a state of its own, and nothing is installed.
# The mirrors, proxies and passwords are those of the machine's own apt configuration.

DEBIAN_SUITE=forky

# debian_set NAME RECIPE MEGABYTES FINISH PACKAGE...: prints the folder of the set, which it makes if it is missing.
# RECIPE is a number to raise when a set made by an older version of the scripts must not be used any more.
#   tree/      the unpacked packages        loader     -> the set's own ld.so
#   packages   their names and versions     libraries  -> the folder to give to its --library-path
# FINISH is called with the folder, to add to it and to try it, before anyone else can see it.
debian_set() {
  local name=$1 recipe=$2 target
  shift 2
  debian_require_tools
  target=$CACHE/$name-$DEBIAN_SUITE-$(dpkg --print-architecture)-$recipe
  if [ ! -d "$target" ]; then
    with_lock "$CACHE/$name.lock" debian_make_set "$target" "$name" "$@" || return 1
  fi
  printf '%s\n' "$target"
}

debian_require_tools() {
  local tool
  for tool in apt-get dpkg-deb flock; do
    have "$tool" || fail "this machine has no $tool, so packages of Debian cannot be fetched" "$DEBIAN_INSTEAD"
  done
}

debian_make_set() {
  local target=$1 name=$2 megabytes=$3 finish=$4 work
  shift 4
  if [ -d "$target" ]; then return; fi
  debian_require_space "$megabytes"
  work=$CACHE/.making-$name
  rm -rf "$work"
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  mkdir -p "$work"/apt/{state/lists/partial,archives/partial,keys} "$work/tree" || fail "cannot write to $CACHE"
  debian_fetch "$work/apt" "$@"
  debian_unpack "$work" || exit 1
  "$finish" "$work" || exit 1
  rm -rf "$work/apt"
  mv "$work" "$target"
}

debian_require_space() {
  local free
  free=$(df -Pk "$CACHE" | awk 'NR == 2 { print int($4 / 1024) }')
  [ "$free" -ge "$1" ] ||
    fail "$CACHE has $free MB free, and $1 MB are needed" "make room, or set XDG_CACHE_HOME to a larger place"
}

debian_fetch() {
  local apt=$1
  shift
  say "fetching $* of Debian $DEBIAN_SUITE, with libraries"
  debian_find_archive "$apt"
  debian_apt "$apt" -q install --yes --download-only "$@" | debian_show_progress ||
    fail "the packages could not be fetched (see above)" "try again; or $DEBIAN_INSTEAD"
}

debian_show_progress() {
  awk '/ newly installed/ { total = $3 }
    /^Need to get / { print "  " total " packages, " $4 " " $5 }
    /^Get:/ && ++fetched % 20 == 0 { print "  " fetched " of " total }
    { fflush() }' >&2
}

# Leaves in $1 the package list of the first of the machine's archives that has the suite.
debian_find_archive() {
  local apt=$1
  if debian_use_machine_keyring "$apt/keys" && debian_try_archives "$apt"; then return; fi
  if grep -q -s -E 'NO_PUBKEY|not signed' "$apt/log" || [ -z "$(ls "$apt/keys")" ]; then
    say "this machine's keyring does not know Debian $DEBIAN_SUITE; fetching the newest keyring of its own release"
    if debian_use_newest_keyring "$apt/keys" && debian_try_archives "$apt"; then return; fi
  fi
  debian_explain_no_archive "$apt/log"
}

debian_use_machine_keyring() {
  local keyring
  for keyring in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
    if [ -r "$keyring" ]; then cp -L "$keyring" "$1/debian.gpg"; return; fi
  done
  return 1
}

# The package is verified by the keys that the machine already trusts, so the chain of trust holds.
debian_use_newest_keyring() (
  cd "$1" && apt-get download -q debian-archive-keyring >&2 && dpkg-deb -x debian-archive-keyring_*.deb unpacked &&
    cp -L unpacked/usr/share/keyrings/debian-archive-keyring.gpg debian.gpg && rm -rf unpacked ./*.deb
)

debian_try_archives() {
  local apt=$1 archive
  : >"$apt/log"
  for archive in $(debian_archives); do
    debian_configure "$apt" "$archive"
    if debian_apt "$apt" -q update >>"$apt/log" 2>&1; then return; fi
  done
  return 1
}

# The archives that apt is set up for, as it says itself, whatever the format of its sources. No security ones.
debian_archives() {
  apt-get update --print-uris 2>/dev/null |
    sed -n "s,^'\(.*\)/dists/[^/]*/InRelease'.*,\1,p" | grep -v security | awk '!seen[$0]++'
}

debian_configure() {
  local apt=$1 architecture
  architecture=$(dpkg --print-architecture)
  echo "deb $2 $DEBIAN_SUITE main" >"$apt/sources.list"
  # Nothing counts as installed, so that every library is fetched.
  : >"$apt/state/status"
  {
    apt-config dump | grep '^Acquire::' | grep -v -E '^Acquire::(IndexTargets|Languages)'
    cat <<EOF
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "$apt/keys";
Dir::State "$apt/state";
Dir::State::status "$apt/state/status";
Dir::Cache "$apt";
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Install-Recommends "false";
APT::Sandbox::User "$(id -un)";
APT::Update::Error-Mode "any";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "3";
Debug::NoLocking "true";
EOF
  } >"$apt/apt.conf"
}

debian_apt() {
  LC_ALL=C APT_CONFIG=$1/apt.conf apt-get "${@:2}"
}

debian_explain_no_archive() {
  grep -s -h '^[EW]:' "$1" | sed 's/^/  /' >&2 || true
  if [ ! -s "$1" ]; then
    fail "apt on this machine knows no archive" "add a Debian mirror to its sources; or $DEBIAN_INSTEAD"
  elif grep -q -E 'resolv|[Cc]ould not connect|timed out|unreachable' "$1"; then
    fail "the archive that apt is set up for cannot be reached" \
      "check the network and apt's proxy settings, then try again; or $DEBIAN_INSTEAD"
  fi
  fail "none of the archives that apt is set up for gives a trusted Debian $DEBIAN_SUITE" \
    "add a Debian mirror to apt's sources, or install debian-archive-keyring; or $DEBIAN_INSTEAD"
}

debian_unpack() {
  local work=$1 package
  say "unpacking $(find "$work/apt/archives" -name '*.deb' | wc -l) packages"
  for package in "$work"/apt/archives/*.deb; do
    dpkg-deb -x "$package" "$work/tree" || fail "$(basename "$package") could not be unpacked into $CACHE"
    basename "$package" .deb >>"$work/packages"
  done
  debian_link_libraries "$work"
}

debian_link_libraries() (
  cd "$1" || exit 1
  for loader in tree/usr/lib*/ld-linux*.so.*; do ln -s "$loader" loader; break; done
  for library in tree/usr/lib/*/libc.so.6; do ln -s "$(dirname "$library")" libraries; break; done
  if [ ! -x loader ] || [ ! -d libraries ]; then
    fail "Debian $DEBIAN_SUITE keeps its C library elsewhere than expected"
  fi
)
