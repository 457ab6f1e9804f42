/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `doctor`: prints what keeps this system from being a gadget, and the commands that mend it. Can
 * check a copy of another system's files, too.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/doctor_files.h"
#include "cmd/features.h"
#include "probe/doctor.h"
#include "probe/features.h"

static const char *const severity_words[] = {
	[FINDING_OK] = "ok",
	[FINDING_NOTE] = "note",
	[FINDING_PROBLEM] = "problem",
};

static void add_missing_features(const struct ffs_features *features, struct findings *findings)
{
	struct finding *finding;
	char *names = NULL;

	for (int f = 0; f < FFS_FEATURE_COUNT; f++) {
		const struct ffs_feature *feature = ffs_feature_by_number(f);
		char *old = names;

		if (!feature || features->has[f])
			continue;
		names = strf("%s%s%s", old ? old : "", old ? ", " : "", feature->name);
		free(old);
	}
	if (!names) {
		findings_add(findings, "features", FINDING_OK,
			     "FunctionFS has all optional features");
		return;
	}
	finding = findings_add(findings, "features-missing", FINDING_NOTE,
			       "FunctionFS lacks optional features: %s", names);
	finding_why(finding, "few gadget files need them, and 'up' says which");
	finding_command(finding, "ffsctl features", NULL);
	free(names);
}

/*
 * Probes the features of FunctionFS with a temporary gadget, as `features` does. Returns false and
 * adds a finding if that is not possible.
 */
static bool probe_features(const struct globals *globals, const struct doctor *doctor,
			   struct ffs_features *features, struct findings *findings)
{
	const char *release = doctor->system.kernel_release;
	_cleanup_error_ struct error err = { 0 };
	struct finding *finding;

	if (*doctor->system.root_dir) {
		finding =
			findings_add(findings, "another-system", FINDING_NOTE,
				     "%s has the files of another system", doctor->system.root_dir);
		finding_why(finding, "features of its kernel, users, programs and plugins are not "
				     "checked");
		return false;
	}
	if (geteuid() != 0) {
		finding = findings_add(findings, "features-need-root", FINDING_NOTE,
				       "optional features of FunctionFS are not checked");
		finding_why(finding, "probing them needs root");
		finding_command(finding, "ffsctl doctor", NULL);
		return false;
	}
	if (cmd_check_functionfs_loaded(release ? release : "", &err) == 0 &&
	    features_probe(&globals->paths, features, &err) == 0)
		return true;
	finding = findings_add(findings, "features-unknown", FINDING_NOTE,
			       "optional features of FunctionFS are not checked");
	finding_why(finding, "%s", err.text);
	return false;
}

static json_t *text_to_json(const char *text)
{
	_cleanup_free_ char *valid = text ? text_make_valid_utf8(text) : NULL;

	return json_string_or_null(valid);
}

static json_t *finding_to_json(const struct finding *finding)
{
	json_t *commands = json_array();

	for (size_t i = 0; i < finding->n_commands; i++)
		json_array_append_new(commands, text_to_json(finding->commands[i]));
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "id", finding->id, "severity",
			 severity_words[finding->severity], "what", text_to_json(finding->what),
			 "why", text_to_json(finding->why), "remedy", text_to_json(finding->remedy),
			 "commands", commands);
}

static size_t count_findings(const struct findings *findings, enum finding_severity severity)
{
	size_t n = 0;

	for (size_t i = 0; i < findings->n; i++)
		n += findings->list[i].severity == severity;
	return n;
}

/* The names in a copy of another system's files can contain anything. */
static void print_untrusted_text(const char *before, const char *text)
{
	_cleanup_free_ char *printable = text_replace_unprintable(text, strlen(text));

	printf("%s%s\n", before, printable);
}

static void print_finding(const struct finding *finding)
{
	printf("%-8s ", severity_words[finding->severity]);
	print_untrusted_text("", finding->what);
	if (finding->why)
		print_untrusted_text("         why: ", finding->why);
	if (finding->remedy)
		print_untrusted_text("         remedy: ", finding->remedy);
	for (size_t i = 0; i < finding->n_commands; i++)
		print_untrusted_text("         # ", finding->commands[i]);
}

