// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs a fuzz target over the files of the directories on its command line, without libFuzzer:
 * what once was found stays fixed. Speaks TAP, one test for each directory.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* False: not a regular file that can be read. */
static bool feed(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ uint8_t *data = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	data = xcalloc((size_t)st.st_size, 1);
	n = read(fd, data, (size_t)st.st_size);
	if (n != st.st_size)
		return false;
	/* A crash is to be attributable: the name is out before the target runs. */
	fprintf(stderr, "# %s\n", path);
	LLVMFuzzerTestOneInput(data, (size_t)n);
	return true;
}

static size_t feed_directory(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	if (!d)
		return 0;
	for (const struct dirent *e; (e = readdir(d));) {
		_cleanup_free_ char *path = strf("%s/%s", dir, e->d_name);

		n += feed(path);
	}
	closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	int failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		size_t n = feed_directory(argv[i]);

		/* A corpus that is not there proves nothing. */
		failed |= n == 0;
		printf("%s %d - %zu files of %s\n", n > 0 ? "ok" : "not ok", i, n, argv[i]);
	}
	return failed;
}
