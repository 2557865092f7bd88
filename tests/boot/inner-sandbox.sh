# The sandbox is real: seen in the running daemon's own namespaces, and by a probe in the daemon's place.
pid=$(main_pid lineswarmd)
expect "no new privileges, filtered system calls, no capabilities" "1 2 0000000000000000" \
    "$(awk '/^NoNewPrivs/{n=$2} /^Seccomp:/{s=$2} /^CapEff/{c=$2} END{print n, s, c}' "/proc/$pid/status")"
inside() { nsenter --target "$pid" --mount -- "$@"; }
expect "/home is invisible to the daemon" "" "$(inside ls /home 2>/dev/null)"
for place in /etc /usr /var/lib /run /boot; do
    works "the daemon's $place is read-only" bash -c "! nsenter --target $pid --mount -- touch $place/probe 2>/dev/null"
done

# probe DROP-IN-LINES: the unit as it is installed, with a script in the daemon's place.
probe() {
    local unit=/run/systemd/system/lineswarm-probe.service
    sed -e '/^Exec/d; /^Type=/d; /^Restart/d; /^Watchdog/d; /^Condition/d; /^WantedBy/d; /^PartOf/d' \
        -e 's|lineswarm/default|lineswarm/probe|' /lib/systemd/system/lineswarmd.service >$unit
    printf '\n[Service]\nType=oneshot\n%s\n' "$1" >>$unit
    systemctl daemon-reload
    timeout $((30 * slow)) systemctl start lineswarm-probe 2>/dev/null
}
forget_probe() {
    rm -f /run/systemd/system/lineswarm-probe.service
    systemctl reset-failed lineswarm-probe 2>/dev/null
    systemctl daemon-reload
}
cat >/opt/test/probe.sh <<'SH'
for place in /etc /usr /var /run /home /root /opt /var/lib/lineswarm /dev; do
    if (echo x >$place/probe) 2>/dev/null; then echo "WROTE $place"; fi
done
(echo x >"$STATE_DIRECTORY/probe") && echo "own state ok"
(echo x >"$RUNTIME_DIRECTORY/probe") && echo "own runtime ok"
[ -e /home/member/secret ] && echo "SAW /home"
[ -e /proc/1/status ] && echo "SAW process 1"
[ -e /proc/meminfo ] && echo "SAW /proc/meminfo"
ls /var/lib/private/lineswarm/1 >/dev/null 2>&1 && echo "SAW another's state"
echo "probe ended"
SH
probe 'ExecStart=/bin/sh /opt/test/probe.sh'
expect "a probe writes to its own directories alone, and sees nothing else" "own state ok, own runtime ok, probe ended" \
    "$(journal lineswarm-probe | grep -E 'WROTE|SAW|own|ended' | paste -sd, | sed 's/,/, /g')"
probe 'ExecStart=/usr/sbin/chroot / /bin/true'
expect "a forbidden system call kills" "31" "$(prop lineswarm-probe ExecMainStatus)"
contains "by its signal" "core-dump|signal" "$(prop lineswarm-probe Result | sed 's/core-dump\|signal/core-dump|signal/')"
forget_probe

# The shipped drop-ins, one after the other.
mkdir -p /var/lib/lineswarm-root
for name in loopback-only root-directory; do
    cp "/usr/share/doc/lineswarm/examples/drop-ins/$name.conf" /etc/systemd/system/lineswarmd.service.d/
    systemctl daemon-reload
    works "it starts with $name.conf" timeout $((30 * slow)) systemctl restart lineswarmd
    works "and answers" lineswarmctl ping
    works "and draws" within 20 bash -c "[ \"\$(lineswarmctl --json status | grep -o '\"draws\":[0-9]*' | cut -d: -f2)\" -gt 0 ]"
    works "and reloads" timeout $((20 * slow)) systemctl reload lineswarmd
    if [ $name = root-directory ]; then
        pid=$(main_pid lineswarmd)
        expect "its root has neither shell nor home" "" "$(ls -d "/proc/$pid/root/bin/sh" "/proc/$pid/root/home" 2>/dev/null)"
    fi
    rm "/etc/systemd/system/lineswarmd.service.d/$name.conf"
done
systemctl daemon-reload
rm -rf --one-file-system /var/lib/lineswarm-root
works "and without them again" timeout $((30 * slow)) systemctl restart lineswarmd