static void print_findings(const struct findings *findings)
{
	const size_t n_problems = count_findings(findings, FINDING_PROBLEM),
		     n_notes = count_findings(findings, FINDING_NOTE);

	for (size_t i = 0; i < findings->n; i++)
		if (log_get_level() != LOG_QUIET || findings->list[i].severity == FINDING_PROBLEM)
			print_finding(&findings->list[i]);
	if (log_get_level() != LOG_QUIET)
		printf("\n%zu problem%s, %zu note%s\n", n_problems, n_problems == 1 ? "" : "s",
		       n_notes, n_notes == 1 ? "" : "s");
}

/* Has the members of the document of `features`, which `doctor` was another name of. */
static int print_findings_json(const struct doctor *doctor, const struct findings *findings,
			       json_t *features, int exit)
{
	json_t *output = cmd_new_json_output(), *list = json_array();

	for (size_t i = 0; i < findings->n; i++)
		json_array_append_new(list, finding_to_json(&findings->list[i]));
	json_object_set_new(output, "kernel", text_to_json(doctor->system.kernel_release));
	json_object_set_new(output, "findings", list);
	json_object_set_new(output, "features", features);
	json_object_set_new(output, "errors", json_array());
	return cmd_print_json_output(output, exit);
}

static int examine_system(const struct globals *globals, const char *root, bool json)
{
	_cleanup_doctor_ struct doctor doctor = { 0 };
	_cleanup_findings_ struct findings findings = { 0 };
	struct ffs_features features = { 0 };
	bool probed;
	int exit;

	doctor_open(&doctor, root, &globals->paths);
	doctor_check_system(&doctor, &findings);
	probed = probe_features(globals, &doctor, &features, &findings);
	if (probed)
		add_missing_features(&features, &findings);
	/* Mainline will not have this feature, so it shows the patches. */
	doctor_check_gadget_files(globals, &doctor, probed && features.has[FFS_SESSIONS],
				  &findings);
	exit = count_findings(&findings, FINDING_PROBLEM) > 0 ? EX_UNAVAILABLE : 0;
	if (json)
		return print_findings_json(&doctor, &findings,
					   probed ? cmd_features_to_json(&features) : json_array(),
					   exit);
	print_findings(&findings);
	return exit;
}

/*
 * Stores the directory of --root without '/' at its end in *root; "" for the root directory. The
 * caller frees it.
 */
static int parse_root(const char *argument, char **root, struct error *err)
{
	size_t n = strlen(argument);
	struct stat st;

	if (stat(argument, &st) < 0)
		return error_errno(err, EX_NOINPUT, errno, argument, "cannot open %s", argument);
	if (!S_ISDIR(st.st_mode))
		return error_errno(err, EX_NOINPUT, ENOTDIR, argument, "cannot open %s", argument);
	while (n > 0 && argument[n - 1] == '/')
		n--;
	*root = xstrndup(argument, n);
	return 0;
}

struct doctor_options {
	const char *root;
	bool json;
};

static const struct option_row options[] = {
	{ "--root", " DIR", "check the files of a system below DIR: /sys, /proc, /etc, /lib",
	  OPTION_TEXT, .offset = offsetof(struct doctor_options, root) },
	CMD_JSON_OPTION(offsetof(struct doctor_options, json)),
	{ 0 },
};

static int run_doctor_command(const struct globals *globals, int argc, char **argv)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *root = NULL;
	struct doctor_options q = { .root = "/" };
	int exit;

	if (!cmd_parse_options(globals, argc, argv, &q, &exit))
		return exit;
	if (optind != argc)
		return cmd_print_usage_error(&cmd_doctor, "expected no arguments");
	if (parse_root(q.root, &root, &err) < 0)
		return cmd_print_error(&err);
	return examine_system(globals, root, q.json);
}

const struct command cmd_doctor = {
	.name = "doctor",
	.usage_arguments = "[--root DIR] [--json]",
	.summary = "print what keeps this system from being a gadget, and how to mend it",
	.options = options,
	.notes = "Changes nothing, and needs root only for the features of FunctionFS. The\n"
		 "commands that it prints are for root. The exit status is 69 if there is a\n"
		 "problem.\n",
	.run = run_doctor_command,
};
