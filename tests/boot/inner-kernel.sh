# What only a kernel of its own shows: limits of memory and tasks, and the firewall of the loopback drop-in.
reason() { journalctl -u "$1" -o cat --no-pager | tail -3; }
systemd-run --quiet --wait -u hog -p MemoryMax=40M -p MemorySwapMax=0 \
    bash -c 'x=$(head -c 300M /dev/zero | tr "\0" x); echo ${#x}' 2>/dev/null
contains "MemoryMax is enforced" "*oom*" "$(prop hog Result) $(reason hog)"
expect "the daemon's own bound" "268435456 $(cat "/sys/fs/cgroup$(prop lineswarmd ControlGroup)/memory.max")" \
    "$(prop lineswarmd MemoryMax) 268435456"
contains "TasksMax is enforced" "*fork*" \
    "$(systemd-run --quiet --wait --pipe -p TasksMax=5 bash -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait' 2>&1)"
probe "IPAddressDeny=any
IPAddressAllow=localhost
ExecStart=-/bin/bash -c 'echo x >/dev/udp/127.0.0.1/9 && echo inside ok; echo x >/dev/udp/192.0.2.1/9'"
contains "with the loopback drop-in's rules loopback works" "*inside ok*" "$(journal lineswarm-probe)"
contains "and nothing else does" "*not permitted*" "$(journal lineswarm-probe)"
