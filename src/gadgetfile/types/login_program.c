// SPDX-License-Identifier: GPL-2.0-or-later
/* Warns about settings with which a program that logs users in does not work. */
#include "gadgetfile/types/attrs.h"

bool is_login_program(const struct worker *w)
{
	static const char *const programs[] = { "agetty", "getty", "mgetty", "mingetty", "login" };

	for (size_t i = 0; w->argv && w->argv[0] && i < ARRAY_SIZE(programs); i++)
		if (streq(path_last_component(w->argv[0]), programs[i]))
			return true;
	return false;
}

/* agetty puts "/dev/" before the name of the line. */
static void warn_about_path_of_line(struct load *l, const struct node *exec)
{
	node_foreach(item, exec) {
		if (item->type != NODE_STRING || !streq(item->text, "${device}"))
			continue;
		diag_warning(l->diags, &item->at,
			     "agetty takes the name of the line without /dev/");
		diags_hint(l->diags, "write \"${device_name}\"");
	}
}

/* Returns whether an argument is --wait-cr, or -w alone or among other options of one letter. */
static bool waits_for_enter(const struct worker *w)
{
	for (char *const *argument = w->argv; *argument; argument++)
		if (streq(*argument, "--wait-cr") ||
		    ((*argument)[0] == '-' && (*argument)[1] != '-' && strchr(*argument, 'w')))
			return true;
	return false;
}

void load_check_login_program(struct load *l, const struct worker *w, const struct node *node)
{
	const struct node *exec = node_member(node, "exec");
	const char *name;

	if (!exec || !exec->first_child || !is_login_program(w))
		return;
	name = path_last_component(w->argv[0]);
	warn_about_path_of_line(l, exec);
	if (w->user.value && !w->process_limits.keep_all_privileges) {
		diag_warning(l->diags, &exec->first_child->at,
			     "without root's privileges %s ends at once, and prints nothing", name);
		diags_hint(l->diags, "write privileges = \"keep\"");
	}
	if (w->restart_when == RESTART_ALWAYS && w->restart_limit > 0) {
		diag_warning(l->diags, &exec->first_child->at,
			     "each logout is a restart, and more than %u in %g s disconnect the "
			     "gadget",
			     w->restart_limit, w->restart_window);
		diags_hint(l->diags, "write restart_limit = 0 and restart_max_delay = 1");
	}
	if (!streq(name, "login") && !waits_for_enter(w)) {
		diag_warning(l->diags, &exec->first_child->at,
			     "%s takes its own prompt for a user's name if the host sends it back",
			     name);
		diags_hint(l->diags, "add \"-w\", with which it waits for Enter");
	}
}
