/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measures the times of commands in turn, from fork to wait, without a shell.
 *
 *   turns ROUNDS < SCRIPT
 *
 * A line of the script is `LABEL COMMAND ARG...`, separated by blanks. Each round runs every line
 * once, so that all have the same conditions. The label `-` is not measured. If a command fails the
 * program fails. Prints a line for each measured run: LABEL NANOSECONDS.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../spawn.h"

#define LINES 32
#define WORDS 32

struct line {
	char *label;
	char *argv[WORDS + 1];
};

static uint64_t run(char **argv, int null)
{
	uint64_t start = now();
	int status = spawn(argv, null);

	if (status != 0) {
		fprintf(stderr, "turns: %s failed (status %#x)\n", argv[0], status);
		exit(1);
	}
	return now() - start;
}

int main(int argc, char **argv)
{
	static struct line lines[LINES];
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), rounds = argc == 2 ? atoi(argv[1]) : 0,
	    n = 0;
	char *text = NULL;
	size_t size = 0;

	while (n < LINES && getline(&text, &size, stdin) > 0) {
		char *line = strdup(text), *rest = NULL;
		int words = 0;

		lines[n].label = strtok_r(line, " \n", &rest);
		while (words < WORDS && (lines[n].argv[words] = strtok_r(NULL, " \n", &rest)))
			words++;
		n += lines[n].label && words > 0;
	}
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < n; i++) {
			uint64_t ns = run(lines[i].argv, null);

			if (strcmp(lines[i].label, "-") != 0)
				printf("%s %llu\n", lines[i].label, (unsigned long long)ns);
		}
	}
	return rounds > 0 && n > 0 ? 0 : 64;
}
