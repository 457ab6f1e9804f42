// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target for everything that follows from a gadget file that the loader accepts: its plan, the
 * record, descriptors and strings, what a host will read, the file written again, and the
 * difference to another file of the same gadget. The input decides which gadget file is generated
 * (gadget_files.h); the loader accepts each of them, so nothing that follows may fail. At last the
 * loader gets the file with errors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "blob/encode.h"
#include "blob/validate_blob.h"
#include "blobs.h"
#include "configfs/udc_driver_table.h"
#include "gadget_files.h"
#include "gadgetfile/write.h"
#include "null_stream.h"
#include "predict/endpoint_needs.h"
#include "predict/udc_mismatch.h"
#include "rundir/record.h"
#include "supervisor/gadget_plan.h"
#include "supervisor/reload_plan.h"

/* The files that generated files name are in this directory. */
#define PATH FUZZ_SOURCES "/tests/good/gen.conf"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static const struct paths paths = { .configfs_mount_point = "/sys/kernel/config",
				    .run_dir = "/run/ffsctl" };

static const struct gadget_file *current;

/* In place of the room's function (ld --wrap): plugins may not be installed, and need not be. */
int __wrap_plugin_path_find(const char *plugin, char **path, struct error *err);
int __wrap_plugin_path_find(const char *plugin _unused_, char **path, struct error *err _unused_)
{
	*path = xstrdup("/bin/sh");
	return 0;
}

static _Noreturn void fail(const char *what, const struct error *err)
{
	_cleanup_free_ char *text = err && err->exit ? error_text(err) : NULL;

	fprintf(stderr, "fuzz_plan: %s%s%s\n", what, text ? ": " : "", text ?: "");
	for (size_t i = 0; i < current->n_texts; i++)
		fprintf(stderr, "--- text %zu\n%s", i, current->text[i]);
	abort();
}

/* --- the plan --------------------------------------------------------------------------------- */

/*
 * What a plan needs of the machine, and this one may not have. Programs, users and groups of
 * generated files are on every machine, and plugins are found (see above).
 */
static const char *const machine_reasons[] = {
	"io.engine = \"dmabuf\" needs /dev/udmabuf",
};

/* Fails unless it is for a reason that the machine gives. */
static void check_machine_reason(const char *what, const struct error *err)
{
	_cleanup_free_ char *text = error_text(err);

	for (size_t i = 0; i < ARRAY_SIZE(machine_reasons); i++)
		if (str_has_prefix(text, machine_reasons[i]))
			return;
	fail(what, err);
}

/* Returns the plan as JSON; NULL: this machine cannot have it. */
static json_t *make_plan(struct plan_preview *preview, const struct gadget *g)
{
	_cleanup_error_ struct error err = { 0 };

	if (plan_preview_make(preview, &paths, g, "dummy_udc.0", &err) == 0)
		return plan_to_json(&preview->plan);
	check_machine_reason("there is no plan", &err);
	return NULL;
}

/* Returns the plan of a gadget as JSON. */
static json_t *plan_json(const struct gadget *g)
{
	struct plan_preview preview;
	json_t *json = make_plan(&preview, g);

	plan_preview_free(&preview);
	return json;
}

/* Fails if the plans differ, and prints the first step that does. */
static void check_equal_plans(const json_t *plan, const json_t *expected, const char *what)
{
	if (json_equal(plan, expected))
		return;
	for (size_t i = 0; i < json_array_size(plan) || i < json_array_size(expected); i++) {
		const json_t *a = json_array_get(plan, i), *b = json_array_get(expected, i);

		if (a && b && json_equal(a, b))
			continue;
		fprintf(stderr, "fuzz_plan: step %zu is ", i + 1);
		json_dumpf(a, stderr, JSON_ENCODE_ANY);
		fputs(", not ", stderr);
		json_dumpf(b, stderr, JSON_ENCODE_ANY);
		fputs("\n", stderr);
		break;
	}
	fail(what, NULL);
}

/* A plan that is read from a record is the same. */
static void check_record(const struct gadget *g, const json_t *document, const struct plan *plan,
			 const json_t *expected)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_plan_ struct plan again = { 0 };
	_cleanup_free_ const struct step_op **ops = gadget_step_ops();
	struct record record = record_make(g, document, NULL),
		      same = record_make(g, document, NULL);
	json_t *json = plan_to_record(plan), *read_again;
	char *text = json_dumps(json, JSON_COMPACT);

	if (!text)
		fail("the plan is not JSON", NULL);
	json_decref(json);
	json = json_loads(text, 0, NULL);
	free(text);
	if (plan_from_json(&again, json, ops, &err) < 0)
		fail("the record's plan cannot be read", &err);
	read_again = plan_to_json(&again);
	check_equal_plans(read_again, expected, "the record has another plan");
	if (!records_describe_equal_gadgets(&record, &same))
		fail("the record differs from itself", NULL);
	json_decref(json);
	json_decref(read_again);
	record_free(&record);
	record_free(&same);
}

