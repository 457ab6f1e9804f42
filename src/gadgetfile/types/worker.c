// SPDX-License-Identifier: GPL-2.0-or-later
/* Loads the group `worker` of a function. */
#include <linux/usb/ch9.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "gadgetfile/types/attrs.h"

static void load_plugin(struct load *l, struct worker *w, struct node *value)
{
	const char *name = value->text;

	w->kind = WORKER_PLUGIN;
	w->program_at = position_of_range(l, &value->at);
	if (strchr(name, '/')) {
		w->plugin = load_absolute_path(l, value);
		return;
	}
	for (const char *p = name; *p; p++) {
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *p))
			continue;
		load_error(l, value,
			   "a plugin's name must consist of letters, digits, '.', '_' and '-'");
		diags_hint(l->diags, "a path has a '/'");
		return;
	}
	if (name[0] == '.') {
		load_error(l, value, "a plugin's name must not begin with '.'");
		diags_hint(l->diags, "a path has a '/'");
	}
	w->plugin = xstrdup(name);
}

/* Makes a list of a program that is written as a string. */
static void wrap_exec_string_in_list(struct load *l, struct node *value)
{
	if (strpbrk(value->text, " \t")) {
		load_error(l, value, "a string in 'exec' is one program, without arguments");
		diags_hint(l->diags, "write a list: exec = [ \"program\", \"argument\" ]");
	}
	node_wrap_in_list(l->scan, value);
}

static void load_exec(struct load *l, struct worker *w, struct node *list)
{
	size_t n = 0;

	if (list->type == NODE_STRING)
		wrap_exec_string_in_list(l, list);
	w->kind = WORKER_EXEC;
	if (list->first_child)
		w->program_at = position_of_range(l, &list->first_child->at);
	w->argv = xcalloc(list->n_children + 1, sizeof(char *));
	node_foreach(item, list) {
		if (item->has_error)
			continue;
		load_check_variables_in_string(l, item);
		if (n == 0 && !*item->text && !item->has_error)
			load_error(l, item, "the name of the program is empty");
		if (n == 0 && strchr(item->text, '/') && !str_has_prefix(item->text, "${"))
			w->argv[n++] = load_absolute_path(l, item);
		else
			w->argv[n++] = xstrdup(item->text);
	}
}

/*
 * Loads 'plugin' or 'exec', exactly one of which must be set. Returns false after adding an error.
 */
static bool load_plugin_or_exec(struct load *l, struct worker_settings *d, struct node *node)
{
	struct node *plugin = node_member(node, "plugin"), *exec = node_member(node, "exec");

	if (plugin && exec) {
		diag_error(l->diags, &exec->name_at,
			   "a worker is either a 'plugin' or a program ('exec'), not both");
		return false;
	}
	if (!plugin && !exec && !l->has_syntax_error)
		diag_error(l->diags, &node->name_at, "a worker needs 'plugin' or 'exec'");
	if (d->plugin)
		load_plugin(l, &d->worker, d->plugin);
	if (d->exec)
		load_exec(l, &d->worker, d->exec);
	return plugin || exec;
}

/*
 * Adds an error about the setting `key`, if the file has it: `why` says why the setting does not
 * apply to this worker.
 */
static void error_setting_not_applicable(struct load *l, const struct node *node, const char *key,
					 const char *why)
{
	struct node *setting = node_member(node, key);

	if (setting && !setting->has_error)
		diag_error(l->diags, &setting->name_at, "'%s' %s", key, why);
}

static enum worker_start default_start_moment(const struct function *f)
{
	return f->ffs || function_type_device(f->type) == FUNCTION_DEVICE_TTY ? START_CREATED
									      : START_BOUND;
}

static bool has_string_with(const struct interface *interface, const char *word)
{
	for (size_t i = 0; i < interface->string.n_texts; i++)
		if (strstr(interface->string.texts[i].text, word))
			return true;
	return false;
}

/*
 * Returns whether a halt would be the end for the host: the usual programs of these protocols never
 * clear one. Each message has a header or is one packet, so that the worker recognizes the rest of
 * a cut one, and the programs have a time limit for the answer (doc/halts.md).
 */
static bool host_never_clears_halt(const struct interface *interface)
{
	enum { SUBCLASS_USBTMC = 3 };

	switch (interface->class) {
	case USB_CLASS_CSCID:
		return true;
	case USB_CLASS_APP_SPEC:
		return interface->subclass == SUBCLASS_USBTMC;
	case USB_CLASS_VENDOR_SPEC:
		/* By this word in the string, hosts find a debug probe. */
		return has_string_with(interface, "CMSIS-DAP");
	default:
		return false;
	}
}

