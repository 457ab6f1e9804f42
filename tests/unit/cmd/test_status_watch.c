/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `status --watch` while gadgets change at the same time. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "cmd/status_watch.h"

static char top[] = "/tmp/ffsctl-watch-XXXXXX";
static char *run_dir, *gadgets_dir, *gadget_dir;

static void make_dirs(void)
{
	cr_assert_not_null(mkdtemp(top));
	run_dir = strf("%s/run", top);
	gadgets_dir = strf("%s/usb_gadget", top);
	gadget_dir = strf("%s/late", gadgets_dir);
	cr_assert_eq(mkdir(run_dir, 0700) + mkdir(gadgets_dir, 0700), 0);
}

static void remove_dirs(void)
{
	rmdir(gadget_dir);
	rmdir(gadgets_dir);
	rmdir(run_dir);
	rmdir(top);
	free(gadget_dir);
	free(gadgets_dir);
	free(run_dir);
}

TestSuite(watch, .init = make_dirs, .fini = remove_dirs);

/*
 * Returns the gadgets that exist. Right after the first read it makes a gadget, which is not
 * watched yet, and raises SIGTERM, so that only what is read at once is printed.
 */
static void read_gadgets(void *data, struct gadget_statuses *gadgets, struct error *err _unused_)
{
	bool *done = data;

	if (access(gadget_dir, F_OK) == 0)
		*array_add(gadgets->list, gadgets->n) =
			(struct gadget_status){ .name = xstrdup("late"), .state = STATUS_FOREIGN };
	if (!*done && (mkdir(gadget_dir, 0700) < 0 || raise(SIGTERM) != 0))
		_exit(99);
	*done = true;
}

Test(watch, prints_a_gadget_that_appears_between_the_first_read_and_the_watch)
{
	const struct globals globals = { .paths = { .run_dir = run_dir,
						    .configfs_mount_point = top } };
	char shown[256];
	int out[2], status;
	size_t n;
	pid_t pid;
	FILE *f;

	cr_assert_eq(pipe(out), 0);
	pid = fork(); /* a process with its own signals */
	if (pid == 0) {
		bool done = false;

		dup2(out[1], STDOUT_FILENO);
		_exit(status_watch(&globals, false, read_gadgets, &done));
	}
	close(out[1]);
	f = fdopen(out[0], "r");
	n = fread(shown, 1, sizeof(shown) - 1, f);
	shown[n] = '\0';
	fclose(f);
	waitpid(pid, &status, 0);
	cr_expect_eq(status, 0);
	cr_expect_str_eq(shown, "late: foreign\n");
}