/* --- the same gadget from what is written ----------------------------------------------------- */

static void check_same_plan(struct gadget *g, const json_t *expected, const char *what)
{
	json_t *plan = plan_json(g);

	check_equal_plans(plan, expected, what);
	json_decref(plan);
	gadget_free(g);
}

/* The file that is written from the document, and the document itself, make the same plan. */
static void check_document(const json_t *document, const json_t *plan)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *text = gadgetfile_write(document);
	struct diags diags = { 0 };
	struct gadget *again;
	json_t *document_again;

	if (gadgetfile_load_text(PATH, text, strlen(text), &again, &document_again, &diags) < 0) {
		diags_print(stderr, &diags, DIAG_FORMAT_GCC, DIAG_PLAIN);
		fail("the loader refuses what is written", NULL);
	}
	if (!json_equal(document_again, document))
		fail("what is written has another meaning", NULL);
	json_decref(document_again);
	diags_free(&diags);
	check_same_plan(again, plan, "what is written has another plan");
	if (gadgetfile_load_document(document, PATH, NULL, &again, &err) < 0)
		fail("the document of a record cannot be loaded", &err);
	check_same_plan(again, plan, "the document of a record has another plan");
}

/* --- descriptors ------------------------------------------------------------------------------ */

static void print_all(struct descriptors *d)
{
	const struct descriptor *interface = NULL;

	for (size_t i = 0; i < d->n; i++) {
		if (d->list[i].bytes[1] == 4)
			interface = &d->list[i];
		descriptor_print(null_stream(), &d->list[i], interface);
		json_decref(descriptor_to_json(&d->list[i]));
	}
	descriptors_free(d);
	*d = (struct descriptors){ 0 };
}

static void predict_at_speed(const struct prediction_input *f)
{
	struct descriptors d = { 0 };

	predict_device(f, &d);
	print_all(&d);
	predict_bos(f, &d);
	print_all(&d);
	for (size_t i = 0; i < f->gadget->n_configs; i++) {
		predict_config(f, &f->gadget->configs[i], &d);
		print_all(&d);
	}
}

/* One kernel is enough for one file: the files are many. */
static void predict(const struct gadget *g, unsigned int number)
{
	const enum kernel_series kernel = number % KERNEL_SERIES_COUNT;
	unsigned int n_drivers = 0;
	/* Each of the nine combinations of two answers, without FIFOs and with up to three */
	const struct udc_facts facts = {
		.superspeed = (enum udc_answer)(number / 7 % 3),
		.webusb_fix = (enum udc_answer)(number / 21 % 3),
		.tx_fifos = { 1024, 64, 256 },
		.n_tx_fifos = number / 63 % 4,
	};
	struct udc_mismatches mismatches = { 0 };

	for (int speed = 0; speed < EP_SPEED_COUNT; speed++)
		predict_at_speed(
			&(struct prediction_input){ g, kernel, speed, NULL, NULL, &facts });
	predict_print_os(null_stream(), g);
	json_decref(endpoint_needs_to_json(g, kernel));
	while (udc_traits_table[n_drivers].driver)
		n_drivers++;
	udc_mismatches_find(udc_traits_table[number % n_drivers].driver, &facts, g, kernel,
			    &mismatches);
	udc_mismatches_free(&mismatches);
}

/* A kernel accepts the descriptors and strings of each function. */
static void check_blobs(const struct gadget *g)
{
	const struct ffs_validation_options options = ffs_validation_options_least_strict();

	for (size_t i = 0; i < g->n_functions; i++) {
		const struct ffs *ffs = function_descriptors(&g->functions[i]);
		struct ffs_instance instance = { 0 };
		struct ffs_finding finding;
		size_t n_descriptors, n_strings;
		_cleanup_free_ uint8_t *descriptors = NULL, *strings = NULL;

		if (!ffs)
			continue;
		descriptors = ffs_blob_descriptors(ffs, &n_descriptors);
		strings = ffs_blob_strings(ffs, &n_strings);
		finding = ffs_validate_as_kernel(&options, &instance, descriptors, n_descriptors);
		if (finding.rule == FFS_ACCEPTED)
			finding = ffs_validate_as_kernel(&options, &instance, strings, n_strings);
		if (finding.rule != FFS_ACCEPTED)
			fail(ffs_finding_text(&finding), NULL);
	}
}

/* --- reload ----------------------------------------------------------------------------------- */

/*
 * Adds the plan of `g` to a preview, as a reload of the gadget whose plan is `base` does. Returns
 * false if this machine cannot have it.
 */
