/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/doctor_files.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"
#include "cmd/check_system.h"
#include "configfs/items.h"
#include "probe/kernel_fixes.h"

struct gadget_files_check {
	const struct globals *globals;
	const struct doctor *doctor;
	struct plugin_cache plugin_cache;
	struct findings *findings;
	size_t n_files_without_problems; /* files without errors and warnings */
	struct kernel_version kernel;
	bool functionfs_is_patched;
	size_t n_loaded, n_missing_fixes; /* files without errors; fixes that they lack */
};

/* Returns whether the system that is checked is the one that executes ffsctl. */
static bool checks_this_system(const struct gadget_files_check *c)
{
	return !*c->doctor->system.root_dir;
}

static void add_file_with_errors(struct gadget_files_check *c, const char *path,
				 const struct diags *diags)
{
	struct finding *finding = findings_add(c->findings, "gadget-file-has-errors",
					       FINDING_PROBLEM, "%s has %zu error%s", path,
					       diags->n_errors, diags->n_errors == 1 ? "" : "s");

	for (size_t i = 0; i < diags->n && !finding->why; i++)
		if (diags->list[i].severity == DIAG_ERROR)
			finding_why(finding, "%u:%u: %s", diags->list[i].line,
				    diags->list[i].column, diags->list[i].text);
	finding_command(finding, "ffsctl check", path);
}

/* Returns the modules of the gadget's functions that the kernel lacks, as texts; NULL: none. */
static char *missing_modules(const struct gadget_files_check *c, const struct gadget *g)
{
	char *texts = NULL;

	for (size_t i = 0; i < g->n_functions; i++) {
		_cleanup_free_ char *module = function_kernel_module(g->functions[i].type),
				    *text = NULL;

		if (system_module_state(&c->doctor->system, module) != MODULE_ABSENT)
			continue;
		text = strf("the kernel has no module %s for the type '%s'", module,
			    g->functions[i].type);
		if (!texts || !strstr(texts, text))
			text_append_to_list(&texts, "; ", text);
	}
	return texts;
}

/* Adds the commands that make a medium. */
static void add_medium_commands(void *data, const char *path)
{
	struct finding *finding = data;
	_cleanup_free_ char *parent = path_parent(path);

	if (*parent && !path_exists(parent))
		finding_command(finding, "mkdir -p", parent);
	finding_command(finding, "truncate -s 64M", path);
}

/* Adds the commands that make the missing media. Returns the number of media. */
static size_t add_missing_media_commands(const struct gadget *g, struct finding *finding)
{
	size_t n = visit_missing_media(g, add_medium_commands, finding);

	if (n > 0)
		finding_remedy(finding, "make the medium, here of 64 MiB, or remove 'file': then "
					"the drive is empty");
	return n;
}

/* Adds a finding if the system lacks something that the gadget needs. */
static void check_needs(struct gadget_files_check *c, const char *path, const struct gadget *g)
{
	_cleanup_free_ char *texts = missing_modules(c, g);
	struct diags diags = { 0 };
	struct finding *finding;
	size_t n_warnings = texts ? 1 : 0, n_media = 0;

	if (checks_this_system(c))
		check_this_system(&c->globals->paths, g, cmd_gadget_dirs(c->globals), DIAG_WARNING,
				  &c->plugin_cache, &diags);
	for (size_t i = 0; i < diags.n; i++)
		text_append_to_list(&texts, "; ", diags.list[i].text);
	n_warnings += diags.n;
	diags_free(&diags);
	if (!texts) {
		c->n_files_without_problems++;
		return;
	}
	finding = findings_add(c->findings, "gadget-file-has-warnings", FINDING_NOTE,
			       "%s has warnings for this system", path);
	finding_why(finding, "%s", texts);
	if (checks_this_system(c))
		n_media = add_missing_media_commands(g, finding);
	if (n_media < n_warnings)
		finding_command(finding, "ffsctl check", path);
}

static void add_missing_fix(struct gadget_files_check *c, const char *path,
			    const struct kernel_fix *fix)
{
	_cleanup_free_ char *cve = fix->cve ? strf(" (%s)", fix->cve) : xstrdup("");
	unsigned int first = fix->first[c->kernel.series];
	_cleanup_free_ char *when =
		first == FIX_NEVER
			? xstrdup("without ffsctl's kernel patches")
			: strf("before Linux %s.%u, unless your distribution has the fix,",
			       kernel_series_words[c->kernel.series], first);

	findings_add(c->findings, "kernel-fix-missing", FINDING_NOTE, "%s: %s%s%s %s%s", path,
		     fix->type, *fix->type ? ": " : "", when, fix->without, cve);
	c->n_missing_fixes++;
}

