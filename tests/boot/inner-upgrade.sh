# Installing again: what ran is restarted, what was stopped stays stopped, state and settings stay.
systemctl start lineswarmd@1
lineswarmctl save >/dev/null
one=$(main_pid lineswarmd@1)
plain=$(main_pid lineswarmd)
had=$(field default have)
works "the package installs over itself" dpkg -i "$here/lineswarm.deb"
works "the daemon is up" within 10 lineswarmctl ping
works "the instance is up" within 10 lineswarmctl -i 1 ping
expect "both are new processes" "yes yes" \
    "$([ "$(main_pid lineswarmd)" != "$plain" ] && echo yes) $([ "$(main_pid lineswarmd@1)" != "$one" ] && echo yes)"
expect "what was stopped stays stopped" inactive "$(systemctl is-active lineswarmd@2)"
works "the daemon kept its $had lines" at_least default have "$had"
works "the instance its file" lineswarmctl -i 1 -t $((5 * slow)) wait --for complete
expect "settings stay" "rate = 20" "$(grep rate /etc/lineswarm/default.toml)"
expect "and the group its member" member "$(getent group lineswarm | cut -d: -f4)"
