/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/fault_injection.h"

#ifdef FFSCTL_TEST_HOOKS
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static const struct {
	const char *kill, *fail;
} words[] = {
	[FAULT_BEFORE] = { "kill-before", "fail" },
	[FAULT_AFTER] = { "kill-after", NULL },
	[FAULT_UNDO_BEFORE] = { "undo-kill-before", "undo-fail" },
	[FAULT_UNDO_AFTER] = { "undo-kill-after", NULL },
	[FAULT_RELOAD_BEFORE] = { "reload-kill-before", "reload-fail" },
	[FAULT_RELOAD_AFTER] = { "reload-kill-after", NULL },
	[FAULT_REVERT_BEFORE] = { "back-kill-before", "back-fail" },
	[FAULT_REVERT_AFTER] = { "back-kill-after", NULL },
	[FAULT_SWITCH] = { "switch-kill", NULL },
};

/*
 * Returns whether the list contains WORD=N. Sets *error to the errno that follows N; 0: no errno
 * follows.
 */
static bool find_fault(const char *word, size_t n, int *error)
{
	const char *list = getenv("FFSCTL_TEST_FAULT");

	while (word && list && *list && *list != ';') {
		size_t length = strcspn(list, ",;"), name = strlen(word), step = 0;

		*error = 0;
		if (length > name && strncmp(list, word, name) == 0 && list[name] == '=' &&
		    sscanf(list + name + 1, "%zu:%d", &step, error) >= 1 && step == n)
			return true;
		list += length + (list[length] == ',');
	}
	return false;
}

int fault_inject(enum fault_point when, size_t n)
{
	int error;

	if (find_fault(words[when].kill, n, &error))
		raise(SIGKILL);
	return find_fault(words[when].fail, n, &error) ? error : 0;
}

void fault_use_next_fault_list(void)
{
	const char *list = getenv("FFSCTL_TEST_FAULT"), *next = list ? strchr(list, ';') : NULL;

	if (list)
		setenv("FFSCTL_TEST_FAULT", next ? next + 1 : "", 1);
}
#endif