static bool make_reload_plan(struct plan_preview *preview, const struct gadget *g,
			     const struct plan *base)
{
	_cleanup_error_ struct error err = { 0 };

	if (plan_preview_open(preview, &paths, g->name, &err) < 0 ||
	    gadget_make_live_functions(&preview->functions, g, &preview->functions.list,
				       &preview->functions.n, &err) < 0)
		return check_machine_reason("there is no plan for a reload", &err), false;
	preview->configfs.gadget = g;
	gadget_add_steps(&preview->configfs, g, preview->functions.list, preview->functions.n,
			 "dummy_udc.0", base, &preview->plan);
	return true;
}

/* The difference to the plan of `next` leads to that plan; that to the old plan, back to it. */
static void check_reload(struct plan_preview *old, const json_t *old_plan,
			 const struct gadget *next, enum difference_plan kept)
{
	struct difference d = { 0 };
	struct plan_preview preview;
	json_t *expected, *json;

	if (!make_reload_plan(&preview, next, &old->plan)) {
		plan_preview_free(&preview);
		return;
	}
	expected = kept == DIFFERENCE_NEW_PLAN ? plan_to_json(&preview.plan)
					       : json_incref((json_t *)old_plan);
	plan_assume_applied(&old->plan);
	difference_make(&d, &old->plan, &preview.plan, &reload_rules);
	json_decref(difference_to_json(&d));
	for (size_t i = 0; i < d.n_changes; i++) {
		(void)change_verb(&d, &d.changes[i]);
		(void)change_revert_verb(&d, &d.changes[i]);
	}
	(void)reload_rebinds(&d);
	difference_finish_keeping_plan(&d, kept);
	json = plan_to_json(&old->plan);
	check_equal_plans(json, expected, "the difference leads to another plan");
	json_decref(json);
	json_decref(expected);
	/* Its steps point at functions of this preview. */
	plan_free(&old->plan);
	plan_preview_free(&preview);
}

/* Another file of the same gadget: the same without some settings, or a different one. */
static void check_reload_to_next(struct gadget_file *file, struct choices *choices,
				 struct plan_preview *old, const json_t *old_plan)
{
	const enum difference_plan kept =
		choose(choices, 2) ? DIFFERENCE_OLD_PLAN : DIFFERENCE_NEW_PLAN;
	struct diags diags = { 0 };
	struct gadget *next;

	if (choose(choices, 3) < 2) {
		if (!gadget_file_remove_some(file, choices, PATH))
			return;
	} else {
		gadget_file_free(file);
		if (!gadget_file_make(file, choices, PATH))
			return;
	}
	if (gadget_file_load(file, PATH, &next, NULL, &diags) < 0)
		fail("the loader refuses what it accepted", NULL);
	check_reload(old, old_plan, next, kept);
	gadget_free(next);
	diags_free(&diags);
}

/* --- a file with errors ----------------------------------------------------------------------- */

/* The loader, which goes on after an error, says what is wrong with a file that has any. */
static void check_broken(struct gadget_file *file, struct choices *choices)
{
	struct diags diags = { 0 };
	struct gadget *g;

	gadget_file_break(file, choices);
	gadget_file_load(file, PATH, &g, NULL, &diags);
	diags_print(null_stream(), &diags, DIAG_FORMAT_HUMAN, DIAG_PLAIN);
	gadget_free(g);
	diags_free(&diags);
}

/* --- all -------------------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choices choices = { data, size };
	struct plan_preview preview = { 0 };
	struct gadget_file file;
	struct diags diags = { 0 };
	struct gadget *g;
	json_t *document, *plan;

	current = &file;
	if (!gadget_file_make(&file, &choices, PATH)) {
		gadget_file_free(&file);
		return 0;
	}
	if (gadget_file_load(&file, PATH, &g, &document, &diags) < 0)
		fail("the loader refuses what it accepted", NULL);
	diags_print(null_stream(), &diags, DIAG_FORMAT_HUMAN, DIAG_PLAIN);
	json_decref(diags_to_json(&diags));
	check_blobs(g);
	predict(g, choose(&choices, 256));
	plan = make_plan(&preview, g);
	if (plan) {
		check_record(g, document, &preview.plan, plan);
		check_document(document, plan);
		check_reload_to_next(&file, &choices, &preview, plan);
	}
	plan_preview_free(&preview);
	json_decref(document);
	json_decref(plan);
	gadget_free(g);
	diags_free(&diags);
	if (file.root)
		check_broken(&file, &choices);
	gadget_file_free(&file);
	return 0;
}

/* Half of the inputs are new files; the others change some decisions of a file. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	if (seed % 2 == 0 || max < GADGET_FILE_BYTES)
		return LLVMFuzzerMutate(data, size, max);
	gadget_file_bytes(seed, 0, data);
	return GADGET_FILE_BYTES;
}
