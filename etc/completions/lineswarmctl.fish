# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_lineswarmctl_global_optspecs
    string join \n s/socket= i/instance= all t/timeout= json q/quiet h/help V/version
end

function __fish_lineswarmctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_lineswarmctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_lineswarmctl_using_subcommand
    set -l cmd (__fish_lineswarmctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -s V -l version -d 'Print version'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "status" -d 'Show how it goes, on one screen (exit 0 up, 3 not running, 4 unknown)'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "ping" -d 'Measure a round trip to the daemon'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "version" -d 'Show the versions of this tool and of the daemon'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "peers" -d 'List the other nodes'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "peer" -d 'Add, remove or forget a peer'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "join" -d 'Dial peers and join their swarm'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "leave" -d 'Say goodbye: the others no longer count this node'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "resolve" -d 'Find peers by name, by prefix of a name, or by id'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "lines" -d 'List the lines that are held, or the numbers that are missing'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "get" -d 'Print one line'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "dump" -d 'Print the file: each line\'s text by number, each followed by a newline'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "start" -d 'Start drawing lines'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "pause" -d 'Stop drawing; links stay'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "resume" -d 'Go on drawing'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "reset" -d 'Forget the lines of the job (moved aside on disk)'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "save" -d 'Write what is unsaved; returns when it is on disk'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "verify" -d 'Read the journal back and compare it with memory'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "stop" -d 'Save, say bye to peers and end the daemon'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "submit" -d 'Submit the complete file'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "master" -d 'Show the elected master (exit 1 if there is none)'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "elect" -d 'Hold a new election'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "limit" -d 'Cap the rate of draws, from now on'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "watch" -d 'Show the status again each second, until Ctrl-C'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "top" -d 'Show the whole screen: rates of all nodes, the curve of lines, events; ? shows the keys'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "events" -d 'Show events as they happen'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "history" -d 'Show the past runs of this daemon'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "wait" -d 'Wait until something is so, for the daemon to start too (-t/--timeout SEC; exit 75 on time-out, 1 if it can\'t be so)'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "why" -d 'Explain the speed against the theory'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "doctor" -d 'Check the unit, sockets, settings, state, line server, peers, keys and clock: what is wrong, and the hint (exit 1 if something failed)'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "stats" -d 'Show all counters'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "metrics" -d 'Print the counters as Prometheus text'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "log" -d 'The daemon\'s log'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "reload" -d 'Read the configuration again'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "capture" -d 'Record all that the daemon\'s engine is told, for replay'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "replay" -d 'Put a capture through the engine again (exit 1 if it goes another way, 65 if the file is damaged)'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "config" -d 'Check or show settings'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "key" -d 'Make the secret that the peers of a swarm share'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "completion" -d 'Print a completion script, e.g. for ~/.local/share/bash-completion/completions/lineswarmctl'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "man" -d 'Print the man page, of all commands'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "demo" -d 'Show a whole swarm at work: a line server and N daemons in a temporary directory'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "compare" -d 'Measure how the time of a download falls with the number of peers: real daemons, charts, a page'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "predict" -d 'Compute the time of a download, by the formula and by sampling'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "bench" -d 'Measure parts of this machine'
complete -c lineswarmctl -n "__fish_lineswarmctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand status" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand status" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand status" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand status" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand status" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand status" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand status" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand ping" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand ping" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand ping" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand ping" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand ping" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand ping" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand ping" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand version" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand version" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand version" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand version" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand version" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand version" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand version" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peers" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peers" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peers" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peers" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peers" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peers" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peers" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and not __fish_seen_subcommand_from add rm forget help" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and not __fish_seen_subcommand_from add rm forget help" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and not __fish_seen_subcommand_from add rm forget help" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and not __fish_seen_subcommand_from add rm forget help" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and not __fish_seen_subcommand_from add rm forget help" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and not __fish_seen_subcommand_from add rm forget help" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and not __fish_seen_subcommand_from add rm forget help" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and not __fish_seen_subcommand_from add rm forget help" -f -a "add" -d 'Dial a peer'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and not __fish_seen_subcommand_from add rm forget help" -f -a "rm" -d 'Close the link to a peer'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and not __fish_seen_subcommand_from add rm forget help" -f -a "forget" -d 'Take a member out of the quorum, for one that will not come back'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and not __fish_seen_subcommand_from add rm forget help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from add" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from add" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from add" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from add" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from add" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from rm" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from rm" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from rm" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from rm" -l ban -d 'And refuse it from now on'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from rm" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from rm" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from rm" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from forget" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from forget" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from forget" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from forget" -l absent -d 'All members that are not linked now and that this node\'s configuration does not name'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from forget" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from forget" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from forget" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from forget" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from help" -f -a "add" -d 'Dial a peer'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Close the link to a peer'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from help" -f -a "forget" -d 'Take a member out of the quorum, for one that will not come back'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand peer; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand join" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand join" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand join" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand join" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand join" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand join" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand join" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand leave" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand leave" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand leave" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand leave" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand leave" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand leave" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand leave" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand resolve" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand resolve" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand resolve" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand resolve" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand resolve" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand resolve" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand resolve" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand lines" -l range -d 'Only these numbers, both ends included' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand lines" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand lines" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand lines" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand lines" -l missing -d 'The numbers of the missing lines instead, one a line'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand lines" -l raw -d 'The bytes as they are, also on a terminal (without it control characters are shown as escapes there)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand lines" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand lines" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand lines" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand lines" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand get" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand get" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand get" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand get" -l raw -d 'The bytes as they are, also on a terminal (without it control characters are shown as escapes there)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand get" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand get" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand get" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand get" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand dump" -s o -l output -d 'Write to this file, as a whole or not at all' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand dump" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand dump" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand dump" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand dump" -l numbered -d 'Put each line\'s number and a tab before its text'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand dump" -l partial -d 'Also if lines are missing (without it that exits 1)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand dump" -l raw -d 'The bytes as they are, also on a terminal (without it control characters are shown as escapes there)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand dump" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand dump" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand dump" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand dump" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand start" -l server -d 'The line server\'s address' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand start" -l lines -d 'How many lines the file has' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand start" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand start" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand start" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand start" -l swarm -d 'For all peers, as a new epoch'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand start" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand start" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand start" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand start" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand pause" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand pause" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand pause" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand pause" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand pause" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand pause" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand pause" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand resume" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand resume" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand resume" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand resume" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand resume" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand resume" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand resume" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand reset" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand reset" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand reset" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand reset" -l swarm -d 'For all peers, as a new epoch'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand reset" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand reset" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand reset" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand reset" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand save" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand save" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand save" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand save" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand save" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand save" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand save" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand verify" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand verify" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand verify" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand verify" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand verify" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand verify" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand verify" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand stop" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand stop" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand stop" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand stop" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand stop" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand stop" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand stop" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand submit" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand submit" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand submit" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand submit" -l dry-run -d 'Check all that can be checked, send nothing'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand submit" -l force -d 'Submit even if this node is not the master or the file was submitted before'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand submit" -l resolve -d 'Settle a submit in doubt: send it again'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand submit" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand submit" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand submit" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand submit" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand master" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand master" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand master" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand master" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand master" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand master" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand master" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand elect" -l to -d 'Who should win: a name or an id' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand elect" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand elect" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand elect" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand elect" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand elect" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand elect" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand elect" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand limit" -l rate -d 'At most so many lines a second' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand limit" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand limit" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand limit" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand limit" -l auto -d 'No cap: as fast as the server allows'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand limit" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand limit" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand limit" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand limit" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand watch" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand watch" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand watch" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand watch" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand watch" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand watch" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand watch" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand top" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand top" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand top" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand top" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand top" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand top" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand top" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand events" -l since -d 'Begin with this sequence number' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand events" -s f -l follow -d 'Go on with events as they happen; --follow=false ends after those known' -r -f -a "true\t''
false\t''"
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand events" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand events" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand events" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand events" -l causal -d 'The swarm\'s events, merged by Lamport time'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand events" -l json-line -d 'One JSON object a line (as --json does)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand events" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand events" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand events" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand events" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand history" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand history" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand history" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand history" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand history" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand history" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand history" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand wait" -l for -d 'The same as a flag' -r -f -a "complete\t''
submitted\t''
master\t''
peers=\t''"
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand wait" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand wait" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand wait" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand wait" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand wait" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand wait" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand wait" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand why" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand why" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand why" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand why" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand why" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand why" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand why" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand doctor" -l config -d 'The daemon\'s configuration file [default: that of the instance]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand doctor" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand doctor" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand doctor" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand doctor" -l ask-server -d 'Where no daemon runs, ask the line server for a line: that starts its session, and its clock, for this address'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand doctor" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand doctor" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand doctor" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand stats" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand stats" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand stats" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand stats" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand stats" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand stats" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand stats" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand metrics" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand metrics" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand metrics" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand metrics" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand metrics" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand metrics" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand metrics" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and not __fish_seen_subcommand_from level tail help" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and not __fish_seen_subcommand_from level tail help" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and not __fish_seen_subcommand_from level tail help" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and not __fish_seen_subcommand_from level tail help" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and not __fish_seen_subcommand_from level tail help" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and not __fish_seen_subcommand_from level tail help" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and not __fish_seen_subcommand_from level tail help" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and not __fish_seen_subcommand_from level tail help" -f -a "level" -d 'Set the level until the daemon\'s next start'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and not __fish_seen_subcommand_from level tail help" -f -a "tail" -d 'Show the newest log lines, then more as they come'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and not __fish_seen_subcommand_from level tail help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from level" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from level" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from level" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from level" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from level" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from level" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from level" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from tail" -l since -d 'Begin with this line\'s number' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from tail" -s f -l follow -d 'Go on with lines as they come; --follow=false ends after those known' -r -f -a "true\t''
false\t''"
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from tail" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from tail" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from tail" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from tail" -l json-line -d 'One JSON object a line (as --json does)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from tail" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from tail" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from tail" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from tail" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from help" -f -a "level" -d 'Set the level until the daemon\'s next start'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from help" -f -a "tail" -d 'Show the newest log lines, then more as they come'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand log; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand reload" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand reload" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand reload" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand reload" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand reload" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand reload" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand reload" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and not __fish_seen_subcommand_from start stop help" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and not __fish_seen_subcommand_from start stop help" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and not __fish_seen_subcommand_from start stop help" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and not __fish_seen_subcommand_from start stop help" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and not __fish_seen_subcommand_from start stop help" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and not __fish_seen_subcommand_from start stop help" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and not __fish_seen_subcommand_from start stop help" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and not __fish_seen_subcommand_from start stop help" -f -a "start" -d 'Begin: the daemon\'s engine starts anew, as after a restart'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and not __fish_seen_subcommand_from start stop help" -f -a "stop" -d 'End it'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and not __fish_seen_subcommand_from start stop help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from start" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from start" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from start" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from start" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from start" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from start" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from stop" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from stop" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from stop" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from stop" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from stop" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from stop" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from stop" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from help" -f -a "start" -d 'Begin: the daemon\'s engine starts anew, as after a restart'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from help" -f -a "stop" -d 'End it'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand capture; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand replay" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand replay" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand replay" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand replay" -l inputs -d 'Each input and each effect too, not the events alone'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand replay" -l json-line -d 'One JSON object a line (as --json does)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand replay" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand replay" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand replay" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand replay" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and not __fish_seen_subcommand_from check show diff help" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and not __fish_seen_subcommand_from check show diff help" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and not __fish_seen_subcommand_from check show diff help" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and not __fish_seen_subcommand_from check show diff help" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and not __fish_seen_subcommand_from check show diff help" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and not __fish_seen_subcommand_from check show diff help" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and not __fish_seen_subcommand_from check show diff help" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and not __fish_seen_subcommand_from check show diff help" -f -a "check" -d 'Check a configuration; needs no running daemon (exit 78 if something is wrong)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and not __fish_seen_subcommand_from check show diff help" -f -a "show" -d 'Show the running daemon\'s settings and where each comes from'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and not __fish_seen_subcommand_from check show diff help" -f -a "diff" -d 'Show only those settings that are no defaults'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and not __fish_seen_subcommand_from check show diff help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from check" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from check" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from check" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from check" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from check" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from show" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from show" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from show" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from show" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from diff" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from diff" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from diff" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from diff" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from diff" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from diff" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check a configuration; needs no running daemon (exit 78 if something is wrong)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the running daemon\'s settings and where each comes from'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "diff" -d 'Show only those settings that are no defaults'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and not __fish_seen_subcommand_from gen help" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and not __fish_seen_subcommand_from gen help" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and not __fish_seen_subcommand_from gen help" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and not __fish_seen_subcommand_from gen help" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and not __fish_seen_subcommand_from gen help" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and not __fish_seen_subcommand_from gen help" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and not __fish_seen_subcommand_from gen help" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and not __fish_seen_subcommand_from gen help" -f -a "gen" -d 'Write 32 random bytes as hex into a new file that only you can read'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and not __fish_seen_subcommand_from gen help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and __fish_seen_subcommand_from gen" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and __fish_seen_subcommand_from gen" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and __fish_seen_subcommand_from gen" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and __fish_seen_subcommand_from gen" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and __fish_seen_subcommand_from gen" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and __fish_seen_subcommand_from gen" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and __fish_seen_subcommand_from gen" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "gen" -d 'Write 32 random bytes as hex into a new file that only you can read'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand completion" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand completion" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand completion" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand completion" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand completion" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand completion" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand completion" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand man" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand man" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand man" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand man" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand man" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand man" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand man" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand demo" -l peers -d 'How many daemons' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand demo" -l lines -d 'How many lines the file has' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand demo" -l rate -d 'Lines a second that the server gives each daemon' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand demo" -l seed -d 'Of the server\'s file and draws: the same seed needs the same draws' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand demo" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand demo" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand demo" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand demo" -l keep -d 'Keep the directory with all files and logs'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand demo" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand demo" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand demo" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand demo" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -l peers -d 'How many daemons, one swarm after the other' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -l out -d 'Where to write results.json, the charts and report.html' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -l rate -d 'Lines a second that the server gives each daemon' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -l lines -d 'How many lines the file has' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -l runs -d 'How many downloads by each swarm, each with a seed of its own' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -l seed -d 'The first seed: it determines file and draws, so that every swarm needs the same' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -l topology -d 'Who sends lines to whom' -r -f -a "mesh\t''
star\t''
ring\t''"
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -l latency -d 'Every reply of the line server leaves so many milliseconds later' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -l kill-master-at -d 'Kill the master without warning when the swarm holds so many percent of the lines' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -l one-per-ip -d 'The server lets one connection of an address live, and rejects or replaces' -r -f -a "reject\t''
replace\t''"
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -l server -d 'Download from this line server instead of one of our own; --rate and --lines say what it is known to have' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -l identity -d 'Who submits there' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand compare" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -l peers -d 'How many peers' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -l lines -d 'How many lines the file has' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -l rate -d 'Lines a second that the server gives each peer' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -l latency -d 'From peer to peer, in milliseconds' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -l loss -d 'The chance that a message between peers is lost and sent again' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -l runs -d 'How many downloads to sample for each number of peers' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -l seed -d 'The same seed gives the same samples, whatever the number of workers' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -l workers -d 'Threads [default: one for each core]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -l out -d 'Write predict.svg there' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand predict" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and not __fish_seen_subcommand_from transport help" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and not __fish_seen_subcommand_from transport help" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and not __fish_seen_subcommand_from transport help" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and not __fish_seen_subcommand_from transport help" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and not __fish_seen_subcommand_from transport help" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and not __fish_seen_subcommand_from transport help" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and not __fish_seen_subcommand_from transport help" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and not __fish_seen_subcommand_from transport help" -f -a "transport" -d 'One-way transfers a second between two parties: channel, pipe, sockets, datagrams'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and not __fish_seen_subcommand_from transport help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and __fish_seen_subcommand_from transport" -l count -d 'Rounds there and back, in each of three runs' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and __fish_seen_subcommand_from transport" -s s -l socket -d 'The daemon\'s socket; reads and changes both use it [env: LINESWARM_SOCKET]' -r -F
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and __fish_seen_subcommand_from transport" -s i -l instance -d 'The daemon\'s instance name [default: default]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and __fish_seen_subcommand_from transport" -s t -l timeout -d 'Seconds until the command gives up [default: 5; none for wait, watch, top and events]' -r
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and __fish_seen_subcommand_from transport" -l all -d 'Do it for each instance that has a socket on this host'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and __fish_seen_subcommand_from transport" -l json -d 'Print the daemon\'s answer, or the error, as JSON on stdout'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and __fish_seen_subcommand_from transport" -s q -l quiet -d 'Print nothing but what was asked for: no confirmations, no progress'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and __fish_seen_subcommand_from transport" -s h -l help -d 'Print help'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and __fish_seen_subcommand_from help" -f -a "transport" -d 'One-way transfers a second between two parties: channel, pipe, sockets, datagrams'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand bench; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "status" -d 'Show how it goes, on one screen (exit 0 up, 3 not running, 4 unknown)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "ping" -d 'Measure a round trip to the daemon'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "version" -d 'Show the versions of this tool and of the daemon'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "peers" -d 'List the other nodes'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "peer" -d 'Add, remove or forget a peer'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "join" -d 'Dial peers and join their swarm'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "leave" -d 'Say goodbye: the others no longer count this node'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "resolve" -d 'Find peers by name, by prefix of a name, or by id'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "lines" -d 'List the lines that are held, or the numbers that are missing'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "get" -d 'Print one line'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "dump" -d 'Print the file: each line\'s text by number, each followed by a newline'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "start" -d 'Start drawing lines'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "pause" -d 'Stop drawing; links stay'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "resume" -d 'Go on drawing'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "reset" -d 'Forget the lines of the job (moved aside on disk)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "save" -d 'Write what is unsaved; returns when it is on disk'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "verify" -d 'Read the journal back and compare it with memory'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "stop" -d 'Save, say bye to peers and end the daemon'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "submit" -d 'Submit the complete file'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "master" -d 'Show the elected master (exit 1 if there is none)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "elect" -d 'Hold a new election'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "limit" -d 'Cap the rate of draws, from now on'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "watch" -d 'Show the status again each second, until Ctrl-C'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "top" -d 'Show the whole screen: rates of all nodes, the curve of lines, events; ? shows the keys'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "events" -d 'Show events as they happen'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "history" -d 'Show the past runs of this daemon'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "wait" -d 'Wait until something is so, for the daemon to start too (-t/--timeout SEC; exit 75 on time-out, 1 if it can\'t be so)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "why" -d 'Explain the speed against the theory'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "doctor" -d 'Check the unit, sockets, settings, state, line server, peers, keys and clock: what is wrong, and the hint (exit 1 if something failed)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "stats" -d 'Show all counters'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "metrics" -d 'Print the counters as Prometheus text'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "log" -d 'The daemon\'s log'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "reload" -d 'Read the configuration again'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "capture" -d 'Record all that the daemon\'s engine is told, for replay'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "replay" -d 'Put a capture through the engine again (exit 1 if it goes another way, 65 if the file is damaged)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "config" -d 'Check or show settings'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "key" -d 'Make the secret that the peers of a swarm share'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "completion" -d 'Print a completion script, e.g. for ~/.local/share/bash-completion/completions/lineswarmctl'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "man" -d 'Print the man page, of all commands'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "demo" -d 'Show a whole swarm at work: a line server and N daemons in a temporary directory'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "compare" -d 'Measure how the time of a download falls with the number of peers: real daemons, charts, a page'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "predict" -d 'Compute the time of a download, by the formula and by sampling'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "bench" -d 'Measure parts of this machine'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and not __fish_seen_subcommand_from status ping version peers peer join leave resolve lines get dump start pause resume reset save verify stop submit master elect limit watch top events history wait why doctor stats metrics log reload capture replay config key completion man demo compare predict bench help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and __fish_seen_subcommand_from peer" -f -a "add" -d 'Dial a peer'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and __fish_seen_subcommand_from peer" -f -a "rm" -d 'Close the link to a peer'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and __fish_seen_subcommand_from peer" -f -a "forget" -d 'Take a member out of the quorum, for one that will not come back'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and __fish_seen_subcommand_from log" -f -a "level" -d 'Set the level until the daemon\'s next start'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and __fish_seen_subcommand_from log" -f -a "tail" -d 'Show the newest log lines, then more as they come'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and __fish_seen_subcommand_from capture" -f -a "start" -d 'Begin: the daemon\'s engine starts anew, as after a restart'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and __fish_seen_subcommand_from capture" -f -a "stop" -d 'End it'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Check a configuration; needs no running daemon (exit 78 if something is wrong)'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Show the running daemon\'s settings and where each comes from'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "diff" -d 'Show only those settings that are no defaults'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "gen" -d 'Write 32 random bytes as hex into a new file that only you can read'
complete -c lineswarmctl -n "__fish_lineswarmctl_using_subcommand help; and __fish_seen_subcommand_from bench" -f -a "transport" -d 'One-way transfers a second between two parties: channel, pipe, sockets, datagrams'
