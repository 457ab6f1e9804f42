/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the program of a worker, and explains why a program cannot be executed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "process/spawn.h"

/* Size of what the kernel reads of a program for its first line (BINPRM_BUF_SIZE), in bytes. */
#define FIRST_LINE_SIZE 256

/* Reads the first bytes of a regular file; returns an empty text if that is not possible. */
static void read_first_bytes(const char *path, char text[FIRST_LINE_SIZE])
{
	/* Opening a FIFO could block. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, FIRST_LINE_SIZE - 1);

	text[n > 0 ? n : 0] = '\0';
}

/* Adds how a program and its arguments are written, if the name is both of them in one string. */
static bool add_hint_about_words(const char *name, struct error *err)
{
	_cleanup_free_ char *rest = xstrdup(name), *words = NULL;
	char *state = NULL;

	if (!strpbrk(name, " \t"))
		return false;
	for (char *word = strtok_r(rest, " \t", &state); word;
	     word = strtok_r(NULL, " \t", &state)) {
		_cleanup_free_ char *before = words;

		words = strf("%s%s\"%s\"", before ? before : "", before ? ", " : "", word);
	}
	if (words)
		error_add_hint(err, "arguments are separate strings: exec = [ %s ]", words);
	return words;
}

/* Adds why the interpreter in the first line of a script does not exist. */
static void add_hint_about_interpreter(const char *path, const char *first_bytes, struct error *err)
{
	const char *start = str_after(first_bytes, "#!");
	size_t blanks = start ? strspn(start, " \t") : 0;
	_cleanup_free_ char *line =
		start ? xstrndup(start + blanks, strcspn(start + blanks, "\n")) : NULL;
	size_t length = line ? strcspn(line, " \t\r") : 0;

	if (!line)
		error_add_hint(err, "the program is for another machine or C library: its loader "
				    "does not exist");
	else if (line[length] == '\r')
		error_add_hint(err,
			       "the first line of the script ends with CR: "
			       "'sed -i \"s/\\r$//\" %s' removes it",
			       path);
	else
		error_add_hint(err, "the interpreter %.*s in its first line does not exist",
			       (int)length, line);
}

int spawn_add_execute_hint(const char *path, struct error *err)
{
	char first_bytes[FIRST_LINE_SIZE];
	bool is_program, nobody_may;
	struct stat st;

	if (stat(path, &st) < 0) {
		add_hint_about_words(path, err);
		return -err->errno_value;
	}
	if (S_ISDIR(st.st_mode))
		return error_add_hint(err, "it is a directory");
	if (!S_ISREG(st.st_mode))
		return -err->errno_value;
	read_first_bytes(path, first_bytes);
	is_program = str_has_prefix(first_bytes, "#!") || str_has_prefix(first_bytes, "\177ELF");
	nobody_may = err->errno_value == EACCES && !(st.st_mode & 0111);
	if (nobody_may && is_program)
		error_add_hint(err, "'chmod +x %s' makes it executable", path);
	else if (nobody_may || (err->errno_value == ENOEXEC && !is_program))
		error_add_hint(err, "a script needs a first line such as #!/bin/sh");
	else if (err->errno_value == EACCES)
		error_add_hint(err, "the worker's user needs permission to execute the program, "
				    "and to search each directory of its path");
	else if (err->errno_value == ENOENT)
		add_hint_about_interpreter(path, first_bytes, err);
	return -err->errno_value;
}

int spawn_check_executable(const char *path, struct error *err)
{
	struct stat st;
	int e = access(path, X_OK) < 0 ? errno : 0;

	/* Root may "execute" a directory: search it. */
	if (e == 0 && stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		e = EACCES;
	if (e == 0)
		return 0;
	error_errno(err, EX_UNAVAILABLE, e, path, "cannot execute %s", path);
	return spawn_add_execute_hint(path, err);
}

int spawn_find_program(const char *name, const char *gadget_file_dir, char **out,
		       const struct position *at, struct error *err)
{
	_cleanup_free_ char *path =
		xstrdup(getenv("PATH") ? getenv("PATH") : "/usr/sbin:/usr/bin:/sbin:/bin");
	_cleanup_free_ char *beside = strf("%s/%s", gadget_file_dir, name);
	char *rest = NULL;

	for (char *dir = strtok_r(path, ":", &rest); dir; dir = strtok_r(NULL, ":", &rest)) {
		char *candidate = strf("%s/%s", dir, name);

		/* Ignores relative directories in PATH, because they depend on the working
		 * directory. */
		if (*dir == '/' && access(candidate, X_OK) == 0) {
			*out = candidate;
			return 0;
		}
		free(candidate);
	}
	error_set(err, EX_UNAVAILABLE, ENOENT, NULL, "cannot find the program '%s' in PATH", name);
	if (path_exists(beside))
		error_add_hint(err, "\"./%s\" is the file beside the gadget file", name);
	else
		add_hint_about_words(name, err);
	return error_set_position(err, at);
}
