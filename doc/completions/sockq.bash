# bash completion of sockq: sockq itself says what may come next.
# For this shell: source <(sockq completion bash)

_sockq() {
    local line=${COMP_LINE:0:COMP_POINT} word quote= i
    local -a words=()

    # The words as the shell will see them: COMP_WORDS is split at = and : as well.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 0)) && [[ $line != [[:space:]]* ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        line=${line#"${line%%[![:space:]]*}"}
        if ((i == COMP_CWORD)); then
            words[-1]=${words[-1]%"$word"}$line
        fi
        line=${line#"$word"}
    done
    case ${words[-1]} in
    \'* | \"*) quote=${words[-1]:0:1} ;;
    esac
    for ((i = 1; i < ${#words[@]}; i++)); do
        word=${words[i]}
        case $word in
        \'*) word=${word#\'} word=${word%\'} ;;
        \"*) word=${word#\"} word=${word%\"} ;;
        *) word=${word//\\/} ;;
        esac
        words[i]=$word
    done
    local current=${words[-1]} before=
    # Readline replaces only what stands behind the last = or : of a word.
    [[ $quote || $current != *[=:]* ]] || before=${current%"${current##*[=:]}"}

    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        $'\tjoined') compopt -o nospace ;;
        $'\tfiles') _sockq_files -f ;;
        $'\tfolders') _sockq_files -d ;;
        $'\tlua') _sockq_files -f -X '!*.lua' && _sockq_files -d ;;
        *)
            word=${line%%$'\t'*}
            word=${word#"$before"}
            [[ $quote ]] || word=${word//[()]/\\&}
            COMPREPLY+=("$word")
            ;;
        esac
    done < <("${words[0]}" completion words -- "${words[@]:1}" 2>/dev/null)
}

# Names of files that begin like the current word.
_sockq_files() {
    compopt -o filenames
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$@" -- "${current#"$before"}")
}

complete -F _sockq sockq
