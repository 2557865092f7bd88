# The simulator's longer runs (docs/testing.md). Included by the root Makefile.
.PHONY: sim crash-test voting mutants election-table

## Mixed chaos on all cores: 20,000 seeds, or SEEDS=N.
sim:
	SEEDS=$${SEEDS:-20000} $(CARGO) test --release -p lineswarm-tests --test chaos -- whatever --nocapture
	HOSTILE=$${HOSTILE:-10000} $(CARGO) test --release -p lineswarm-tests --test hostile

## The store opened on 5,000 states that a power cut could leave, or CRASH_STATES=N.
crash-test:
	CRASH_STATES=$${CRASH_STATES:-5000} $(CARGO) test --workspace --bin lineswarmd -- whatever_a_power_cut --nocapture

## The nearest 1,200,000 states of the voting core, and as many far ones, or STATES=N.
voting:
	STATES=$${STATES:-1200000} $(CARGO) test --release -p lineswarm-tests --test voting -- --include-ignored --nocapture

## Each rule broken once, and which seed noticed.
mutants:
	CARGO="$(CARGO)" tests/mutants/run.sh

## The table of docs/election.md; `SEEDS=40 make election-table` in minutes.
election-table:
	SEEDS=$${SEEDS:-400} $(CARGO) test --release -p lineswarm-tests --test yardstick -- the_table --ignored --nocapture
