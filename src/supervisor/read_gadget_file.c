/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/read_gadget_file.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"

static void log_diags(const struct diags *diags, void (*log_line)(void *data, const char *line),
		      void *data)
{
	static const char *const words[] = {
		[DIAG_ERROR] = "error", [DIAG_WARNING] = "warning", [DIAG_NOTE] = "note"
	};

	for (size_t i = 0; i < diags->n; i++) {
		const struct diag *d = &diags->list[i];
		_cleanup_free_ char *text = diag_to_one_line(d);
		_cleanup_free_ char *line = strf("%s:%u:%u: %s: %s", d->file, d->line, d->column,
						 words[d->severity], text);

		log_line(data, line);
	}
}

static int error_invalid_gadget_file(const char *path, const struct diags *diags, struct error *err)
{
	error_set(err, EX_DATAERR, EINVAL, path, "%s has %zu error%s", path, diags->n_errors,
		  diags->n_errors == 1 ? "" : "s");
	return error_add_hint(err, "'ffsctl check %s' prints them", path);
}

int supervisor_read_gadget_file(const char *path, const char *name, const char *const *dirs,
				enum gadgetfile_trust trust,
				void (*log_line)(void *data, const char *line), void *data,
				struct gadget **gadget, json_t **document, struct error *err)
{
	struct diags diags = { 0 };
	struct stat st;
	int r;

	/* `up` accepts a FIFO as gadget file, but here a read of the FIFO would block. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return error_set(err, EX_NOINPUT, EINVAL, path, "%s is not a regular file", path);
	r = gadgetfile_load_with_dirs(path, name, dirs, NULL, trust, gadget, document, &diags, err);
	if (log_line)
		log_diags(&diags, log_line, data);
	if (r < 0 && !err->exit)
		r = error_invalid_gadget_file(path, &diags, err);
	diags_free(&diags);
	return r;
}
