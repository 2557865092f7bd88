# lineswarm: everything a person or CI runs. `make demo` and `make test` need Rust, gcc and git, nothing else;
# what needs Debian packages is in `make check`, which installs them (as root).
CARGO ?= cargo
BIN = $(or $(CARGO_TARGET_DIR),target)/release

.PHONY: all demo test check bench bench-links bench-limits gates soak clean fmt clippy hygiene deny netns-test disk-test page-test docs-test terminal-test metrics-test

all: release

.PHONY: release
release:
	$(CARGO) build --release --workspace

## The main job: a line server, four daemons, live progress, a verdict.
demo: release
	$(BIN)/lineswarmctl demo

## Every test that needs no more than Rust: unit, property, simulation, end to end. All targets below are built for the
## whole workspace too: for one package cargo would choose other features of the dependencies, and build them again.
test:
	$(CARGO) test --workspace

## Hosts as network namespaces on a bridge: discovery, partitions, loss. As root, with iproute2 and nftables.
netns-test:
	command -v nft >/dev/null && command -v python3 >/dev/null || \
	  { apt-get update && apt-get install -y --no-install-recommends iproute2 nftables python3; }
	$(CARGO) test --workspace --test netns -- --ignored --test-threads=1 --nocapture

## A state directory on a file system that is too small, or read-only. As root.
disk-test:
	$(CARGO) test --workspace --test disk -- --ignored --test-threads=1

## Draws a second, refusals, processor and system calls for each limiter, counted by a real line server: 15 minutes. Then
## what bench-limits measures, but nothing is written: 7 more. Some rows of the first table only: make bench ROWS='spacing
## window'; fail on a miss of its: make bench ROWS=--strict.
bench: $(if $(ROWS),,counters)
	$(CARGO) build --release -p lineswarmd -p lineswarmctl
	$(CARGO) bench -p lineswarmd --bench draws -- $(ROWS)
	$(if $(ROWS),,$(CARGO) bench -p lineswarmd --bench limits)

## The same file downloaded 20, 100 and 1000 times, and 200 kills in a run: a quarter of an hour or two, and a page.
## Some parts only: make soak PARTS='20 kills'.
soak:
	$(CARGO) bench -p lineswarmd --bench soak -- $(PARTS)

## One sealed link's throughput and lines a second, `status` under a crowd; how near swarms of 16, 64, 256 and 1,000 peers
## that are 5 ms apart come to the fastest possible, in virtual time: a quarter of an hour. Fail on a miss: make bench-links
## ROWS=--strict.
bench-links:
	$(CARGO) bench -p lineswarmd --bench links -- $(ROWS)
	$(CARGO) test --release -p lineswarm-tests --test spreading --test crowds -- --include-ignored --nocapture

## What the programs cost beside the least that does the same work, on a quiet machine: 7 minutes. Writes the table of
## docs/performance.md. Some parts only, without writing: make bench-limits ROWS='starts growth'.
bench-limits: counters
	$(CARGO) build --release -p lineswarmd -p lineswarmctl
	$(CARGO) bench -p lineswarmd --bench limits -- $(or $(ROWS),--write "$(CURDIR)/docs/performance.md")

## Instructions, allocations and system calls, each at most a tenth above tests/bench/gates.txt. If more is meant:
## make gates UPDATE=--update.
gates: counters
	$(CARGO) bench -p lineswarmd --bench limits -- gates $(UPDATE)

## Debian packages that count, as root, where they are missing.
.PHONY: counters
counters:
	command -v valgrind >/dev/null && command -v strace >/dev/null || \
	  { apt-get update && apt-get install -y --no-install-recommends valgrind strace; }

fmt:
	$(CARGO) fmt --all --check

clippy:
	$(CARGO) clippy --workspace --all-targets -- -D warnings

## Rules of the tree that no compiler checks: lengths, imports, links, names, settings.
hygiene:
	$(CARGO) test --workspace --test hygiene

.PHONY: socat
socat:
	command -v socat >/dev/null || { apt-get update && apt-get install -y --no-install-recommends socat; }

## The commands, files and metrics of every page, tried. With socat; without it, what needs it is left out.
docs-test: socat
	$(CARGO) test --workspace --no-run
	CI=1 $(CARGO) test --workspace --test docs

## Licences, sources and bans of the dependencies. Not part of check: cargo-deny takes minutes to install.
deny:
	command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny
	$(CARGO) deny --offline check licenses bans sources

## The report page of `compare`, opened, read and clicked in headless Chromium.
page-test:
	tests/e2e/page/run.sh

## `top` and `watch` on a terminal of tmux, before real daemons.
terminal-test:
	command -v tmux >/dev/null || { apt-get update && apt-get install -y --no-install-recommends tmux; }
	$(CARGO) test --workspace --no-run
	$(CARGO) test --workspace --test terminal -- --ignored

## What Prometheus' own checker says of the metrics. Takes promtool out of Debian's package, without installing that.
metrics-test:
	tests/e2e/promtool.sh

## What CI runs. The last ten need root, and most of them Debian packages, which they install.
check: socat fmt clippy test cross-check gates verify-units boot-test netns-test disk-test docs-test page-test terminal-test metrics-test

include systemd/install.mk
include tests/fuzz.mk
include tests/sim.mk
include tests/platforms.mk

clean:
	$(CARGO) clean
