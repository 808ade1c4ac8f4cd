# Completion for jcn, jcnctl, jcn-export and jcn-transcode. The words come from the programs' own help.

_jcn_words() { # _jcn_words PROGRAM [COMMAND]: options, and the commands
  "$@" --help 2>/dev/null | sed -nE 's/^ +(-[a-z], ?)?(--[a-z-]+).*/\2/p; s/^  ([a-z]+)  +[a-z].*/\1/p'
}

_jcn_complete() {
  local current=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]} words
  local asked=("$program")
  case ${program##*/} in
    jcnctl) [[ $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} != -* ]] && asked+=("${COMP_WORDS[1]}") ;;
  esac
  case $current in
    */* | .*) ;;
    *)
      words=$(_jcn_words "${asked[@]}")
      mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
      ;;
  esac
  [[ ${#COMPREPLY[@]} -gt 0 ]] || mapfile -t COMPREPLY < <(compgen -f -- "$current")
}

complete -o filenames -F _jcn_complete jcn jcnctl jcn-export jcn-transcode
