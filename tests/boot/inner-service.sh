# The daemon of the plain unit: readiness, reload, crash, hang, stop, key. It draws slowly, so that it is at work.
configure() { # RATE
    cat >/etc/lineswarm/default.toml <<TOML
[server]
address = "127.0.0.1:9801"
rate = $1
[swarm]
id = "slow"
listen = "127.0.0.1:9900"
[submit]
by = "nobody"
TOML
}
mkdir -p /etc/systemd/system/lineswarmd.service.d
printf '[Service]\nWatchdogSec=%ds\nTimeoutAbortSec=1s\n' $((2 * slow)) >/etc/systemd/system/lineswarmd.service.d/quick.conf
systemctl daemon-reload

configure '"fast"'
started=$(date +%s)
works "a wrong configuration fails the start" fails timeout $((30 * slow)) systemctl restart lineswarmd
sleep $((3 * slow))
expect "once, and nothing tries again" "failed 0" "$(systemctl is-active lineswarmd) $(prop lineswarmd NRestarts)"
contains "and systemctl status shows the cause with its line" "*default.toml:*server.rate*" "$(systemctl status lineswarmd --no-pager -l)"
expect "which the log has once" 1 "$(journalctl -u lineswarmd --since "@$started" -o cat --no-pager | grep -c 'default.toml:.*server.rate')"
configure 20
systemctl reset-failed lineswarmd

lineserver --listen 127.0.0.1:9900 2>/dev/null &
squatter=$!
within 5 bash -c '</dev/tcp/127.0.0.1/9900'
timeout $((5 * slow)) systemctl start lineswarmd
expect "not ready while it cannot listen" no "$([ "$(systemctl is-active lineswarmd)" = active ] && echo yes || echo no)"
systemctl stop lineswarmd
kill $squatter
wait $squatter 2>/dev/null
systemctl reset-failed lineswarmd

contains "doctor says that the unit does not run" "lineswarmd.service is inactive" "$(verdict lineswarmctl)"
works "it starts" timeout $((30 * slow)) systemctl start lineswarmd
expect "ready means: both sockets and the port listen" "yes yes 0" \
    "$([ -S /run/lineswarm/default/control.sock ] && echo yes) $([ -S /run/lineswarm/default/status.sock ] && echo yes) $(bash -c '</dev/tcp/127.0.0.1/9900' 2>&1; echo $?)"
works "it answers at once" lineswarmctl ping
pid=$(main_pid lineswarmd)
works "it draws" within 20 at_least default have 20
expect "and shows it" "fetching" "$(prop lineswarmd StatusText | cut -d' ' -f1)"

configure 200
works "systemctl reload" timeout $((20 * slow)) systemctl reload lineswarmd
expect "the same process, active" "$pid active" "$(main_pid lineswarmd) $(systemctl is-active lineswarmd)"
contains "the changed rate is taken over" "*reloaded setting=server.rate value=200*" "$(journal lineswarmd)"
configure '"fast"'
works "a wrong file fails the reload" fails timeout $((20 * slow)) systemctl reload lineswarmd
expect "but not the daemon" "$pid active" "$(main_pid lineswarmd) $(systemctl is-active lineswarmd)"
configure 20
works "and back" timeout $((20 * slow)) systemctl reload lineswarmd

sleep $((5 * slow))
expect "the watchdog of $((2 * slow)) s is fed: restarts in $((5 * slow)) s" "0 $pid" "$(prop lineswarmd NRestarts) $(main_pid lineswarmd)"

works "lines are saved before the crash" lineswarmctl save
have=$(field default have)
send KILL lineswarmd
works "kill -9: restarted" within 20 restarted lineswarmd 1
contains "doctor counts the crash" "*restarted 1 times after a crash or hang" "$(verdict lineswarmctl)"
contains "it resumed from its journal" "*resumed lines=*" "$(journal lineswarmd)"
works "with all $have lines that it had saved" at_least default have "$have"

send STOP lineswarmd
works "SIGSTOP: the watchdog restarts it" within 30 restarted lineswarmd 2
contains "the journal names the watchdog" "*Watchdog timeout*" "$(journalctl -u lineswarmd --no-pager)"
works "it goes on" lineswarmctl ping

key() { lineswarmctl config show | grep key-file; }
systemctl stop 'lineswarmd@*' lineswarmd
expect "stop is clean" "inactive success" "$(systemctl is-active lineswarmd) $(prop lineswarmd Result)"
expect "the runtime directory went, the state stays" "no yes" \
    "$([ -e /run/lineswarm/default ] && echo yes || echo no) $([ -s /var/lib/lineswarm/default/lineswarmd.pid ] || [ -d /var/lib/lineswarm/default ] && echo yes)"
contains "it said goodbye" "*stopped*" "$(journal lineswarmd | tail -5)"
mkdir -p -m 700 /etc/credstore
works "a key for the swarm" lineswarmctl key gen /etc/credstore/swarm.key
works "the daemon starts with it" timeout $((30 * slow)) systemctl start lineswarmd
contains "from systemd's credentials" "*/run/credentials/lineswarmd.service/swarm.key*" "$(key)"
works "two instances with the key" timeout $((30 * slow)) systemctl start lineswarmd@1 lineswarmd@2
works "find each other" lineswarmctl -i 1 -t $((30 * slow)) wait --for peers=1
works "kept their file" lineswarmctl -i 1 -t $((5 * slow)) wait --for complete

works "the target stops all" timeout $((30 * slow)) systemctl stop lineswarm.target
expect "all" "inactive inactive" "$(systemctl is-active lineswarmd lineswarmd@1 | tr '\n' ' ' | sed 's/ $//')"
works "and starts what is enabled" timeout $((30 * slow)) systemctl start lineswarm.target
expect "only that" "active inactive" "$(systemctl is-active lineswarmd lineswarmd@1 | tr '\n' ' ' | sed 's/ $//')"
