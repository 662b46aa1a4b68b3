# shellcheck shell=bash
# The tools on the Rust side.

CARGO_DENY_VERSION=0.20.2

tools_require_compilers() {
  have cargo || fail "cargo is missing" "install Rust, see https://rustup.rs"
  have "${CC:-cc}" || fail "a C compiler is missing, which the ring crate needs" \
    "install gcc or clang (build-essential on Debian and Ubuntu), or set CC to one"
}

# Prints the path of cargo-deny, built into the cache if it is missing, so that the user's own tools stay as they are.
tools_cargo_deny() {
  local root=$CACHE/cargo-deny-$CARGO_DENY_VERSION
  if [ ! -x "$root/bin/cargo-deny" ]; then
    say "building cargo-deny $CARGO_DENY_VERSION, once"
    with_lock "$CACHE/cargo-deny.lock" tools_install "$root" cargo-deny "$CARGO_DENY_VERSION" ||
      fail "cargo-deny could not be built (see above)" "check the network, then try again"
  fi
  printf '%s\n' "$root/bin/cargo-deny"
}

# In the cache's own target folder: one that the caller has set may be in use.
tools_install() {
  local root=$1 name=$2 version=$3 target=$CACHE/.making-$2
  if [ -x "$root/bin/$name" ]; then return; fi
  cargo install --locked --root "$root" --target-dir "$target" --version "$version" "$name" >&2 || return 1
  rm -rf "$target"
}
