#!/bin/bash
# Runs inside the booted system as boot-test.service: prints PASS and FAIL lines, and how many failed at the END.
# The chapters are the inner-*.sh beside it; each leaves the system as the next one expects it.
set -u
here=$(dirname "$0")
mode=$(cat "$here/mode")
# An emulated processor needs more patience.
slow=$([ "$mode" = qemu ] && echo 5 || echo 1)
passed=0
failed=0
export LC_ALL=C PAGER=cat SYSTEMD_PAGER=

say() { echo "$*" | tee -a "$here/result" >/dev/console; }
pass() { passed=$((passed + 1)); say "PASS $*"; }
fail() { failed=$((failed + 1)); say "FAIL $(echo "$*" | tr '\n' ' ' | cut -c1-600)"; }
info() { say "INFO $(echo "$*" | tr '\n' ' ' | cut -c1-300)"; }

# expect WHAT WANTED GOT
expect() { if [ "$2" = "$3" ]; then pass "$1: $3"; else fail "$1: want '$2', got '$3'"; fi; }
# contains WHAT PATTERN TEXT: PATTERN as in case
contains() {
    # shellcheck disable=SC2254
    case "$3" in $2) pass "$1" ;; *) fail "$1: no $2 in: $(echo "$3" | tail -c 400)" ;; esac
}
# works WHAT COMMAND...
works() {
    local what=$1 out
    shift
    if out=$("$@" 2>&1); then pass "$what"; else fail "$what: '$*' exited $?: $(echo "$out" | tail -c 400)"; fi
}
# fails COMMAND...: within its time; a time-out is not a failure
fails() {
    "$@"
    local code=$?
    [ $code != 0 ] && [ $code != 124 ]
}
# exits WHAT CODE COMMAND...
exits() {
    local what=$1 code=$2
    shift 2
    "$@" >/tmp/exits.out 2>&1
    expect "$what" "$code" "$?"
}
# within SECONDS COMMAND...: waits until it succeeds; on a slow machine longer
within() {
    local end=$((SECONDS + $1 * slow))
    shift
    while [ $SECONDS -lt $end ]; do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    return 1
}
prop() { systemctl show -P "$2" "$1"; }
journal() { journalctl -u "$1" -o cat --no-pager; }
main_pid() { prop "$1" MainPID; }
# restarted UNIT COUNT: at least so often, and up again
restarted() { [ "$(prop "$1" NRestarts)" -ge "$2" ] && [ "$(systemctl is-active "$1")" = active ]; }
# send SIGNAL UNIT; never to "process 0", which is this test
send() {
    local pid
    pid=$(main_pid "$2")
    [ "$pid" -gt 1 ] && kill "-$1" "$pid"
}
# field INSTANCE NAME: a number or text of the status, the first of that name
field() { lineswarmctl -i "$1" --json status | grep -o "\"$2\":[^,}]*" | head -1 | cut -d: -f2- | tr -d '" '; }
at_least() { [ "$(field "$1" "$2")" -ge "$3" ]; }

: >"$here/result"
info "$(systemctl --version | head -1); kernel $(uname -r); $(systemd-detect-virt); up $(cut -d' ' -f1 /proc/uptime) s"
timeout 120 systemctl is-system-running --wait >/tmp/state 2>&1
expect "system state" running "$(cat /tmp/state)"

for chapter in package swarm service sandbox upgrade; do
    info "--- $chapter"
    # shellcheck disable=SC1090
    . "$here/inner-$chapter.sh"
done
if [ "$mode" = qemu ]; then . "$here/inner-kernel.sh"; fi
. "$here/inner-purge.sh"

say "$passed passed, $failed failed"
say "END $failed"
systemctl --no-block poweroff
