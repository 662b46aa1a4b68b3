# shellcheck shell=bash
# iproute2 and nftables of Debian, in the cache: for networks of several hosts on one machine, and what breaks them.

NETWORK_RECIPE=1
NETWORK_MEGABYTES=200

# Prints the folder of the set; ends with EXIT_UNAVAILABLE where there can be none.
network_set() {
  # shellcheck disable=SC2034
  DEBIAN_INSTEAD="go on without networks of several hosts"
  (debian_set network "$NETWORK_RECIPE" "$NETWORK_MEGABYTES" network_finish_set iproute2 nftables) || exit "$EXIT_UNAVAILABLE"
}

# The set's own loader starts them, since their C library may be newer than the machine's.
network_finish_set() {
  local program path
  for program in ip nft; do
    path=$(cd "$1" && find tree/usr/sbin tree/usr/bin tree/sbin tree/bin -name "$program" 2>/dev/null | head -n 1)
    cat >"$1/$program" <<EOF
#!/bin/sh
set=\$(cd -P "\$(dirname "\$0")" && pwd)
exec "\$set/loader" --library-path "\$set/libraries" "\$set/$path" "\$@"
EOF
    chmod +x "$1/$program"
  done
  "$1/ip" -V >&2 && "$1/nft" --version >&2 ||
    fail "iproute2 and nftables of Debian $DEBIAN_SUITE do not start on this machine" "$DEBIAN_INSTEAD"
}

# Whether this user may make networks, and the kernel has what they are made of.
network_is_allowed() {
  local name=synced-try-$$
  "$1/ip" netns add "$name" 2>/dev/null || return 1
  "$1/ip" netns exec "$name" "$1/nft" 'add table bridge try; add chain bridge try try { type filter hook forward priority 0; }' 2>/dev/null
  local allowed=$?
  "$1/ip" netns delete "$name"
  return "$allowed"
}
