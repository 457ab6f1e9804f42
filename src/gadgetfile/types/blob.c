// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads the group `blob`, whose files are written to ep0 unchanged, and checks whether FunctionFS
 * would accept the blobs of all functions. FunctionFS itself would only return EINVAL.
 */
#include "blob/check_function.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "blob/decode.h"
#include "gadgetfile/load.h"

#define MAX_SIZE (64 * 1024)

/* --- files ------------------------------------------------------------------------------------ */

/*
 * Reads a blob file. Returns false after adding an error. Refuses device files, because open() of a
 * device may have side effects.
 */
static bool read_blob_file(struct load *l, struct node *value, struct ffs_bytes *bytes)
{
	_cleanup_free_ char *path = load_absolute_path(l, value), *shown = diag_quote(value->text);
	struct stat st;
	int r = stat(path, &st) < 0 ? -errno : 0;

	if (r == 0 && !S_ISREG(st.st_mode)) {
		load_error(l, value, "%s is not a regular file", shown);
		return false;
	}
	if (r == 0)
		r = file_read(AT_FDCWD, path, MAX_SIZE, (char **)&bytes->data, &bytes->size);
	if (r == -EFBIG)
		load_error(l, value, "%s has more than %d bytes", shown, MAX_SIZE);
	else if (r < 0)
		load_error(l, value, "cannot read %s: %s", shown, errno_words(-r));
	return r == 0;
}

static void check_no_other_keys(struct load *l, const struct node *group)
{
	static const char *const beside[] = { "mount", "device", "blob" };

	node_foreach(setting, group) {
		bool allowed = false;

		for (size_t i = 0; i < ARRAY_SIZE(beside); i++)
			allowed |= streq(setting->name, beside[i]);
		if (allowed || setting->has_error || !key_find(&ffs_keys, setting->name))
			continue;
		diag_error(l->diags, &setting->name_at,
			   "'%s' cannot be set together with 'blob', whose files contain it",
			   setting->name);
	}
}

/* Reads and decodes the descriptors; returns false after adding an error. */
static bool load_blob_descriptors(struct load *l, struct ffs_settings *d, struct node *value)
{
	_cleanup_free_ char *shown = diag_quote(value->text);
	_cleanup_error_ struct error err = { 0 };
	struct ffs *ffs = d->ffs;

	ffs->raw_descriptors_at = position_of_range(l, &value->at);
	if (!read_blob_file(l, value, &ffs->raw_descriptors))
		return false;
	if (ffs_decode_descriptors(ffs, &err) < 0) {
		load_error(l, value, "%s, %s", shown, err.text);
		if (err.hint)
			diags_hint(l->diags, "%s", err.hint);
		/*
		 * Assumes all speeds, because an incomplete function would cause further errors and
		 * warnings
		 */
		memset(ffs->has_speed, true, sizeof(ffs->has_speed));
		return false;
	}
	for (size_t i = 0; i < ffs->n_interfaces; i++)
		for (size_t e = 0; e < ffs->interfaces[i].n_endpoints; e++)
			*array_add(d->endpoints, d->n_endpoints) = value;
	load_finish_endpoints(l, d);
	return true;
}

static void add_finding_hint(struct load *l, const struct ffs_finding *finding)
{
	_cleanup_free_ char *todo = ffs_finding_hint(finding);

	diags_hint(l->diags, "%s", todo);
}

/* Checks the strings of a function whose descriptors FunctionFS accepts. */
static void check_blob_strings(struct load *l, const struct ffs *ffs, const struct blob_settings *b)
{
	const struct ffs_refusal refusal = ffs_check_blobs(ffs);
	_cleanup_free_ char *reason = NULL, *shown = NULL;

	if (refusal.finding.rule == FFS_ACCEPTED)
		return;
	if (!b->strings) {
		load_error(l, b->descriptors,
			   "the descriptors contain string number %u: 'strings' is missing",
			   refusal.finding.expected);
		return;
	}
	reason = ffs_finding_what_is_wrong(&refusal.finding);
	shown = diag_quote(b->strings->text);
	load_error(l, b->strings, "%s, byte %zu: %s", shown, refusal.finding.offset, reason);
	add_finding_hint(l, &refusal.finding);
}

static void warn_about_unsent_property(struct load *l, const struct ffs *ffs,
				       const struct node *descriptors)
{
	_cleanup_free_ char *shown = diag_quote(descriptors->text);
	uint32_t type;
	size_t at;

	if (!ffs_find_unsent_property(ffs->raw_descriptors.data, ffs->raw_descriptors.size, &at,
				      &type))
		return;
	diag_warning(l->diags, &descriptors->at,
		     "%s, byte %zu: a property of type %u: Linux stalls a host's request for the "
		     "properties of this interface, so that it gets none",
		     shown, at, type);
	diags_hint(l->diags, "use the types 1, 2, 3 and 6");
}

void load_blob(struct load *l, struct ffs_settings *d, const struct node *group)
{
	struct blob_settings b = { 0 };
	struct ffs *ffs = d->ffs;

	check_no_other_keys(l, group);
	load_group(l, key_find(&ffs_keys, "blob")->group, d->blob, &b);
	if (d->interfaces || !b.descriptors || !load_blob_descriptors(l, d, b.descriptors))
		return;
	if (b.strings) {
		ffs->raw_strings_at = position_of_range(l, &b.strings->at);
		if (!read_blob_file(l, b.strings, &ffs->raw_strings))
			return;
	}
	if (b.strings || !node_member(d->blob, "strings"))
		check_blob_strings(l, ffs, &b);
	warn_about_unsent_property(l, ffs, b.descriptors);
}

/* --- all blobs -------------------------------------------------------------------------------- */

static bool range_begins_at(const struct load *l, const struct text_range *range,
			    const struct position *at)
{
	struct position here = position_of_range(l, range);

	return here.file == at->file && here.line == at->line && here.column == at->column;
}

const struct text_range *load_find_setting_range(const struct load *l, const struct node *node,
						 const struct position *at)
{
	const struct text_range *found = NULL;

	if (range_begins_at(l, &node->at, at))
		return &node->at;
	if (node->name && range_begins_at(l, &node->name_at, at))
		return &node->name_at;
	for (const struct node *child = node->first_child; child && !found; child = child->next)
		found = load_find_setting_range(l, child, at);
	return found;
}

static void check_function_blobs(struct load *l, const struct function *f, const struct node *node)
{
	const struct ffs *ffs = function_descriptors(f);
	const struct text_range *at;
	struct ffs_refusal refusal;
	_cleanup_free_ char *reason = NULL;

	if (!ffs)
		return;
	refusal = ffs_check_blobs(ffs);
	if (refusal.finding.rule == FFS_ACCEPTED)
		return;
	at = load_find_setting_range(l, node, refusal.at);
	reason = ffs_finding_what_is_wrong(&refusal.finding);
	diag_error(l->diags, at ? at : node_range_to_mark(node),
		   "FunctionFS refuses the %s of function '%s': %s",
		   refusal.in_strings ? "strings" : "descriptors", f->label, reason);
	add_finding_hint(l, &refusal.finding);
}

void load_check_blobs(struct load *l)
{
	/*
	 * Errors beyond DIAG_MAX_ERRORS are not counted, so it is unknown which functions have no
	 * errors
	 */
	if (l->has_syntax_error || l->diags->n_errors > DIAG_MAX_ERRORS)
		return;
	for (size_t i = 0; i < l->gadget->n_functions; i++)
		if (!l->function_has_error[i])
			check_function_blobs(l, &l->gadget->functions[i], l->function_nodes[i]);
}
