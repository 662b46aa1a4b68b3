# shellcheck shell=bash
# Finds a Godot that is new enough, or fetches one.

# The extension is built against this version of the engine's interface.
GODOT_VERSION_MIN=4.6
GODOT_RECIPE=1
GODOT_MEGABYTES=1000

# Prints the path of a program to start Godot with: $GODOT4_BIN, else the one on PATH, else Debian's in the cache.
godot_launcher() {
  if [ -n "${GODOT4_BIN:-}" ]; then
    godot_from_environment
  else
    godot_from_path || godot_from_debian
  fi
}

# For the scripts and tests that are started next, so that they need not look for it again.
godot_export() {
  GODOT4_BIN=$(godot_launcher)
  export GODOT4_BIN
  say "$GODOT4_BIN"
}

godot_from_environment() {
  local program version
  program=$(type -P "$GODOT4_BIN") || fail "GODOT4_BIN=$GODOT4_BIN is not a program that can be run"
  version=$(godot_version "$program")
  [ -n "$version" ] || fail "GODOT4_BIN=$GODOT4_BIN gives no version of Godot when called with --version"
  version_at_least "$version" "$GODOT_VERSION_MIN" ||
    fail "GODOT4_BIN=$GODOT4_BIN is Godot $version, and $GODOT_VERSION_MIN or newer is needed"
  (cd "$(dirname "$program")" && printf '%s/%s\n' "$PWD" "$(basename "$program")")
}

godot_from_path() {
  local name program version
  for name in godot godot4; do
    program=$(type -P "$name") || continue
    version=$(godot_version "$program")
    if [ -n "$version" ] && version_at_least "$version" "$GODOT_VERSION_MIN"; then
      printf '%s\n' "$program"
      return
    fi
    say "passing over $program: ${version:-no Godot}, and $GODOT_VERSION_MIN or newer is needed"
  done
  return 1
}

# Prints nothing when the program is no Godot.
godot_version() {
  "$1" --headless --version </dev/null 2>/dev/null | grep -E '^[0-9]+\.[0-9]+' | tail -n 1 || true
}

godot_from_debian() {
  local set
  # shellcheck disable=SC2034
  DEBIAN_INSTEAD="install Godot $GODOT_VERSION_MIN or newer and set GODOT4_BIN to it"
  set=$(debian_set godot "$GODOT_RECIPE" "$GODOT_MEGABYTES" godot_finish_set godot) || return 1
  printf '%s\n' "$set/godot"
}

godot_finish_set() {
  local version
  godot_write_launcher "$1/godot"
  version=$(godot_version "$1/godot")
  [ -n "$version" ] || fail "the Godot of Debian $DEBIAN_SUITE does not start on this machine" "$DEBIAN_INSTEAD"
  say "Godot $version is ready"
}

# The set brings a newer C library than the machine may have, so its own loader has to start it.
# With a display set, that one's libraries come first: the graphics drivers are there.
godot_write_launcher() {
  cat >"$1" <<'EOF'
#!/usr/bin/env bash
set=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
first=${SYNCED_NODE_DISPLAY_SET:-$set}
if [ ! -e /etc/fonts/fonts.conf ]; then export FONTCONFIG_PATH=$set/tree/etc/fonts; fi
exec "$first/loader" --library-path "$first/libraries:$set/libraries:$set/libraries/pulseaudio" \
  "$set/tree/usr/bin/godot" "$@"
EOF
  chmod +x "$1"
}
