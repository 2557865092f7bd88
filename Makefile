# lineswarm: everything a person or CI runs. `make demo` and `make test` need Rust, gcc and git, nothing else;
# what needs Debian packages is in `make check`, which installs them (as root).
CARGO ?= cargo
BIN = target/release

.PHONY: all demo test check bench clean fmt clippy netns-test disk-test page-test

all: release

.PHONY: release
release:
	$(CARGO) build --release --workspace

## The main job: a line server, four daemons, live progress, a verdict.
demo: release
	$(BIN)/lineswarmctl demo

## Every test that needs no more than Rust: unit, property, simulation, end to end.
test:
	$(CARGO) build --workspace
	$(CARGO) test --workspace

## Hosts as network namespaces on a bridge: discovery, partitions, loss. As root, with iproute2 and nftables.
netns-test:
	command -v nft >/dev/null || { apt-get update && apt-get install -y --no-install-recommends iproute2 nftables; }
	$(CARGO) test -p lineswarmd --test netns -- --ignored --test-threads=1 --nocapture

## A state directory on a file system that is too small, or read-only. As root.
disk-test:
	$(CARGO) test -p lineswarmd --test disk -- --ignored --test-threads=1

## Draws a second, refusals, processor and system calls for each limiter, counted by a real line server: 15 minutes.
## Some rows only: make bench ROWS='spacing window'; fail on a miss: make bench ROWS=--strict.
bench:
	$(CARGO) bench -p lineswarmd --bench draws -- $(ROWS)

fmt:
	$(CARGO) fmt --all --check

clippy:
	$(CARGO) clippy --workspace --all-targets -- -D warnings

## The report page of `compare`, opened, read and clicked in headless Chromium.
page-test:
	tests/e2e/page/run.sh

## What CI runs. The last five need root, and Debian packages, which they install.
check: fmt clippy test verify-units boot-test netns-test disk-test page-test

include systemd/install.mk
include tests/sim.mk

clean:
	$(CARGO) clean
