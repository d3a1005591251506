# Completion of cifar10-torch for bash.
_cifar10_torch() {
  local line="${COMP_LINE:0:COMP_POINT}" typed before found
  local -a words
  read -ra words <<<"$line"
  [[ "$line" == *' ' ]] && words+=('')
  typed="${words[-1]}"
  # bash takes "=" for the end of a word: what stands before it is not to be typed again.
  before="${typed%"${typed##*[=:]}"}"
  COMPREPLY=()
  while IFS= read -r found; do
    [[ "$found" == "$typed"* ]] && COMPREPLY+=("${found#"$before"}")
  done < <(cifar10-torch --get-yargs-completions "${words[@]}" 2>/dev/null)
  [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *= ]] && compopt -o nospace
  return 0
}
complete -o bashdefault -o default -F _cifar10_torch cifar10-torch
