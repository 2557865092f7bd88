#!/bin/sh
# Takes promtool out of Debian's package prometheus (nothing is installed) and runs the test of the metrics with it.
set -eu
cd "$(dirname "$0")/../.."
command -v promtool >/dev/null && PROMTOOL=$(command -v promtool)
if [ -z "${PROMTOOL:-}" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && { apt-get download prometheus || { apt-get update && apt-get download prometheus; }; } && dpkg-deb -x prometheus_*.deb .)
    PROMTOOL=$work/usr/bin/promtool
fi
export PROMTOOL
${CARGO:-cargo} test --workspace --no-run
${CARGO:-cargo} test --workspace --test control_schema -- --ignored
