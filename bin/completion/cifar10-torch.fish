# Completion of cifar10-torch for fish.
function _cifar10_torch
  # SHELL: plain words, without the descriptions that are for another kind of list.
  env SHELL=bash cifar10-torch --get-yargs-completions (commandline -opc) (commandline -ct) 2>/dev/null
end
complete -c cifar10-torch -a '(_cifar10_torch)'
