# fish completion of sockq: sockq itself says what may come next.
# For this shell: sockq completion fish | source

function __sockq_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    for line in ($before[1] completion words -- $before[2..-1] $current 2>/dev/null)
        switch $line
            case \tfiles
                __fish_complete_path $current
            case \tfolders
                __fish_complete_directories $current ''
            case \tlua
                __fish_complete_suffix .lua
            case \tjoined
            case '*'
                echo $line
        end
    end
end

complete -c sockq -f -a '(__sockq_complete)'
