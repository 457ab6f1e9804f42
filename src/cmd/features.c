/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `features`: probes the kernel's FunctionFS features. */
#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/features.h"
#include "cmd/table.h"
#include "functionfs/check_module.h"
#include "functionfs/mount.h"
#include "probe/features.h"

int cmd_check_functionfs_loaded(const char *kernel_release, struct error *err)
{
	_cleanup_free_ char *advice = NULL;

	if (!ffs_first_instance_would_load_module(kernel_release))
		return 0;
	advice = ffs_module_advice(kernel_release, NULL);
	error_set(err, EX_UNAVAILABLE, ENODEV, NULL, "FunctionFS is not loaded");
	error_add_hint(err, FFS_LOAD_HINT);
	return advice ? error_add_hint(err, "%s", advice) : -ENODEV;
}

static void print_features(const struct ffs_features *features)
{
	_cleanup_table_ struct table table = { .n_columns = 3 };

	for (int f = 0; f < FFS_FEATURE_COUNT; f++) {
		const struct ffs_feature *feature = ffs_feature_by_number(f);
		_cleanup_free_ char *since = NULL;
		struct table_row *row;

		if (!feature)
			continue;
		since = ffs_feature_kernels(feature);
		row = table_add_row(&table);
		row->cells[0] = xstrdup(feature->name);
		row->cells[1] = xstrdup(features->has[f] ? "yes" : "no");
		row->cells[2] = features->has[f]
					? xstrdup(feature->description)
					: strf("%s: needs %s", feature->description, since);
	}
	table_print(stdout, &table);
}

json_t *cmd_features_to_json(const struct ffs_features *features)
{
	json_t *array = json_array();

	for (int f = 0; f < FFS_FEATURE_COUNT; f++) {
		const struct ffs_feature *feature = ffs_feature_by_number(f);
		_cleanup_free_ char *since = NULL;

		if (!feature)
			continue;
		since = ffs_feature_kernels(feature);
		json_array_append_new(array,
				      json_pack("{s:s, s:b, s:s, s:s}", "name", feature->name,
						"available", features->has[f], "text",
						feature->description, "takes", since));
	}
	return array;
}

static int print_features_json(const char *kernel_release, const struct ffs_features *features,
			       const char *advice, const struct error *err)
{
	json_t *output = cmd_new_json_output();

	json_object_set_new(output, "kernel", json_string(kernel_release));
	json_object_set_new(output, "features",
			    err->exit ? json_array() : cmd_features_to_json(features));
	if (advice)
		json_object_set_new(output, "advice", json_string(advice));
	json_object_set_new(output, "errors", cmd_error_to_json_array(err));
	return cmd_print_json_output(output, err->exit);
}

static int run_features_command(const struct globals *globals, int argc, char **argv)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *advice = NULL;
	struct ffs_features features;
	struct utsname kernel;
	bool json = false;
	int exit;

	if (!cmd_parse_options(globals, argc, argv, &json, &exit))
		return exit;
	if (optind != argc)
		return cmd_print_usage_error(&cmd_features, "expected no arguments");
	uname(&kernel);
	if (cmd_check_functionfs_loaded(kernel.release, &err) == 0 &&
	    features_probe(&globals->paths, &features, &err) == 0)
		advice = ffs_module_advice(kernel.release, &features);
	if (json)
		return print_features_json(kernel.release, &features, advice, &err);
	if (err.exit)
		return cmd_print_error(&err);
	print_features(&features);
	if (advice)
		printf("\n%s\n", advice);
	return 0;
}

const struct command cmd_features = {
	.name = "features",
	.usage_arguments = "[--json]",
	.summary = "list the features of this kernel's FunctionFS, and how to get the others",
	.options = cmd_json_options,
	.notes = "Probes the features with a temporary gadget; needs root.\n",
	.run = run_features_command,
};
