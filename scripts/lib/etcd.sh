# shellcheck shell=bash
# etcd of Debian, in the cache: what the cluster is measured beside.

ETCD_RECIPE=1
ETCD_MEGABYTES=300

# Prints the folder of the set; ends with EXIT_UNAVAILABLE where there can be none.
etcd_set() {
  # shellcheck disable=SC2034
  DEBIAN_INSTEAD="go on without etcd beside"
  (debian_set etcd "$ETCD_RECIPE" "$ETCD_MEGABYTES" etcd_finish_set etcd-server) || exit "$EXIT_UNAVAILABLE"
}

# The set's own loader starts it, since its C library may be newer than the machine's.
etcd_finish_set() {
  cat >"$1/etcd" <<'EOF'
#!/bin/sh
set=$(cd -P "$(dirname "$0")" && pwd)
exec "$set/loader" --library-path "$set/libraries" "$set/tree/usr/bin/etcd" "$@"
EOF
  chmod +x "$1/etcd"
  "$1/etcd" --version >&2 || fail "the etcd of Debian $DEBIAN_SUITE does not start on this machine" "$DEBIAN_INSTEAD"
}