static enum worker_on_crash default_on_crash(const struct function *f)
{
	if (!f->ffs || f->ffs->n_interfaces == 0)
		return CRASH_STALL;
	for (size_t i = 0; i < f->ffs->n_interfaces; i++)
		if (!host_never_clears_halt(&f->ffs->interfaces[i]))
			return CRASH_STALL;
	return CRASH_HOLD;
}

static void set_worker_defaults(struct worker *w, const struct function *f, const struct node *node,
				size_t n_functions)
{
	bool exec = w->kind == WORKER_EXEC;

	if (!node_member(node, "start"))
		w->start_when = default_start_moment(f);

	if (!node_member(node, "blocking"))
		w->blocking_io = exec;
	if (!node_member(node, "sandbox"))
		w->sandbox = !exec;
	if (exec || !node_member(node, "allow"))
		w->sandbox_permissions |= worker_default_permissions(w);
	if (!node_member(node, "ready"))
		w->ready_when = w->opens_ep0 ? READY_INSTANCE : exec ? READY_STARTED : READY_NOTIFY;
	if (!node_member(node, "on_crash"))
		w->on_crash = default_on_crash(f);
	if (!node_member(node, "on_failed"))
		w->on_failed =
			n_functions > 1 && !worker_holds_ep0(w) ? FAILED_STALL : FAILED_UNBIND;
	if (!w->working_directory)
		w->working_directory = xstrdup("/");
}

static void check_worker_times(struct load *l, struct worker *w, const struct node *node)
{
	struct node *delay = node_member(node, "restart_delay"),
		    *max = node_member(node, "restart_max_delay"),
		    *start = node_member(node, "start_timeout"),
		    *window = node_member(node, "restart_window");

	if (w->restart_delay > w->restart_max_delay) {
		if (max && !max->has_error && delay && !delay->has_error)
			load_error(l, max,
				   "'restart_max_delay' must not be less than 'restart_delay'");
		else if (max && !max->has_error)
			w->restart_delay = w->restart_max_delay;
		else
			w->restart_max_delay = w->restart_delay;
	}
	if (start && !start->has_error && w->start_timeout <= 0)
		load_error(l, start, "'start_timeout' must be more than 0");
	if (window && !window->has_error && w->restart_window <= 0)
		load_error(l, window, "'restart_window' must be more than 0");
}

static void check_ready_setting_of_plugin(struct load *l, const struct worker *w,
					  const struct node *node)
{
	struct node *ready = node_member(node, "ready");

	if (ready && !ready->has_error && w->ready_when != READY_NOTIFY)
		load_error(l, ready, "a plugin needs ready = \"notify\", not \"%s\"", ready->text);
}

static void check_exec_settings(struct load *l, const struct node *node)
{
	error_setting_not_applicable(l, node, "options",
				     "is for plugins: a program has its arguments in 'exec'");
	error_setting_not_applicable(l, node, "io", "is for plugins: a program does its own I/O");
}

#define WORKER_READS_EP0 "has no effect: the worker reads the control requests from ep0 itself"

/* Adds errors about settings that do not apply to a worker that gets no endpoints from ffsctl. */
static void check_worker_without_endpoints(struct load *l, const struct function *f,
					   const struct worker_settings *d, const struct node *node,
					   const char *why)
{
	if (d->plugin)
		load_error(l, d->plugin, "a plugin needs endpoints, but %s", why);
	error_setting_not_applicable(l, node, "blocking", "is about endpoints that ffsctl opens");
	error_setting_not_applicable(l, node, "on_crash", "is about endpoints that ffsctl opens");
	error_setting_not_applicable(l, node, "control_timeout",
				     f->ffs ? WORKER_READS_EP0
					    : "has no effect: the kernel answers the control "
					      "requests of its functions");
}

/*
 * Adds errors about settings that do not apply to a worker of this type of function, or to a worker
 * that opens ep0.
 */
static void check_worker_fits_function(struct load *l, const struct function *f,
				       const struct worker_settings *d, const struct node *node)
{
	struct node *ready = node_member(node, "ready");

	if (f->ffs)
		error_setting_not_applicable(
			l, node, "start",
			"is for workers of kernel functions: a worker of FunctionFS starts before "
			"the bind");
	else
		check_worker_without_endpoints(l, f, d, node,
					       "a kernel function has no endpoint files");
	if (!f->ffs && d->worker.opens_ep0) {
		diag_error(l->diags, &node_member(node, "opens")->at,
			   "a kernel function has no ep0");
	} else if (d->worker.opens_ep0) {
		check_worker_without_endpoints(l, f, d, node,
					       "a daemon that opens ep0 also opens the "
					       "endpoints itself");
		error_setting_not_applicable(
			l, node, "on_failed",
			"has no effect: when a daemon closes ep0, the kernel unbinds the gadget");
		if (node_member(node, "on_failed"))
			diags_hint(l->diags, "with 'optional = true' in the function, the gadget "
					     "is bound again without it");
	} else if (ready && !ready->has_error && d->worker.ready_when == READY_INSTANCE) {
		load_error(l, ready,
			   "\"instance\" is for daemons that write their own descriptors "
			   "(opens = \"ep0\")");
	}
}

