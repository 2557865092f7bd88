# A line server and four instances without any configuration: they find each other, finish and submit once.
echo 'LINESERVER_OPTIONS=--rate 300 --lines 1000 --seed 7' >/etc/default/lineserver
all='lineswarmd@1 lineswarmd@2 lineswarmd@3 lineswarmd@4'
usermod --append --groups lineswarm member
as() { local user=$1; shift; runuser -u "$user" -- "$@"; }

works "the line server starts" timeout $((30 * slow)) systemctl start lineserver
expect "it listens once it is ready" 0 "$(bash -c '</dev/tcp/127.0.0.1/9801' 2>&1; echo $?)"
# shellcheck disable=SC2086
works "four instances start" timeout $((60 * slow)) systemctl start $all
# shellcheck disable=SC2086
expect "they run" "active active active active" "$(systemctl is-active $all | tr '\n' ' ' | sed 's/ $//')"
works "the control tool answers a member" as member lineswarmctl -i 1 status
works "the swarm submits" lineswarmctl -i 1 -t $((90 * slow)) wait --for submitted
for i in 1 2 3 4; do
    works "instance $i knows of the submit" lineswarmctl -i $i -t $((20 * slow)) wait --for submitted
    works "instance $i completes" lineswarmctl -i $i -t $((20 * slow)) wait --for complete
done
expect "each knows three peers" "3 3 3 3" "$(for i in 1 2 3 4; do lineswarmctl -i $i --json status | grep -o '"peers":{[^}]*}' | grep -o '"connected":[0-9]*' | cut -d: -f2; done | tr '\n' ' ' | sed 's/ $//')"
timeout $((20 * slow)) lineserver --listen 127.0.0.1:0 --lines 1000 --seed 7 --write-file /tmp/wanted --max-seconds 0.1 2>/dev/null
lineswarmctl -i 2 dump >/tmp/got
works "the file is right, byte for byte" cmp /tmp/wanted /tmp/got
info "line server: $(journal lineserver | grep -i submit)"
expect "submits, all daemons together" 1 "$(for i in 1 2 3 4; do field $i attempts; done | paste -sd+ | xargs -I{} bash -c 'echo $(({}))')"
# The line changes at most once a second.
within 3 bash -c 'systemctl show -P StatusText lineswarmd@1 | grep -q ^submitted'
contains "systemctl status shows how it goes" '*Status: "submitted 1000/1000, 3 peers*master*' \
    "$(systemctl status lineswarmd@1 --no-pager --lines=0)"

works "a stranger may look" as stranger lineswarmctl -i 1 status
exits "a stranger may change nothing" 77 as stranger lineswarmctl -i 1 limit --rate 50
works "a member of the group may change the rate" as member lineswarmctl -i 1 limit --rate 50
expect "modes and groups of the sockets" "660 lineswarm, 666 lineswarm" \
    "$(stat -c '%a %G' /run/lineswarm/1/control.sock), $(stat -c '%a %G' /run/lineswarm/1/status.sock)"
uids=$(for i in 1 2 3 4; do stat -c %u "/proc/$(main_pid lineswarmd@$i)"; done)
expect "each instance has a dynamic user of its own" 4 "$(echo "$uids" | awk '$1 >= 61184 && $1 <= 65519' | sort -u | wc -l)"
expect "its state is private" "700 /var/lib/private/lineswarm/1" \
    "$(stat -L -c %a /var/lib/lineswarm/1) $(readlink -f /var/lib/lineswarm/1)"
contains "log lines have a priority in the journal" '*"PRIORITY":"6"*' \
    "$(journalctl -u lineswarmd@1 -o json --no-pager | grep '"MESSAGE":"started ' | head -1)"
expect "no daemon writes errors" "" "$(journalctl -u 'lineswarmd@*' -p err -o cat --no-pager | head -3)"
works "status needs no rights" as stranger lineswarmctl --all status
verdict() { "$@" --json doctor | grep -o '"hint":[^{]*"name":"unit"[^}]*' | grep -o '"what":".*' | cut -d'"' -f4; }
contains "doctor knows the unit, for a stranger too" "lineswarmd@1.service is active*" \
    "$(verdict as stranger lineswarmctl -i 1)"
expect "and finds nothing that fails" "" "$(lineswarmctl -i 1 --json doctor | grep -o '"level":"fail"[^}]*')"
info "memory of instance 1: $(grep VmHWM "/proc/$(main_pid lineswarmd@1)/status" | tr -s '\t ' ' ')"
