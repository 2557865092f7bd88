# Other processors (docs/testing.md). Included by the root Makefile.
.PHONY: cross-check test-32

# The compiler says this of a cast that loses bits on a 32-bit processor only; clippy's other casts are not its business.
CASTS = $(or $(CARGO_TARGET_DIR),target)/armv7-unknown-linux-gnueabihf/casts.txt
NARROW := ^(proto|daemon|ctl)/src/.*32-bit wide pointers

## Everything compiles for a 32-bit ARM board, nothing in the programs takes a pointer's width for 64 bits, and the core's
## tests pass on a 32-bit processor. Installs the targets by rustup, and gcc-multilib as root where it is missing.
cross-check:
	rustup target add armv7-unknown-linux-gnueabihf i686-unknown-linux-gnu
	mkdir -p $(dir $(CASTS))
	$(CARGO) clippy --target armv7-unknown-linux-gnueabihf --workspace --all-targets --message-format short \
	  -- -A clippy::all -W clippy::cast_possible_truncation >$(CASTS) 2>&1 || { cat $(CASTS); false; }
	! grep -E '$(NARROW)' $(CASTS) | grep -v /tests/
	$(MAKE) --no-print-directory test-32 ONLY='-p lineswarm-proto'

## All tests on a 32-bit processor, or ONLY='-p lineswarm-proto'. This machine must run such programs.
test-32:
	rustup target add i686-unknown-linux-gnu
	echo 'int main(void) { return 0; }' | gcc -m32 -x c -o /dev/null - 2>/dev/null || \
	  { apt-get update && apt-get install -y --no-install-recommends gcc-multilib; }
	$(CARGO) test -q --target i686-unknown-linux-gnu $(or $(ONLY),--workspace)
