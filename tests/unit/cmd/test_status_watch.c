/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status --watch, beside a machine that changes while it is being looked at. */
#include "config.h"

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
 * The gadgets that are there. A gadget comes right behind the first look, before anything of its
 * directory can be known; and SIGTERM, so that nothing else is shown than what is found at once.
 */
static json_t *look(void *data, struct error *err _unused_)
{
	bool *looked = data;
	json_t *gadgets = json_array();

	if (access(gadget_dir, F_OK) == 0)
		json_array_append_new(gadgets,
				      json_pack("{s:s, s:s}", "name", "late", "state", "foreign"));
	if (!*looked && (mkdir(gadget_dir, 0700) < 0 || raise(SIGTERM) != 0))
		_exit(99);
	*looked = true;
	return gadgets;
}

Test(watch, what_comes_between_the_first_look_and_the_watching_is_shown)
{
	const struct globals globals = { .paths = { .run_dir = run_dir, .configfs = top } };
	char shown[256];
	int out[2], status;
	size_t n;
	pid_t pid;
	FILE *f;

	cr_assert_eq(pipe(out), 0);
	pid = fork(); /* its signals are its own */
	if (pid == 0) {
		bool looked = false;

		dup2(out[1], STDOUT_FILENO);
		_exit(status_watch(&globals, false, look, &looked));
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
