# Installing: what is there, what runs (nothing), and what a start without configuration does.
useradd --create-home member
useradd --create-home stranger
mkdir /home/member/secret
find / -xdev -not -path '/opt/test/*' 2>/dev/null | sort >/tmp/files-before

works "the package installs" dpkg -i "$here/lineswarm.deb"
expect "enabled: target, daemon, line server" "enabled enabled disabled" \
    "$(systemctl is-enabled lineswarm.target lineswarmd.service lineserver.service | tr '\n' ' ' | sed 's/ $//')"
expect "nothing runs without configuration" "inactive inactive" \
    "$(systemctl is-active lineswarmd.service lineserver.service | tr '\n' ' ' | sed 's/ $//')"
expect "the target is up" active "$(systemctl is-active lineswarm.target)"
works "a start without configuration is no failure" systemctl start lineswarmd
expect "it is skipped" "inactive no" "$(systemctl is-active lineswarmd) $(prop lineswarmd ConditionResult)"
works "the group is there" getent group lineswarm
expect "verify of the installed units" "" \
    "$(systemd-analyze verify --man=no --recursive-errors=yes lineswarmd.service lineswarmd@x.service lineserver.service lineswarm.target 2>&1)"
for page in man8/lineswarmd.8 man1/lineswarmctl.1 man1/lineserver.1 man5/lineswarmd.toml.5 man7/lineswarm-protocol.7; do
    works "man page $page" test -s "/usr/share/man/$page.gz"
done
works "completions" bash -c '. /usr/share/bash-completion/completions/lineswarmctl && complete -p lineswarmctl'
