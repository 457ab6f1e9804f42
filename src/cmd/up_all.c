/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `up --all`: brings up each gadget in a separate child process, so that a failure does not affect
 * the others. With --json, merges the JSON output of the children.
 */
#include "cmd/up_all.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "rundir/control.h"

/* Results of the gadgets so far. */
struct up_all_progress {
	const struct up_all_options *options;
	const char *current_path;
	json_t *gadgets, *errors, *diagnostics; /* merged arrays of the children's JSON output */
	int exit_status;			/* exit status of the first failure */
};

static int bring_up_in_child(void *data)
{
	const struct up_all_progress *w = data;

	return w->options->bring_up_file(w->options->bring_up_data, w->current_path);
}

/*
 * Returns whether the gadget file has autostart = true. Also returns true for a file with syntax
 * errors, so that the child prints these errors.
 */
static bool is_autostart_or_unreadable(const struct globals *globals, const char *path)
{
	_cleanup_gadget_ struct gadget *g = NULL;
	_cleanup_error_ struct error err = { 0 };
	struct diags diags = { 0 };
	json_t *form = NULL;
	bool wanted;

	cmd_load_gadget_file_at(globals, path, NULL, NULL, GADGETFILE_TRUST_ALL, &g, &form, &diags,
				&err);
	wanted = g ? g->autostart : !form || json_is_true(json_object_get(form, "autostart"));
	json_decref(form);
	diags_free(&diags);
	return wanted;
}

static void report_failure(struct up_all_progress *w, int exit, const struct error *err)
{
	if (w->exit_status == 0)
		w->exit_status = exit;
	if (!err->exit)
		return; /* the child has printed the error */
	if (w->options->prints_json)
		json_array_append_new(w->errors, error_to_json(err));
	else
		cmd_print_error(err);
}

static void add_json_output_of_child(struct up_all_progress *w, int fd)
{
	json_t *output = lseek(fd, 0, SEEK_SET) == 0 ? json_loadfd(fd, 0, NULL) : NULL;

	/* If the output has no such member, json_object_get returns NULL, which adds nothing. */
	json_array_extend(w->gadgets, json_object_get(output, "gadgets"));
	json_array_extend(w->errors, json_object_get(output, "errors"));
	json_array_extend(w->diagnostics, json_object_get(output, "problems"));
	json_decref(output);
}

/* Brings up the gadget of one file. Returns false after SIGINT or SIGTERM. */
static bool bring_up_one_file(struct up_all_progress *w, const char *path)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_close_ int fd = -1;
	int exit;

	w->current_path = path;
	if (w->options->prints_json)
		fd = memfd_create("document", MFD_CLOEXEC);
	if (w->options->prints_json && fd < 0) {
		error_errno(&err, EX_OSERR, errno, NULL, "cannot create a file in memory");
		exit = err.exit;
	} else {
		exit = client_run_in_child(bring_up_in_child, w, fd, &err);
	}
	if (exit != 0) {
		if (err.exit)
			error_wrap(&err, "%s", path);
		report_failure(w, exit, &err);
	}
	if (fd >= 0)
		add_json_output_of_child(w, fd);
	return err.errno_value != ECANCELED;
}

/* With --json, prints the results of all gadgets. Returns the exit status. */
static int print_json_results(struct up_all_progress *w)
{
	json_t *output;

	if (!w->options->prints_json)
		return w->exit_status;
	output = cmd_new_json_output();
	json_object_set_new(output, "gadgets", w->gadgets);
	json_object_set_new(output, "errors", w->errors);
	json_object_set_new(output, "problems", w->diagnostics);
	return cmd_print_json_output(output, w->exit_status);
}

int bring_up_autostart_gadgets(const struct up_all_options *options)
{
	struct up_all_progress w = { .options = options };
	_cleanup_listed_gadget_files_ struct cmd_listed_gadget_files files = { 0 };
	_cleanup_error_ struct error err = { 0 };
	bool any = false;

	if (options->prints_json) {
		w.gadgets = json_array();
		w.errors = json_array();
		w.diagnostics = json_array();
	}
	if (cmd_list_gadget_files(options->globals, &files, &err) < 0)
		report_failure(&w, err.exit, &err);
	for (size_t i = 0; i < files.n_files; i++) {
		if (!is_autostart_or_unreadable(options->globals, files.files[i].path))
			continue;
		any = true;
		if (!bring_up_one_file(&w, files.files[i].path))
			break;
	}
	if (!any && w.exit_status == 0) {
		_cleanup_free_ char *words = cmd_gadget_dirs_text(options->globals);

		log_info("no gadget file in %s has autostart = true", words);
	}
	return print_json_results(&w);
}
