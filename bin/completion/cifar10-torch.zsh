#compdef cifar10-torch
# Completion of cifar10-torch for zsh.
_cifar10_torch() {
  local -a found
  # SHELL: plain words, without the descriptions that are for another kind of list.
  found=("${(@f)$(SHELL=bash cifar10-torch --get-yargs-completions "${words[@]}" 2>/dev/null)}")
  found=("${(@)found:#}")
  # No space behind a key: its value is still to come.
  compadd -Q -S '' -- "${(@M)found:#*=}" && return
  compadd -Q -- "${(@)found:#*=}" || _default
}
if [[ "${zsh_eval_context[-1]}" == "loadautofunc" ]]; then
  _cifar10_torch "$@"
else
  compdef _cifar10_torch cifar10-torch
fi
