complete -c lineswarmd -l config -d 'Configuration file [default: /etc/lineswarm/NAME.toml, if it exists]' -r -F
complete -c lineswarmd -l instance -d 'One of several daemons on a machine: changes the defaults of name, file, directories and addresses' -r
complete -c lineswarmd -l log-level -d 'How much is logged on stderr' -r -f -a "off\t''
error\t''
warn\t''
info\t''
debug\t''
trace\t''"
complete -c lineswarmd -l log-format -d 'How log lines look' -r -f -a "text\t''
json\t''"
complete -c lineswarmd -l name -d 'What peers and people call this node, such as lab1/alice; not set: the host\'s name' -r
complete -c lineswarmd -l state-dir -d 'Directory of the node\'s key, its state and the lines it holds' -r -F
complete -c lineswarmd -l control-socket -d 'Unix socket of those who may change things' -r -F
complete -c lineswarmd -l status-socket -d 'Unix socket of those who may look' -r -F
complete -c lineswarmd -l server -l address -d 'The line server, host:port [default: 127.0.0.1:9801]' -r
complete -c lineswarmd -l label -d 'Names the file, where one server has several addresses; empty: the address' -r
complete -c lineswarmd -l lines -d 'How many lines the file has, or auto to find out [default: 1000]' -r
complete -c lineswarmd -l identity -d 'Who submits: <entry>@<team>; empty: anonymous@lineswarm to a server on loopback, and an error for others' -r
complete -c lineswarmd -l bind -d 'Source addresses to draw from, one connection each; none: one connection, the system\'s choice' -r
complete -c lineswarmd -l rate -d 'At most so many requests a second, or auto to learn what the server allows [default: auto]' -r
complete -c lineswarmd -l pipeline -d 'So many requests outstanding, or auto [default: auto]' -r
complete -c lineswarmd -l swarm -l id -d 'The swarm\'s name; only peers of the same swarm talk [default: default]' -r
complete -c lineswarmd -l listen -d 'Address for peers, IP:port; port 0 is any free one [default: 127.0.0.1:9900]' -r
complete -c lineswarmd -l advertise -d 'What peers are told to dial, IP:port; empty: the address we listen on' -r
complete -c lineswarmd -l peer -l peers -d 'Addresses of peers, host:port' -r
complete -c lineswarmd -l discover -d 'More ways to find peers: host, multicast, multicast:INTERFACE, dns:NAME' -r
complete -c lineswarmd -l key-file -d 'File with the swarm\'s key (lineswarmctl key gen); without it nobody is asked for one' -r -F
complete -c lineswarmd -l allow -d 'Networks that peers may come from, such as 10.0.0.0/8; none: all' -r
complete -c lineswarmd -l topology -d 'Who sends lines to whom: mesh, star or ring [default: mesh]' -r
complete -c lineswarmd -l max-peers -d 'The most links to peers [default: 64]' -r
complete -c lineswarmd -l insecure -d 'Let anybody join who reaches a public address, without a key [default: false]' -r
complete -c lineswarmd -l quorum -d 'What a master needs: majority, available or grace [default: grace]' -r
complete -c lineswarmd -l grace -d 'With quorum grace: so long without a majority, then the peers now heard decide [default: 10s]' -r
complete -c lineswarmd -l in-doubt -d 'A submit whose outcome nobody knows: resubmit or hold [default: resubmit]' -r
complete -c lineswarmd -l priority -d 'The higher, the sooner this node becomes master [default: 0]' -r
complete -c lineswarmd -l submit-by -l by -d 'Who submits: master, every-peer or nobody [default: master]' -r
complete -c lineswarmd -l output -d 'Also write the finished file here; a FIFO or a device is written to as it is' -r -F
complete -c lineswarmd -l autostart -d 'Fetch at once, without waiting for start [default: true]' -r
complete -c lineswarmd -l exit-when -d 'When the daemon ends by itself: never or done [default: never]' -r
complete -c lineswarmd -l check -d 'Check the configuration, say what is wrong with it, and end'
complete -c lineswarmd -l print-config -d 'Print the configuration in force, as a file, and end'
complete -c lineswarmd -l reset-state -d 'Move key, lines and state aside first, and start as another node'
complete -c lineswarmd -s h -l help -d 'Print help'
complete -c lineswarmd -s V -l version -d 'Print version'
