complete -c lineserver -l listen -d 'The address to listen on; port 0 takes any free one' -r
complete -c lineserver -l lines -d 'How many lines to make up, or to take of --file [default: 1000, or all of --file]' -r
complete -c lineserver -l base -d 'The number of the first line' -r
complete -c lineserver -l file -d 'Serve the lines of this file instead of made-up ones' -r -F
complete -c lineserver -l rate -d 'Lines a second (0: no limit), or a schedule that counts from the first draw: 100,30@7s,300@14s' -r
complete -c lineserver -l limiter -d 'How the rate is limited' -r -f -a "spacing\t''
bucket\t''
window\t''"
complete -c lineserver -l burst -d 'How many answers a bucket holds' -r
complete -c lineserver -l limit-by -d 'Who has a limit of their own: each connection or each address' -r -f -a "conn\t''
ip\t''"
complete -c lineserver -l refusal -d 'How a refusal looks: -1 and an empty field, or -1 twice' -r -f -a "blank\t''
minus\t''"
complete -c lineserver -l seed -d 'The seed of the made-up file, of the draws and of --chaos [default: 1 for the file, else random]' -r
complete -c lineserver -l draw-seed -d 'Draw a fixed sequence: the n-th draw of all clients together depends on this seed and n alone' -r
complete -c lineserver -l one-per-ip -d 'Let only one connection of an address live: reject the new one, or replace the old one' -r -f -a "reject\t''
replace\t''"
complete -c lineserver -l single -d 'Answer one request at a time: ignore a segment of several, read only its first, ignore also what comes before the last reply has left, or close the connection' -r -f -a "ignore\t''
first\t''
busy\t''
close\t''"
complete -c lineserver -l latency -d 'Every reply leaves that many milliseconds later' -r
complete -c lineserver -l two-writes -d 'The probability that number and text leave in two writes' -r
complete -c lineserver -l chaos -d 'Faults on purpose, with their probabilities: delay=P:MS,split=P:BYTES,cut=P,silent=P,garbage=P' -r
complete -c lineserver -l submits -d 'End after so many right submits' -r
complete -c lineserver -l max-seconds -d 'End after so many seconds' -r
complete -c lineserver -l events -d 'Write one JSON object per event to standard output instead of a log to standard error' -r -f -a "json\t''"
complete -c lineserver -l counts-every -d 'Report the draws and refusals so far every so many seconds' -r
complete -c lineserver -l write-file -d 'Write the served file there before listening; into a FIFO or a device as soon as it takes it' -r -F
complete -c lineserver -l tournament -d 'Never reply to SESSION RESET and SEND INCORRECT LINES'
complete -c lineserver -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lineserver -s V -l version -d 'Print version'
