# install, uninstall, deb, verify-units, boot-test: part of the root Makefile.
#   make && sudo make install                      under /usr/local
#   make install DESTDIR=/tmp/stage PREFIX=/usr    for packages and tarballs
PREFIX ?= /usr/local
DESTDIR ?=
SYSCONFDIR ?= /etc
BINDIR ?= $(PREFIX)/bin
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/lineswarm
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/vendor-completions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d

# Another target than this machine: make tarball TARGET=x86_64-unknown-linux-musl gives static programs.
TARGET ?=
BUILT := $(or $(CARGO_TARGET_DIR),target)$(TARGET:%=/%)
PROGRAMS := lineswarmd lineswarmctl lineserver
# Made by tests, which keep them up to date (UPDATE=1 make test).
PAGES := lineswarmctl.1 lineserver.1 lineswarmd.toml.5 lineswarm-protocol.7 lineswarmd.8
UNITS := lineswarmd.service lineswarmd@.service lineserver.service lineswarm.target

.PHONY: install uninstall programs deb tarball verify-units boot-test boot-test-can-fail boot-test-qemu

## Programs, units, group, man pages, completions, documents. Does not build, so that root need not run cargo.
install:
	@for program in $(PROGRAMS); do test -x $(BUILT)/release/$$program || \
	  { echo "$(BUILT)/release/$$program is missing: run 'make' first" >&2; exit 1; }; done
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSCONFDIR)/lineswarm
	install -m755 $(PROGRAMS:%=$(BUILT)/release/%) $(DESTDIR)$(BINDIR)/
	for unit in $(UNITS); do \
	  sed 's|/usr/bin/|$(BINDIR)/|g; s|/usr/share/doc/lineswarm|$(DOCDIR)|g' systemd/$$unit >$(DESTDIR)$(UNITDIR)/$$unit && \
	  chmod 644 $(DESTDIR)$(UNITDIR)/$$unit || exit 1; done
	install -D -m644 systemd/lineswarm.sysusers $(DESTDIR)$(SYSUSERSDIR)/lineswarm.conf
	test -e $(DESTDIR)$(SYSCONFDIR)/default/lineserver || \
	  install -D -m644 systemd/lineserver.default $(DESTDIR)$(SYSCONFDIR)/default/lineserver
	install -d $(DESTDIR)$(DOCDIR)/examples/drop-ins
	install -m644 README.md CHANGELOG.md docs/*.md $(DESTDIR)$(DOCDIR)/
	install -m644 etc/lineswarm/*.toml etc/lineswarm/examples/*.toml $(DESTDIR)$(DOCDIR)/examples/
	install -m644 systemd/drop-ins/*.conf $(DESTDIR)$(DOCDIR)/examples/drop-ins/
	for page in $(PAGES); do install -D -m644 docs/man/$$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$$page || exit 1; done
	for program in $(PROGRAMS); do \
	  install -D -m644 etc/completions/$$program.bash $(DESTDIR)$(BASHDIR)/$$program && \
	  install -D -m644 etc/completions/_$$program $(DESTDIR)$(ZSHDIR)/_$$program && \
	  install -D -m644 etc/completions/$$program.fish $(DESTDIR)$(FISHDIR)/$$program.fish || exit 1; done
	@test -n "$(DESTDIR)" || echo "now: systemd-sysusers && systemctl daemon-reload"

## What install made; settings, keys and state stay.
uninstall:
	rm -f $(PROGRAMS:%=$(DESTDIR)$(BINDIR)/%) $(UNITS:%=$(DESTDIR)$(UNITDIR)/%)
	rm -f $(DESTDIR)$(SYSUSERSDIR)/lineswarm.conf $(PAGES:%=$(DESTDIR)$(MANDIR)/man?/%)
	rm -f $(PROGRAMS:%=$(DESTDIR)$(BASHDIR)/%) $(PROGRAMS:%=$(DESTDIR)$(ZSHDIR)/_%) $(PROGRAMS:%=$(DESTDIR)$(FISHDIR)/%.fish)
	rm -rf $(DESTDIR)$(DOCDIR)
	-cmp -s systemd/lineserver.default $(DESTDIR)$(SYSCONFDIR)/default/lineserver && rm $(DESTDIR)$(SYSCONFDIR)/default/lineserver
	-rmdir $(DESTDIR)$(SYSCONFDIR)/lineswarm
	@test -n "$(DESTDIR)" || echo "now: systemctl daemon-reload"

programs:
	$(CARGO) build --release -p lineswarmd -p lineswarmctl $(TARGET:%=--target %)

## out/lineswarm_VERSION_ARCH.deb, checked by lintian if it is there.
deb: programs
	TARGET=$(TARGET) systemd/deb/build.sh out

## out/lineswarm-VERSION-ARCH.tar.gz: usr/ and etc/ as install lays them out, to be unpacked at /.
tarball: programs
	TARGET=$(TARGET) systemd/deb/build.sh --tarball out

## Units: correct, alike in their sandbox, and as closed as promised.
verify-units: programs
	systemd/verify-units.sh $(BUILT)/release

## The package on a booted Debian 12 with a real systemd; as root.
boot-test: deb
	tests/boot/boot-test.sh nspawn

## That the test can fail: units that do not restart, a daemon that does not feed its watchdog.
boot-test-can-fail: deb
	! tests/boot/boot-test.sh nspawn --break restart
	! tests/boot/boot-test.sh nspawn --break watchdog

## The same in a virtual machine, whose kernel has every cgroup controller: slow, by hand.
boot-test-qemu: deb
	tests/boot/boot-test.sh qemu
