# bash completion for usher(8)

_usher_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_usher_rules() {
    local before=""
    [[ $1 == *,* ]] && before=${1%,*},
    local rules
    rules=$("${COMP_WORDS[0]}" lint --rules 2>/dev/null | awk -v before="$before" '{ print before $1 }')
    _usher_words "$rules" "$1"
}

_usher() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    COMPREPLY=()
    # "--rule=x" comes as three words when "=" parts words
    if [[ $word == "=" ]]; then
        word=""
    elif [[ $previous == "=" ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case $previous in
    -s) _usher_words "stop quit reload reopen" "$word"; return ;;
    -p | --manual) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    -c | -e) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    --format) _usher_words "text json sarif" "$word"; return ;;
    --rule | --disable) _usher_rules "$word"; return ;;
    esac
    if ((COMP_CWORD == 1)); then
        if [[ $word == -* ]]; then
            _usher_words "-h -v -V -t -T -q -s -p -e -c -g" "$word"
        else
            _usher_words "explain fmt help lint proxy" "$word"
        fi
        return
    fi
    case $command:$word in
    help:-*) _usher_words "--names --manual" "$word" ;;
    help:*) _usher_words "$("${COMP_WORDS[0]}" help --names 2>/dev/null)" "$word" ;;
    fmt:-*) _usher_words "-w --check" "$word" ;;
    lint:-*) _usher_words "--format= --rule= --disable= --rules -p" "$word" ;;
    explain:-*) _usher_words "-H --from --sni --http -p" "$word" ;;
    proxy:*) _usher_words "--from --to" "$word" ;;
    -*:-*) _usher_words "-h -v -V -t -T -q -s -p -e -c -g" "$word" ;;
    explain:*)
        if ((COMP_CWORD == 3)); then
            _usher_words "GET HEAD POST PUT DELETE PATCH OPTIONS" "$word"
        else
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
        fi
        ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    esac
    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2>/dev/null
}

complete -o filenames -F _usher usher
