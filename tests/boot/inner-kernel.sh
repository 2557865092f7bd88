# What only a kernel of its own shows: limits of memory and tasks, and the firewall that the drop-ins use.
reason() { journalctl -u "$1" -o cat --no-pager | tail -3; }
systemd-run --quiet --wait -u hog -p MemoryMax=40M -p MemorySwapMax=0 \
    bash -c 'x=$(head -c 300M /dev/zero | tr "\0" x); echo ${#x}' 2>/dev/null
contains "MemoryMax is enforced" "*oom*" "$(prop hog Result) $(reason hog)"
expect "the daemon's own bound" "268435456 $(cat "/sys/fs/cgroup$(prop lineswarmd ControlGroup)/memory.max")" \
    "$(prop lineswarmd MemoryMax) 268435456"
contains "TasksMax is enforced" "*fork*" \
    "$(systemd-run --quiet --wait --pipe -p TasksMax=5 bash -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait' 2>&1)"
# The rules of loopback-only.conf, narrowed: there is no other network here that could be reached.
probe "IPAddressDeny=any
IPAddressAllow=127.0.0.1
ExecStart=-/bin/bash -c 'echo x >/dev/udp/127.0.0.1/9 && echo allowed ok; echo x >/dev/udp/127.0.0.9/9'"
contains "an allowed address is reached" "*allowed ok*" "$(journal lineswarm-probe)"
contains "and no other" "*not permitted*" "$(journal lineswarm-probe)"
forget_probe
