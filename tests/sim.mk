# The simulator's longer runs (docs/testing.md). Included by the root Makefile.
.PHONY: sim voting mutants election-table

SEEDS ?= 20000
STATES ?= 2000000

## Mixed chaos, seed after seed, on all cores.
sim:
	SEEDS=$(SEEDS) $(CARGO) test --release -p lineswarm-tests --test chaos -- whatever --nocapture

## Every state of the voting core within a bound.
voting:
	STATES=$(STATES) $(CARGO) test --release -p lineswarm-tests --test voting -- --include-ignored --nocapture

## Each rule broken once, and which seed noticed.
mutants:
	CARGO="$(CARGO)" tests/mutants/run.sh

## The table of docs/election.md; `SEEDS=40 make election-table` in minutes.
election-table: SEEDS = 400
election-table:
	SEEDS=$(SEEDS) $(CARGO) test --release -p lineswarm-tests --test yardstick -- the_table --ignored --nocapture
