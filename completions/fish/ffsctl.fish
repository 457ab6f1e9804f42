# SPDX-License-Identifier: GPL-2.0-or-later
# ffsctl itself generates the completions. 'ffsctl completion fish' prints this file.

function __ffsctl_words
    set -l words (commandline -opc)
    $words[1] completion --words -- $words[2..] "$(commandline -ct)" 2>/dev/null
end

function __ffsctl_no_words
    test -z "$(__ffsctl_words)"
end

complete -c ffsctl -f -a '(__ffsctl_words)'
complete -c ffsctl -n __ffsctl_no_words -F
