# shellcheck shell=bash
# What every script shares: where things are, how to speak, how to fail, how to wait for one another.

# shellcheck disable=SC2034
REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/synced-node

EXIT_USAGE=2
# shellcheck disable=SC2034
EXIT_UNAVAILABLE=3

# Standard output belongs to results; what is said to people, a line an argument, goes to standard error.
say() {
  printf '%s\n' "$@" >&2
}

# Ends the script (or the subshell) with an error; further arguments are lines that say what to do.
fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  if [ $# -gt 0 ]; then printf '       %s\n' "$@" >&2; fi
  exit 1
}

fail_usage() {
  printf 'error: %s\n       see %s --help\n' "$1" "$0" >&2
  exit "$EXIT_USAGE"
}

# Prints the comment at the head of the running script, which is its help.
print_help() {
  sed -n -e '1d' -e '/^#/!q' -e 's/^# \{0,1\}//p' "$0"
}

# For scripts without arguments of their own.
accept_only_help() {
  case "${1:-}" in
    "") ;;
    --help) print_help; exit 0 ;;
    *) fail_usage "unknown argument: $1" ;;
  esac
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# version_at_least 4.10.1 4.6: compares the first two numbers.
version_at_least() {
  local major minor
  major=${1%%.*} minor=${1#*.} minor=${minor%%[!0-9]*}
  [ "$major" -gt "${2%%.*}" ] || { [ "$major" -eq "${2%%.*}" ] && [ "$minor" -ge "${2#*.}" ]; }
}

# with_lock FILE COMMAND...: runs COMMAND in a subshell, one process at a time where the machine has flock.
with_lock() (
  file=$1
  shift
  mkdir -p "$(dirname "$file")" || fail "cannot write to $(dirname "$file")"
  if have flock; then
    exec 9>"$file" || exit 1
    flock --nonblock 9 || { say "waiting for another run, which holds $file"; flock 9; }
  fi
  "$@" 9>&-
)

# step TITLE COMMAND...: runs COMMAND under a heading and says how long it took.
step() {
  local title=$1 started=$SECONDS
  shift
  say "" "==> $title"
  "$@"
  say "    $title: $((SECONDS - started)) s"
}
