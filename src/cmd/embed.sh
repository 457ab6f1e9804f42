#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# embed.sh ARRAY FILE... [-- ARRAY FILE...]: prints C source with these arrays of embedded_files.h. Called by
# the build.
set -eu
# The same order in every locale
LC_ALL=C
export LC_ALL

array() {
	name=$1
	shift
	printf '\nconst struct embedded_file %s[] = {\n' "$name"
	for file in "$@"; do
		printf '%s\t%s\n' "${file##*/}" "$file"
	done | sort | while IFS='	' read -r base file; do
		printf '{ "%s",\n' "$base"
		sed -e 's/[\\"]/\\&/g' -e 's/	/\\t/g' -e 's/.*/"&\\n"/' "$file"
		printf '},\n'
	done
	printf '{ 0, 0 }\n};\n'
}

printf '/* Made by src/cmd/embed.sh. */\n#include "cmd/embedded_files.h"\n'
while [ $# -gt 0 ]; do
	words=
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		words="$words $1"
		shift
	done
	[ $# -eq 0 ] || shift
	# shellcheck disable=SC2086 # file names of make contain no spaces
	array $words
done
