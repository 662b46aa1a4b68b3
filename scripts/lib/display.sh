# shellcheck shell=bash
# A display without a screen (Xvfb), graphics drivers that need no graphics card (Mesa's llvmpipe) and an OpenXR runtime
# that needs no headset (Monado), in the cache.

DISPLAY_RECIPE=2
DISPLAY_MEGABYTES=1600
DISPLAY_PACKAGES=(xvfb mesa-vulkan-drivers monado-service libopenxr1-monado)
DISPLAY_SCREEN=1280x720x24
DISPLAY_START_SECONDS=30

# Prints the folder of the display set; ends with EXIT_UNAVAILABLE where there can be none.
display_set() {
  # shellcheck disable=SC2034
  DEBIAN_INSTEAD="go on without pictures"
  (debian_set display "$DISPLAY_RECIPE" "$DISPLAY_MEGABYTES" display_finish_set "${DISPLAY_PACKAGES[@]}") ||
    exit "$EXIT_UNAVAILABLE"
}

display_finish_set() {
  display_gather_libraries "$1" || fail "Debian $DEBIAN_SUITE keeps Monado's libraries elsewhere than expected"
  display_write_runtime "$1"
  display_relocate_xvfb "$1"
  (display_start "$1") || fail "the Xvfb of Debian $DEBIAN_SUITE does not start on this machine" "$DEBIAN_INSTEAD"
  say "the display is ready"
}

# Links that an installation would have made, or that stand in for folders which are known to an installed system.
display_gather_libraries() (
  cd -P "$1/libraries" && ln -s blas/libblas.so.? lapack/liblapack.so.? pulseaudio/*.so ../*.so.* . && [ -e libblas.so.3 ]
)

# Tells an OpenXR application which runtime to use. A path with a slash in it counts from this file.
display_write_runtime() {
  cat >"$1/openxr_runtime.json" <<'EOF'
{
    "file_format_version": "1.0.0",
    "runtime": { "name": "Monado", "library_path": "./libraries/libopenxr_monado.so" }
}
EOF
}

# Xvfb calls /usr/bin/xkbcomp, which the machine may not have, and no option moves it. So the copy that we use calls
# programs/xkbcomp instead, seen from the folder that it is started in: a path of the same length.
display_relocate_xvfb() {
  mkdir "$1/programs"
  LC_ALL=C sed 's,\x00/usr/bin\x00,\x00programs\x00,' "$1/tree/usr/bin/Xvfb" >"$1/programs/Xvfb"
  cat >"$1/programs/xkbcomp" <<'EOF'
#!/bin/sh
exec ./loader --library-path ./libraries ./tree/usr/bin/xkbcomp "$@"
EOF
  chmod +x "$1"/programs/*
}

# Starts a private Xvfb, which ends when this process does, however that ends; sets DISPLAY when it answers.
display_start() {
  local log number
  log=$(mktemp)
  exec 8< <(display_run_xvfb "$1" 2>"$log")
  if ! read -r -t "$DISPLAY_START_SECONDS" -u 8 number; then
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
  exec 8<&-
  rm -f "$log"
  export DISPLAY=:$number
}

# Xvfb itself picks a free display, and writes its number to standard output.
display_run_xvfb() {
  cd "$1" || exit 1
  exec setpriv --pdeathsig TERM ./loader --library-path ./libraries ./programs/Xvfb \
    -displayfd 1 -screen 0 "$DISPLAY_SCREEN" -xkbdir "$PWD/tree/usr/share/X11/xkb" -nolisten tcp -noreset
}

# display_exec SET COMMAND...: becomes COMMAND. A program (not a script) is started by the loader of the set: the drivers
# there need its C library, which may be newer than the machine's.
display_exec() {
  local set=$1 program
  program=$(type -P "$2") || fail "$2 is not a program that can be run"
  shift 2
  display_export_drivers "$set"
  if [ "$(head -c 4 "$program" | tail -c 3)" = ELF ]; then
    exec "$set/loader" --library-path "$set/libraries" "$program" "$@"
  fi
  exec "$program" "$@"
}

# Points what is started next at the drivers of the set, and away from any real screen.
display_export_drivers() {
  local graphics=$1/tree/usr
  unset WAYLAND_DISPLAY XAUTHORITY
  export SYNCED_NODE_DISPLAY_SET=$1
  export VK_DRIVER_FILES VK_ICD_FILENAMES LIBGL_DRIVERS_PATH LIBGL_ALWAYS_SOFTWARE=1 XLOCALEDIR
  VK_DRIVER_FILES=$(echo "$graphics"/share/vulkan/icd.d/lvp_icd*.json)
  VK_ICD_FILENAMES=$VK_DRIVER_FILES
  LIBGL_DRIVERS_PATH=$(cd -P "$1/libraries" && pwd)/dri
  XLOCALEDIR=$graphics/share/X11/locale
}
