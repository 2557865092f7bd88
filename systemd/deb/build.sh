#!/usr/bin/env bash
# build.sh [--tarball] OUT: packs the release build as OUT/lineswarm_VERSION_ARCH.deb (or as a tarball for /).
# No debhelper: dpkg-deb packs a tree that `make install` laid out.
set -euo pipefail
what=deb
if [ "${1-}" = --tarball ]; then what=tarball; shift; fi
out=${1:?usage: build.sh [--tarball] OUT}
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
mkdir -p "$out"
out=$(readlink -f "$out")
cd "$top"

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/debian/lineswarm
lay() { make --no-print-directory -s install DESTDIR="$tree" PREFIX=/usr TARGET="${TARGET-}" "$@"; }
# The same sources give the same bytes.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date -r Cargo.toml +%s)}
export SOURCE_DATE_EPOCH
umask 022

if [ $what = tarball ]; then
    name=lineswarm-$version-${TARGET:-$(uname -m)}
    lay
    tar -C "$tree" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -czf "$out/$name.tar.gz" .
    echo "$out/$name.tar.gz"
    exit
fi

architecture=$(dpkg --print-architecture)
# Debian 12 keeps units in /lib.
lay UNITDIR=/lib/systemd/system
doc=$tree/usr/share/doc/lineswarm
install -m644 "$here/copyright" "$doc/copyright"
cp "$here/changelog" "$doc/changelog"
mv "$doc/CHANGELOG.md" "$doc/NEWS.md"
gzip -9n "$doc/changelog"
install -D -m644 "$here/lintian-overrides" "$tree/usr/share/lintian/overrides/lineswarm"
find "$tree/usr/share/man" -type f -exec gzip -9n {} +

# dpkg-shlibdeps finds the libraries, and wants a source package's control file for that.
printf 'Source: lineswarm\n\nPackage: lineswarm\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O debian/lineswarm/usr/bin/* | sed -n 's/^shlibs:Depends=//p')

mkdir "$tree/DEBIAN"
sed -e "s|@VERSION@|$version|; s|@ARCHITECTURE@|$architecture|; s|@DEPENDS@|$depends|" \
    -e "s|@SIZE@|$(du -sk --apparent-size --exclude=DEBIAN "$tree" | cut -f1)|" "$here/control" >"$tree/DEBIAN/control"
(cd "$tree" && find etc -type f -printf '/%p\n' | sort) >"$tree/DEBIAN/conffiles"
for script in preinst postinst prerm postrm; do
    if [ -e "$here/$script" ]; then install -m755 "$here/$script" "$tree/DEBIAN/$script"; fi
done
(cd "$tree" && find . -path ./DEBIAN -prune -o -path ./etc -prune -o -type f -printf '%P\n' | sort | xargs -d '\n' md5sum) \
    >"$tree/DEBIAN/md5sums"
chmod 644 "$tree"/DEBIAN/{control,conffiles,md5sums}

deb=$out/lineswarm_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zxz --build "$tree" "$deb" >/dev/null
[ "$(dpkg-parsechangelog -l "$here/changelog" -S Version)" = "$version" ] || {
    echo "systemd/deb/changelog does not begin with version $version: add an entry" >&2
    exit 1
}
# Where CI is set, nothing may be skipped.
if [ -n "${CI-}" ] && ! command -v lintian >/dev/null; then
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends lintian >/dev/null
fi
if command -v lintian >/dev/null; then
    lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$deb"
fi
echo "$deb"
