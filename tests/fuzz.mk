# Fuzzing, chaos and what else takes long (docs/testing.md). Included by the root Makefile. Fuzzing needs cargo-fuzz and a C++ compiler.
.PHONY: fuzz fuzz-corpus fuzz-can-fail chaos leak-test miri coverage code-mutants

## Each target for ten minutes, two at a time, or SECONDS_EACH=S; some of them: TARGETS='engine journal'.
fuzz:
	fuzz/run.sh $${SECONDS_EACH:-600} $(TARGETS)

## The best of what was found goes into the corpora that `make test` replays.
fuzz-corpus:
	fuzz/merge.sh $(TARGETS)

## A planted fault is found.
fuzz-can-fail:
	fuzz/can-fail.sh

## Faults, kills, pauses, garbage and pests at once, with real binaries: 100 seeds, or RUNS=N.
chaos:
	$(CARGO) test --workspace --no-run
	RUNS=$${RUNS:-100} $(CARGO) test -p lineswarmd --test chaos -- --nocapture

## Memory and descriptors over a thousand jobs, or JOBS=N.
leak-test:
	$(CARGO) test --workspace --no-run
	JOBS=$${JOBS:-1000} $(CARGO) test --workspace --test limits -- one_job --nocapture

## The core's unit tests, interpreted and watched for undefined behaviour. Needs a nightly toolchain with miri. Not isolated:
## proptest reads its environment and its directory. Some of them: make miri TESTS=wire.
miri:
	MIRIFLAGS=-Zmiri-disable-isolation PROPTEST_CASES=1 $(CARGO) +nightly miri test -p lineswarm-proto --lib -- $(TESTS)

## How much of the core its own tests and the simulator's go through.
coverage:
	command -v cargo-llvm-cov >/dev/null || $(CARGO) install --locked cargo-llvm-cov
	$(CARGO) llvm-cov --summary-only -p lineswarm-proto -p lineswarm-tests --ignore-filename-regex '(tests|daemon|ctl)/'

## Each small change of the code that votes, paces, counts and encodes: do the core's own tests notice? 1,700 of them,
## hours; an even sample, one part of forty: make code-mutants SHARD=3/40. Hardly optimised: a change is built in seconds.
code-mutants:
	command -v cargo-mutants >/dev/null || $(CARGO) install --locked cargo-mutants
	$(CARGO) mutants -p lineswarm-proto $(if $(SHARD),--shard $(SHARD) --sharding round-robin) -f 'proto/src/engine/election*' \
	  -f 'proto/src/engine/election/*' -f 'proto/src/engine/pacer*' -f 'proto/src/engine/pacer/*' -f proto/src/engine/ledger.rs \
	  -f 'proto/src/wire/*' -f 'proto/src/wire/line/*' -f proto/src/bitmap.rs --timeout 45 --output target \
	  -C=--config=profile.dev.package.lineswarm-proto.opt-level=1 -C=--config=profile.dev.debug=false -- --lib --test pacer
