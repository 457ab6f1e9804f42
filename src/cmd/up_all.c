/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `up --all`: brings up each gadget in a separate child process, so that a failure does not affect
 * the others. With --json, merges the documents that the children print.
 */
#include "cmd/up.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "rundir/control.h"

struct up_all_run {
	const struct up_all *all;
	const char *path;
	json_t *gadgets, *errors, *problems;
	int exit; /* exit status of the first failure */
};

static int run_one(void *data)
{
	const struct up_all_run *w = data;

	return w->all->bring_up_one(w->all->data, w->path);
}

/*
 * Returns whether the file has autostart = true. Also returns true for a file with syntax errors,
 * so that its errors are printed.
 */
static bool is_autostart(const struct globals *globals, const char *path)
{
	_cleanup_gadget_ struct gadget *g = NULL;
	_cleanup_error_ struct error err = { 0 };
	struct diags diags = { 0 };
	json_t *form = NULL;
	bool wanted;

	cmd_load_path(globals, path, NULL, NULL, GADGETFILE_TRUST_ALL, &g, &form, &diags, &err);
	wanted = g ? g->autostart : !form || json_is_true(json_object_get(form, "autostart"));
	json_decref(form);
	diags_free(&diags);
	return wanted;
}

static void report_failure(struct up_all_run *w, int exit, const struct error *err)
{
	if (w->exit == 0)
		w->exit = exit;
	if (!err->exit)
		return; /* the child has printed the error */
	if (w->all->json)
		json_array_append_new(w->errors, error_to_json(err));
	else
		cmd_print_error(err);
}

static void add_document(struct up_all_run *w, int fd)
{
	json_t *document = lseek(fd, 0, SEEK_SET) == 0 ? json_loadfd(fd, 0, NULL) : NULL;

	/* Missing members (NULL) add nothing. */
	json_array_extend(w->gadgets, json_object_get(document, "gadgets"));
	json_array_extend(w->errors, json_object_get(document, "errors"));
	json_array_extend(w->problems, json_object_get(document, "problems"));
	json_decref(document);
}

/* Brings up one gadget. Returns false if the command must not continue with the next one. */
static bool bring_up(struct up_all_run *w, const char *path)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_close_ int fd = -1;
	int exit;

	w->path = path;
	if (w->all->json)
		fd = memfd_create("document", MFD_CLOEXEC);
	if (w->all->json && fd < 0) {
		error_errno(&err, EX_OSERR, errno, NULL, "cannot make a file in memory");
		exit = err.exit;
	} else {
		exit = client_run_in_child(run_one, w, fd, &err);
	}
	if (exit != 0) {
		if (err.exit)
			error_wrap(&err, "%s", path);
		report_failure(w, exit, &err);
	}
	if (fd >= 0)
		add_document(w, fd);
	return err.err != ECANCELED;
}

static int finish(struct up_all_run *w)
{
	json_t *document;

	if (!w->all->json)
		return w->exit;
	document = cmd_json_output();
	json_object_set_new(document, "gadgets", w->gadgets);
	json_object_set_new(document, "errors", w->errors);
	json_object_set_new(document, "problems", w->problems);
	return cmd_print_document(document, w->exit);
}

int up_all(const struct up_all *all)
{
	struct up_all_run w = { .all = all };
	_cleanup_files_ struct cmd_files files = { 0 };
	_cleanup_error_ struct error err = { 0 };
	bool any = false;

	if (all->json) {
		w.gadgets = json_array();
		w.errors = json_array();
		w.problems = json_array();
	}
	if (cmd_list_files(all->globals, &files, &err) < 0)
		report_failure(&w, err.exit, &err);
	for (size_t i = 0; i < files.n; i++) {
		if (!is_autostart(all->globals, files.list[i].path))
			continue;
		any = true;
		if (!bring_up(&w, files.list[i].path))
			break;
	}
	if (!any && w.exit == 0) {
		_cleanup_free_ char *words = cmd_directories(all->globals);

		log_info("no gadget file in %s has autostart = true", words);
	}
	return finish(&w);
}
