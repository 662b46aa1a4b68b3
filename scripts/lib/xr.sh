# shellcheck shell=bash
# An OpenXR runtime without a headset: Monado with its remote driver, whose head and hands a program moves over TCP.

XR_START_SECONDS=30
XR_TRIES=5
# Below the ports that systems give out by themselves.
XR_PORT_MIN=20000
XR_PORTS=12000

# xr_start SET: starts a private Monado, which ends when this process does, however that ends. Tells applications of it
# by XDG_RUNTIME_DIR and XR_RUNTIME_JSON, and whoever moves the hands by SYNCED_NODE_XR_PORT.
xr_start() {
  local try folder port
  for ((try = 1; try <= XR_TRIES; try++)); do
    folder=$(mktemp -d "${TMPDIR:-/tmp}/synced-node-xr.XXXXXX") || return 1
    port=$((XR_PORT_MIN + RANDOM % XR_PORTS))
    setpriv --pdeathsig TERM "$REPOSITORY/scripts/lib/keep-monado" "$folder" "$port" &
    if xr_wait "$folder/log" $!; then
      export SYNCED_NODE_XR_PORT=$port XDG_RUNTIME_DIR=$folder XR_RUNTIME_JSON=$1/openxr_runtime.json
      return
    fi
    cat "$folder/log" >&2 || true
    kill $! 2>/dev/null || true
    wait $! || true
  done
  return 1
}

# xr_wait LOG KEEPER: waits until Monado listens; fails when it ends before, or when its port is another program's.
xr_wait() {
  local deadline=$((SECONDS + XR_START_SECONDS))
  while [ "$SECONDS" -lt "$deadline" ] && kill -0 "$2" 2>/dev/null; do
    if grep -q -s 'Listening on port' "$1"; then return; fi
    if grep -q -s 'Leaving thread' "$1"; then break; fi
    sleep 0.05
  done
  return 1
}

# xr_exec_monado SET FOLDER PORT: becomes Monado, with its socket and settings in FOLDER, moved by whoever connects to PORT.
xr_exec_monado() {
  local set=$1 folder=$2 port=$3
  mkdir -p "$folder/monado-config/monado"
  echo "{\"active\":\"remote\",\"remote\":{\"version\":0,\"port\":$port,\"view_count\":2}}" \
    >"$folder/monado-config/monado/config_v0.json"
  # A service that was killed leaves its socket behind.
  rm -f "$folder/monado_comp_ipc" "$folder/monado.pid"
  display_export_drivers "$set"
  export XDG_RUNTIME_DIR=$folder XDG_CONFIG_HOME=$folder/monado-config
  export P_OVERRIDE_ACTIVE_CONFIG=remote XRT_COMPOSITOR_NULL=1 XRT_NO_STDIN=1
  exec "$set/loader" --library-path "$set/libraries" "$set/tree/usr/bin/monado-service"
}
