# Parts of boot-test.sh: the tools, the root file system, the kernel, cgroups, the virtual machine.

# install_tools MODE: what is missing, by apt.
install_tools() {
    local tools=(systemd-nspawn:systemd-container mmdebstrap:mmdebstrap) missing=() tool
    if [ "$1" = qemu ]; then
        tools+=(qemu-system-x86_64:qemu-system-x86 mke2fs:e2fsprogs busybox:busybox-static cpio:cpio depmod:kmod)
    fi
    for tool in "${tools[@]}"; do
        command -v "${tool%%:*}" >/dev/null || missing+=("${tool##*:}")
    done
    [ ${#missing[@]} = 0 ] || {
        apt-get -qq update
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
    }
}

# make_root_file_system CACHE: a small Debian 12, as a directory, once.
make_root_file_system() {
    local rootfs=$1/rootfs unit
    [ ! -e "$1/rootfs.ok" ] || return 0
    rm -rf --one-file-system "$rootfs"
    mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus,procps \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' bookworm "$rootfs"
    # What the package brings is looked at as a whole.
    grep -lr path-exclude "$rootfs/etc/dpkg/dpkg.cfg.d" | xargs rm -f
    rm -rf "$rootfs"/var/lib/apt/lists/* "$rootfs"/var/cache/apt/*
    # A quiet and quick boot: nothing but what the test needs.
    for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
        fstrim.timer systemd-timesyncd.service console-getty.service getty@.service serial-getty@.service getty.target \
        systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-pstore.service \
        systemd-firstboot.service systemd-journal-flush.service systemd-binfmt.service kmod-static-nodes.service; do
        ln -sf /dev/null "$rootfs/etc/systemd/system/$unit"
    done
    echo boottest >"$rootfs/etc/hostname"
    echo uninitialized >"$rootfs/etc/machine-id"
    mkdir -p "$rootfs/etc/systemd/journald.conf.d"
    printf '[Journal]\nStorage=volatile\nRateLimitBurst=0\n' >"$rootfs/etc/systemd/journald.conf.d/test.conf"
    touch "$1/rootfs.ok"
    lap "root file system made"
}

# make_kernel CACHE: Debian's cloud kernel, and an initrd with a disk driver and ext4, once.
make_kernel() {
    local kernel=$1/kernel package version initrd module count=0
    [ ! -e "$1/kernel.ok" ] || return 0
    rm -rf "$kernel"
    mkdir -p "$kernel/dl"
    package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/{print $2; exit}')
    version=${package#linux-image-}
    (cd "$kernel/dl" && apt-get -qq download "$package" && dpkg-deb -x ./*.deb ..)
    rm -rf "$kernel/dl"
    cp "$kernel/boot/vmlinuz-$version" "$kernel/vmlinuz"
    depmod -b "$kernel" "$version"
    initrd=$kernel/initrd
    mkdir -p "$initrd"/{bin,m,proc,dev,root}
    cp "$(command -v busybox)" "$initrd/bin/busybox"
    for module in virtio_pci virtio_blk ext4; do
        modprobe -d "$kernel" -S "$version" --show-depends "$module" | awk '/^insmod/{print $2}'
    done >"$kernel/modules.list"
    while read -r module; do
        count=$((count + 1))
        cp "$module" "$initrd/m/$(printf %02d $count)-$(basename "$module")"
    done <"$kernel/modules.list"
    cat >"$initrd/init" <<'INIT'
#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc
$B mount -t devtmpfs dev /dev
for m in /m/*; do $B insmod $m 2>/dev/null; done
i=0
while [ ! -b /dev/vda ] && [ $i -lt 200 ]; do $B usleep 50000; i=$((i + 1)); done
$B mount -t ext4 -o noatime /dev/vda /root
$B mount --move /dev /root/dev
$B umount /proc
exec $B switch_root /root /lib/systemd/systemd "$@"
INIT
    chmod +x "$initrd/init"
    (cd "$initrd" && find . | cpio --quiet -o -H newc | gzip -1) >"$kernel/initrd.gz"
    rm -rf "$kernel/lib/modules/$version/kernel/drivers/gpu" "$kernel/boot"
    touch "$1/kernel.ok"
    lap "kernel and initrd made"
}

# boot_qemu CACHE ROOT WORK LIMIT: a disk of ROOT, booted; the console goes to WORK/console.
boot_qemu() {
    mkdir -p "$2/usr/lib/modules"
    cp -a "$1"/kernel/lib/modules/* "$2/usr/lib/modules/"
    mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1 -m 0 -d "$2" "$3/disk" 800M
    lap "disk made"
    timeout --kill-after=5 "$4" qemu-system-x86_64 -machine q35 -accel tcg,thread=multi,tb-size=512 -cpu max -smp 2 -m 1024 \
        -nodefaults -no-reboot -display none -monitor none -serial stdio \
        -kernel "$1/kernel/vmlinuz" -initrd "$1/kernel/initrd.gz" \
        -append "console=ttyS0 quiet loglevel=3 mitigations=off clocksource=acpi_pm no_timer_check random.trust_cpu=on systemd.show_status=no systemd.default_timeout_start_sec=120 panic=-1" \
        -drive "file=$3/disk,if=none,id=d,format=raw,cache=unsafe" -device virtio-blk-pci,drive=d \
        </dev/null >"$3/console" 2>&1 9>&-
}

# A cgroup of its own in the hierarchies that nspawn writes to, so that nothing is left at their root.
enter_cgroup() {
    local tree
    for tree in systemd unified; do
        [ -d "/sys/fs/cgroup/$tree" ] || continue
        mkdir -p "/sys/fs/cgroup/$tree/$1"
        echo $$ >"/sys/fs/cgroup/$tree/$1/cgroup.procs"
    done
}

leave_cgroup() {
    local tree
    for tree in systemd unified; do
        [ -d "/sys/fs/cgroup/$tree/$1" ] || continue
        echo $$ >"/sys/fs/cgroup/$tree/cgroup.procs"
        find "/sys/fs/cgroup/$tree/$1" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    done
}
