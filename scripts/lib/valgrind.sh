# shellcheck shell=bash
# Valgrind, which counts instructions: the machine's own, or Debian's in the cache.

VALGRIND_RECIPE=1
VALGRIND_MEGABYTES=300

# Prints the path of a valgrind; ends with EXIT_UNAVAILABLE where there can be none.
valgrind_path() {
  local set
  if have valgrind; then command -v valgrind; return; fi
  # shellcheck disable=SC2034
  DEBIAN_INSTEAD="install valgrind"
  set=$(debian_set valgrind "$VALGRIND_RECIPE" "$VALGRIND_MEGABYTES" valgrind_finish_set valgrind) ||
    exit "$EXIT_UNAVAILABLE"
  printf '%s\n' "$set/valgrind"
}

# The set's own loader starts it, since its C library may be newer than the machine's; what it runs has the machine's.
valgrind_finish_set() {
  cat >"$1/valgrind" <<'END'
#!/bin/sh
set=$(cd -P "$(dirname "$0")" && pwd)
export VALGRIND_LIB="$set/tree/usr/libexec/valgrind"
exec "$set/loader" --library-path "$set/libraries" "$set/tree/usr/bin/valgrind.bin" "$@"
END
  chmod +x "$1/valgrind"
  "$1/valgrind" --tool=callgrind --callgrind-out-file=/dev/null /bin/true >&2 ||
    fail "the valgrind of Debian $DEBIAN_SUITE does not start on this machine" "$DEBIAN_INSTEAD"
}
