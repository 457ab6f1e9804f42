// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks ${...} in strings of the `worker` group, and loads its environment. */
#include "base/cleanup.h"
#include "base/text.h"
#include "gadgetfile/types/attrs.h"

/* Variables for ${...} (ffsctl-gadget(5), `exec`), expanded when the worker is started. */
static const char *const variables[] = { "dir",	  "device", "device_name", "ifname",
					 "mount", "gadget", "function" };

/*
 * Returns whether the function may have a network interface. A function of an unknown type may have
 * any kernel device.
 */
static bool may_have_ifname(const struct function *f)
{
	return !function_type_find(f->type) ||
	       function_type_device(f->type) == FUNCTION_DEVICE_NETWORK;
}

static bool may_have_device_file(const struct function *f)
{
	const enum function_device device = function_type_device(f->type);

	return !function_type_find(f->type) ||
	       (device != FUNCTION_DEVICE_NONE && device != FUNCTION_DEVICE_NETWORK);
}

/* Returns why the variable is undefined for this function; NULL if it is defined. */
static const char *why_undefined(const struct function *f, const char *variable)
{
	const bool is_device = streq(variable, "device") || streq(variable, "device_name");

	if (streq(variable, "ifname") && f->ffs)
		return "an ffs function has no network interface";
	if (streq(variable, "ifname") && !may_have_ifname(f))
		return "a function of this type has no network interface";
	if (is_device && f->ffs && !f->ffs->endpoint_file_symlink.value)
		return "'ffs' sets no 'device'";
	if (is_device && !f->ffs && !may_have_device_file(f))
		return "a function of this type has no device file";
	if (streq(variable, "mount") && !f->ffs)
		return "only an ffs function has a mount";
	return NULL;
}

/*
 * Adds an error if ${...} in a string of `exec` or `env` is wrong. The supervisor expands the
 * variables when it starts the worker, but only the loader can report the position of an error.
 */
void load_check_variables_in_string(struct load *l, struct node *value)
{
	const struct function *f = &l->gadget->functions[l->gadget->n_functions - 1];

	for (const char *p = value->text; (p = strstr(p, "${")); p++) {
		size_t n = strcspn(p + 2, "}");
		_cleanup_free_ char *name = NULL, *shown = NULL;
		const char *why;
		bool known = false;

		if (p[2 + n] != '}') {
			load_error(l, value, "'${' without '}'");
			return;
		}
		name = xstrndup(p + 2, n);
		for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
			known |= streq(name, variables[i]);
		if (!known) {
			shown = text_replace_unprintable(name, n);
			load_error(l, value, "unknown variable '${%s}'", shown);
			diags_hint(l->diags,
				   "use ${dir}, ${gadget}, ${function}, ${mount}, ${device}, "
				   "${device_name} or ${ifname}, and $NAME for a variable of the "
				   "shell");
			return;
		}
		why = l->has_syntax_error ? NULL : why_undefined(f, name);
		if (why) {
			load_error(l, value, "'${%s}' is undefined: %s", name, why);
			return;
		}
	}
}

static bool is_env_name(const char *name)
{
	for (const char *p = name; *p; p++)
		if (*p == '-' || *p == '*')
			return false;
	return true;
}

/* Returns whether ffsctl sets the variable itself (ffsctl-worker(7)). */
static bool is_reserved_env(const char *name)
{
	return str_has_prefix(name, "FFSCTL_") || str_has_prefix(name, "LISTEN_") ||
	       streq(name, "NOTIFY_SOCKET") || streq(name, "NOTIFY_FD");
}

void set_env(struct load *l, const struct key *k, struct node *value, void *field)
{
	struct worker *w = &((struct worker_settings *)field)->worker;

	load_group(l, k->group, value, NULL);
	node_foreach(item, value) {
		struct env_var *var;

		if (item->has_error)
			continue;
		if (!is_env_name(item->name)) {
			diag_error(l->diags, &item->name_at,
				   "a variable's name must consist of letters, digits and "
				   "underscores");
			continue;
		}
		if (is_reserved_env(item->name)) {
			diag_error(l->diags, &item->name_at,
				   "'%s' cannot be set here, because ffsctl sets this variable",
				   item->name);
			continue;
		}
		/* A number is passed as it is written, also to a worker that the document
		 * describes. */
		if (item->type == NODE_INT)
			node_set_text(l->scan, item, item->text);
		load_check_variables_in_string(l, item);
		var = array_add(w->env, w->n_env);
		var->name = xstrdup(item->name);
		var->value = xstrdup(item->text);
		var->at = position_of_range(l, &item->name_at);
	}
}