/* Adds errors about settings that exclude listen_fds = "systemd". */
static void check_listen_fds(struct load *l, const struct function *f,
			     const struct worker_settings *d, const struct node *node)
{
	struct node *setting = node_member(node, "listen_fds"), *ready = node_member(node, "ready");

	if (!setting || setting->has_error || d->worker.listen_fds != LISTEN_FDS_SYSTEMD)
		return;
	if (!f->ffs)
		load_error(l, setting, "a kernel function has no ep0 and no endpoint files");
	else if (d->plugin)
		load_error(l, setting, "\"systemd\" is for programs ('exec'), not for plugins");
	else if (d->worker.opens_ep0)
		load_error(
			l, setting,
			"a daemon that opens ep0 (opens = \"ep0\") gets no file descriptors of it");
	if (ready && !ready->has_error && d->worker.ready_when == READY_FD) {
		load_error(l, ready, "a program of systemd gets no file descriptor to report on");
		diags_hint(l->diags, "set ready = \"notify\", as with Type=notify");
	}
	if (d->worker.watchdog > 0 && d->worker.ready_when != READY_NOTIFY)
		error_setting_not_applicable(l, node, "watchdog",
					     "needs ready = \"notify\": a program of systemd gets "
					     "no control socket");
	error_setting_not_applicable(
		l, node, "on_crash",
		"has no effect: when the worker closes ep0, the kernel unbinds the gadget");
	error_setting_not_applicable(
		l, node, "on_failed",
		"has no effect: when the worker closes ep0, the kernel unbinds the gadget");
	error_setting_not_applicable(l, node, "control_timeout", WORKER_READS_EP0);
}

static char *options_json(const struct node *options)
{
	_cleanup_free_ char *text = NULL;
	json_t *json;

	if (!options)
		return xstrdup("{}");
	json = node_to_json(options);
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return xstrdup(text);
}

void load_worker(struct load *l, struct function *f, struct node *node)
{
	struct worker_settings d = { .worker = { .start_timeout = 10,
						 .stop_timeout = 5,
						 .control_timeout = 0.5,
						 .restart_delay = 1,
						 .restart_max_delay = 30,
						 .restart_limit = 5,
						 .restart_window = 60 } };

	load_group(l, &worker_keys, node, &d);
	d.worker.at = position_of_range(l, &node->name_at);
	d.worker.options_json = options_json(d.options);
	d.worker.options_at = d.options ? position_of_range(l, &d.options->at) : d.worker.at;
	d.worker.engine = d.engine.value;
	if (d.engine.node)
		d.worker.engine_at = position_of_range(l, &d.engine.node->at);
	d.worker.process_limits.keep_all_privileges = d.privileges.value == 1;
	d.worker.opens_ep0 = d.what_worker_opens.value == 1;
	if (load_plugin_or_exec(l, &d, node)) {
		check_worker_times(l, &d.worker, node);
		check_worker_fits_function(l, f, &d, node);
		check_listen_fds(l, f, &d, node);
		if (node_member(node, "plugin")) {
			check_ready_setting_of_plugin(l, &d.worker, node);
			if (f->ffs && !d.worker.opens_ep0)
				load_check_plugin_settings(l, f, &d, node);
		} else {
			check_exec_settings(l, node);
		}
	}
	set_worker_defaults(&d.worker, f, node, l->n_function_nodes);
	if (!d.worker.sandbox)
		error_setting_not_applicable(
			l, node, "allow",
			"needs a sandbox, but this worker has none: set sandbox = true");
	if (d.worker.process_limits.keep_all_privileges)
		error_setting_not_applicable(
			l, node, "capabilities",
			"has no effect: with privileges = \"keep\" the worker keeps all");
	if (d.worker.process_limits.keep_all_privileges && !d.worker.user.value)
		diag_error(l->diags, &d.privileges.node->at,
			   "privileges = \"keep\" needs 'user', because the worker gets the "
			   "privileges of that user: all of them if it is \"root\"");
	if (d.worker.process_limits.keep_all_privileges && !is_login_program(&d.worker)) {
		diag_warning(l->diags, &d.privileges.node->at,
			     "with \"keep\" the worker has all of root's privileges");
		diags_hint(l->diags, "list what the program needs in 'capabilities'");
	}
	load_check_login_program(l, &d.worker, node);
	f->worker = xcalloc(1, sizeof(*f->worker));
	*f->worker = d.worker;
}
