/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps of a gadget's plan as raw system calls: the lower limit for the time of `up` of a
 * gadget with functions of the kernel. report.py generates the steps from `ffsctl up --dry-run
 * --json`.
 *
 *   rawplan UDC     brings it up
 *   rawplan down    removes it
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind { DIRECTORY, WRITE, LINK };

static const struct step {
	enum kind kind;
	const char *path, *value;
	size_t size;
} steps[] = {
#include "rawplan.inc"
};

#define COUNT (sizeof(steps) / sizeof(steps[0]))

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void put(const char *path, const char *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size, path);
	close(fd);
}

static void up(const char *udc)
{
	for (size_t i = 0; i < COUNT; i++) {
		const struct step *s = &steps[i];

		if (s->kind == DIRECTORY)
			must(mkdir(s->path, 0755) == 0 || errno == EEXIST, s->path);
		else if (s->kind == LINK)
			must(symlink(s->value, s->path) == 0, s->path);
		else
			put(s->path, s->value, s->size);
	}
	put(GADGET "/UDC", udc, strlen(udc));
}

static void down(void)
{
	put(GADGET "/UDC", "\n", 1);
	for (size_t i = COUNT; i-- > 0;) {
		if (steps[i].kind == LINK)
			must(unlink(steps[i].path) == 0, steps[i].path);
		else if (steps[i].kind == DIRECTORY) /* the kernel removes some itself */
			must(rmdir(steps[i].path) == 0 || errno == EPERM, steps[i].path);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 64;
	if (strcmp(argv[1], "down") == 0)
		down();
	else
		up(argv[1]);
	return 0;
}
