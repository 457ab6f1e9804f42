#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Prints sandbox.list as a C table: the system calls that the architecture has, and the permissions
# that are needed for them.
cat <<'C'
/* Made by src/process/sandbox.sh from src/process/sandbox.list. */
#include <sys/syscall.h>

#include "process/sandbox.h"

const struct sandbox_call sandbox_calls[] = {
C
awk '!/^#/ && NF {
	needs = $1 == "base" ? "0" : "SANDBOX_" toupper($1)
	for (i = 2; i <= NF; i++)
		printf "#ifdef SYS_%s\n\t{ SYS_%s, %s },\n#endif\n", $i, $i, needs
}' "$1"
cat <<'C'
};
const size_t sandbox_n_calls = sizeof(sandbox_calls) / sizeof(sandbox_calls[0]);
C
