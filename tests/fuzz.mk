# Fuzzing, chaos and what else takes long (docs/testing.md). Included by the root Makefile. Fuzzing needs cargo-fuzz and a C++ compiler.
.PHONY: fuzz fuzz-corpus fuzz-can-fail chaos leak-test miri

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
	$(CARGO) build --workspace
	RUNS=$${RUNS:-100} $(CARGO) test -p lineswarmd --test chaos -- --nocapture

## Memory and descriptors over a thousand jobs, or JOBS=N.
leak-test:
	$(CARGO) build --workspace
	JOBS=$${JOBS:-1000} $(CARGO) test -p lineswarmd --test limits -- one_job --nocapture

## The core's unit tests, interpreted and watched for undefined behaviour. Needs a nightly toolchain with miri.
miri:
	PROPTEST_CASES=4 $(CARGO) +nightly miri test -p lineswarm-proto --lib -- $(MIRI)