/*
 * Adds findings for the fixes of the kernel that the gadget needs. Only FunctionFS shows whether it
 * is patched; kernel/dkms replaces no other function.
 */
static void check_fixes(struct gadget_files_check *c, const char *path, const struct gadget *g)
{
	c->n_loaded++;
	if (c->kernel.state != KERNEL_VERSION_KNOWN)
		return;
	for (const struct kernel_fix *fix = kernel_fixes; fix->type; fix++)
		if (kernel_lacks_fix(&c->kernel, fix) && kernel_fix_concerns(fix, g) &&
		    !(c->functionfs_is_patched && streq(fix->type, "ffs") &&
		      fix->in_ffsctl_patches))
			add_missing_fix(c, path, fix);
}

/* Adds what the fixes of the kernel come to, once for all files. */
static void add_kernel_fixes(struct gadget_files_check *c)
{
	const char *release = c->doctor->system.kernel_release;
	struct finding *finding;

	if (c->n_loaded == 0 || c->n_missing_fixes > 0)
		return;
	if (c->kernel.state == KERNEL_VERSION_KNOWN) {
		findings_add(c->findings, "kernel-fixes", FINDING_OK,
			     "Linux %s has the fixes that the functions of these files need",
			     c->kernel.text);
		return;
	}
	finding = findings_add(c->findings, "kernel-fixes-unknown", FINDING_NOTE,
			       "it is unknown which fixes of USB functions this kernel has");
	if (c->kernel.state == KERNEL_VERSION_UNKNOWN)
		finding_why(finding, "its release '%s' does not contain the version of Linux",
			    release ? release : "");
	else
		finding_why(finding, "ffsctl knows those of Linux " KERNEL_SERIES_AND ", not of %s",
			    c->kernel.text);
}

static void check_file(struct gadget_files_check *c, const char *path)
{
	const struct gadgetfile_plugin_lookup plugins =
		plugin_cache_for_gadgetfile(&c->plugin_cache);
	_cleanup_gadget_ struct gadget *g = NULL;
	_cleanup_error_ struct error err = { 0 };
	struct diags diags = { 0 };

	cmd_load_gadget_file_at(c->globals, path, NULL, checks_this_system(c) ? &plugins : NULL,
				GADGETFILE_TRUST_ALL, &g, NULL, &diags, &err);
	if (err.exit)
		findings_add(c->findings, "gadget-file-unread", FINDING_NOTE, "%s", err.text);
	else if (diags.n_errors > 0)
		add_file_with_errors(c, path, &diags);
	else if (g) {
		check_needs(c, path, g);
		check_fixes(c, path, g);
	}
	diags_free(&diags);
}

static void check_files(struct gadget_files_check *c)
{
	_cleanup_listed_gadget_files_ struct cmd_listed_gadget_files files = { 0 };
	_cleanup_error_ struct error err = { 0 };

	if (cmd_list_gadget_files(c->globals, &files, &err) < 0)
		findings_add(c->findings, "gadget-directory-unread", FINDING_NOTE, "%s", err.text);
	for (size_t i = 0; i < files.n_files; i++)
		check_file(c, files.files[i].path);
	if (c->n_files_without_problems > 0)
		findings_add(c->findings, "gadget-files", FINDING_OK,
			     "%zu gadget file%s no errors and no warnings",
			     c->n_files_without_problems,
			     c->n_files_without_problems == 1 ? " has" : "s have");
	else if (files.n_files == 0 && !err.exit)
		findings_add(c->findings, "no-gadget-files", FINDING_NOTE,
			     "the directories of gadget files are empty");
	add_kernel_fixes(c);
	plugin_cache_free(&c->plugin_cache);
}

void doctor_check_gadget_files(const struct globals *globals, const struct doctor *doctor,
			       bool functionfs_is_patched, struct findings *findings)
{
	struct globals of_system = *globals;
	struct gadget_files_check c = { .globals = &of_system,
					.doctor = doctor,
					.findings = findings,
					.kernel = kernel_version_find(&doctor->system),
					.functionfs_is_patched = functionfs_is_patched };
	char *dirs[ARRAY_SIZE(of_system.gadget_dirs)] = { NULL };

	/* The first directory is that of --dir, which the user has named as it is. */
	for (size_t i = 1; i < ARRAY_SIZE(dirs) && globals->gadget_dirs[i]; i++)
		of_system.gadget_dirs[i] = dirs[i] =
			system_path(&doctor->system, "%s", globals->gadget_dirs[i]);
	check_files(&c);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		free(dirs[i]);
}
