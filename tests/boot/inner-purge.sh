# Removing keeps settings and state; purging leaves what the administrator made, and nothing else.
works "remove" dpkg -r lineswarm
expect "nothing runs any more" "" "$(pgrep -a 'lines' | grep -v inner)"
expect "settings and state stay" "yes yes" \
    "$([ -s /etc/lineswarm/default.toml ] && echo yes) $([ -d /var/lib/lineswarm/1/ ] && echo yes)"
works "purge" dpkg -P lineswarm
works "the group with a member stays" getent group lineswarm
works "the administrator's configuration stays" test -s /etc/lineswarm/default.toml
works "and the key" test -s /etc/credstore/swarm.key
# Again, without anything of the administrator's: not a file more than before.
rm -r /etc/lineswarm /etc/credstore /etc/systemd/system/lineswarmd.service.d
gpasswd --delete member lineswarm >/dev/null
works "the package installs once more" dpkg -i "$here/lineswarm.deb"
works "an instance starts" timeout $((30 * slow)) systemctl start lineswarmd@x
works "purge at once" dpkg -P lineswarm
exits "the empty group went" 2 getent group lineswarm
find / -xdev -not -path '/opt/test/*' 2>/dev/null | sort >/tmp/files-after
left=$(comm -13 /tmp/files-before /tmp/files-after | grep -vE '^/(var/lib/dpkg|var/log|var/cache|tmp|var/tmp|run|proc|sys|dev)(/|$)')
expect "files left" "" "$left"
systemctl daemon-reload
expect "units left, failed units" "0 0" \
    "$(systemctl list-unit-files --no-legend 'lines*' | wc -l) $(systemctl --failed --no-legend 'lines*' | wc -l)"
