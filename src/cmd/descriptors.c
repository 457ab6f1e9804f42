/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `descriptors`: prints the descriptors that a host will read, or those written to FunctionFS. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "blob/encode.h"
#include "blob/validate_blob.h"
#include "cmd/cmd.h"
#include "cmd/hosts.h"
#include "configfs/mac_address.h"
#include "configfs/serial_number.h"
#include "configfs/udc.h"
#include "predict/endpoint_needs.h"
#include "predict/predict.h"

enum output_format { OUTPUT_WORDS, OUTPUT_HOSTS, OUTPUT_JSON, OUTPUT_HEX, OUTPUT_BLOB };

struct descriptors_command {
	const struct gadget *gadget;
	enum kernel_series kernel_version;
	bool selected_speeds[EP_SPEED_COUNT];
	enum output_format output_format;
	const char *unknown_release; /* value of --kernel if its descriptors are unknown, or NULL */
	const char *blob_output_dir; /* directory to which OUTPUT_BLOB writes files */
	char *serial_number;	     /* this system's serial number; freed by the command */
	/* prediction.host_addresses; freed by the command */
	char **host_addresses;
	struct udc_facts udc;
};

/* --- words ------------------------------------------------------------------------------------ */

static void print_descriptors(const struct descriptors *d)
{
	const struct descriptor *interface = NULL;
	const struct function *of = NULL;

	for (size_t i = 0; i < d->n; i++) {
		const struct descriptor *one = &d->list[i];

		if (one->function && one->function != of)
			printf("  --- function '%s' (%s)\n", one->function->label,
			       one->function->type);
		of = one->function;
		if (one->bytes[1] == 0x04)
			interface = one;
		descriptor_print(stdout, one, interface);
	}
}

static void print_unknown_functions(const struct descriptors_command *r,
				    const struct config *config)
{
	for (size_t i = 0; i < config->n_functions; i++) {
		const struct function *f =
			&r->gadget->functions[config->functions[i].function_index];

		if (!predict_covers_function(f))
			printf("  --- function '%s' (%s): unknown descriptors\n", f->label,
			       f->type);
	}
}

static struct prediction_input input_at_speed(const struct descriptors_command *r, int speed)
{
	return (struct prediction_input){ r->gadget,	    r->kernel_version, speed,
					  r->serial_number, r->host_addresses, &r->udc };
}

static void print_descriptors_at_speed(const struct descriptors_command *r, int speed)
{
	const struct prediction_input f = input_at_speed(r, speed);
	_cleanup_descriptors_ struct descriptors device = { 0 }, bos = { 0 };

	printf("%s at %s speed, as Linux %s makes it\n", r->gadget->name, ep_speed_words[speed],
	       kernel_series_words[r->kernel_version]);
	predict_device(&f, &device);
	print_descriptors(&device);
	predict_bos(&f, &bos);
	print_descriptors(&bos);
	for (size_t i = 0; i < r->gadget->n_configs; i++) {
		const struct config *config = predict_config_at(r->gadget, i);
		_cleanup_descriptors_ struct descriptors d = { 0 };

		if (!predict_has_config(&f, config)) {
			printf("  --- no configuration %u: none of its functions has descriptors of "
			       "this speed\n",
			       config->id);
			continue;
		}
		predict_config(&f, config, &d);
		print_descriptors(&d);
		print_unknown_functions(r, config);
	}
	putchar('\n');
}

/* A function that validates one blob against a kernel or the USB standards. */
typedef struct ffs_finding validate_blob_fn(const struct ffs_validation_options *options,
					    struct ffs_instance *in, const void *blob, size_t size);

static void print_validator_finding(const struct ffs *ffs,
				    const struct ffs_validation_options *options,
				    validate_blob_fn *validate_blob, const char *validator_name)
{
	/*
	 * The interface associations of `ffs` contain interface numbers of the configuration. The
	 * validator expects interface numbers of the function, which begin with 0: this copy gets
	 * them.
	 */
	struct ffs alone = *ffs;
	size_t n_descriptors, n_strings;
	_cleanup_free_ uint8_t *descriptors = NULL, *strings = ffs_blob_strings(ffs, &n_strings);
	struct ffs_instance in = { 0 };
	struct ffs_finding v;
	const char *what = "descriptors";
	_cleanup_free_ char *text = NULL;

	alone.first_interface = 0;
	descriptors = ffs_blob_descriptors(&alone, &n_descriptors);
	v = validate_blob(options, &in, descriptors, n_descriptors);
	if (v.rule == FFS_ACCEPTED) {
		v = validate_blob(options, &in, strings, n_strings);
		what = v.rule == FFS_ACCEPTED ? "both" : "strings";
	}
	text = ffs_finding_text(&v);
	printf("  %-16s %s: %s\n", validator_name, what, text);
}

static void print_findings_of_functions(const struct descriptors_command *r)
{
	/* Accepts what any kernel accepts: only violations of standards are printed here. */
	const struct ffs_validation_options any_kernel = ffs_validation_options_least_strict();
	const char *version = kernel_series_words[r->kernel_version];
	const size_t n = strlen(version);

	for (size_t i = 0; i < r->gadget->n_functions; i++) {
		const struct function *f = &r->gadget->functions[i];

		if (!function_descriptors(f))
			continue;
		printf("what is written to FunctionFS for '%s'\n", f->label);
		for (const struct ffs_kernel_rules *k = ffs_known_kernels; k->name; k++) {
			const struct ffs_validation_options options = { .kernel = k };

			if (strncmp(k->name, version, n) == 0 && k->name[n] == '-')
				print_validator_finding(f->ffs, &options, ffs_validate_as_kernel,
							k->name);
		}
		print_validator_finding(f->ffs, &any_kernel, ffs_validate_usb, "the standards");
	}
}

/*
 * Prints the report descriptor of a hid function. One that cannot be read from its file is not an
 * error, because the gadget file may be for another system.
 */
static void print_report_descriptor(const struct function *f)
{
	const struct configfs_attribute *a =
		configfs_attributes_find(&f->configfs_attributes, "report_desc");
	_cleanup_free_ char *bytes = NULL;
	size_t size;
	int r;

	if (!a || !a->value)
		return;
	if (a->entry_kind == ATTRIBUTE_VALUE_FILE) {
		r = file_read(AT_FDCWD, a->value, ATTRIBUTE_VALUE_MAX, &bytes, &size);
		if (r < 0) {
			log_info("cannot read the report descriptor of '%s' from %s: %s", f->label,
				 a->value, strerror(-r));
			return;
		}
	} else {
		size = a->size;
	}
	printf("report descriptor of '%s', %zu bytes\n", f->label, size);
	hid_report_print(stdout, (const uint8_t *)(bytes ? bytes : a->value), size,
			 hid_boot_protocol_of_function(f));
	putchar('\n');
}

/* Returns the driver of the gadget's UDC, if the gadget file names one; the caller frees it. */
static char *driver_of_file(const struct gadget *g)
{
	return g->udc.driver.value ? xstrdup(g->udc.driver.value)
	       : g->udc.name.value ? udc_driver(g->udc.name.value)
				   : NULL;
}

/* Prints how many endpoints each configuration needs, and how many the UDC of the file has. */
static void print_endpoint_counts(const struct descriptors_command *r)
{
	_cleanup_free_ char *driver = driver_of_file(r->gadget), *has = NULL;
	const struct udc_traits *traits = udc_traits_or_unknown(driver);

	if (traits->endpoints[0].n)
		has = udc_endpoint_counts_text(traits);
	for (size_t i = 0; i < r->gadget->n_configs; i++) {
		_cleanup_endpoint_needs_ struct endpoint_needs needs = { 0 };
		_cleanup_free_ char *text = NULL;

		endpoint_needs_find(r->gadget, r->kernel_version, &r->gadget->configs[i], &needs);
		text = endpoint_needs_text(&needs);
		printf("configuration %u needs %s", r->gadget->configs[i].id, text);
		if (has)
			printf("; a UDC of %s has %s", traits->driver, has);
		putchar('\n');
	}
	putchar('\n');
}

static void print_text_output(const struct descriptors_command *r)
{
	for (int s = 0; s < EP_SPEED_COUNT; s++)
		if (r->selected_speeds[s])
			print_descriptors_at_speed(r, s);
	print_endpoint_counts(r);
	for (size_t i = 0; i < r->gadget->n_functions; i++)
		if (streq(r->gadget->functions[i].type, "hid"))
			print_report_descriptor(&r->gadget->functions[i]);
	predict_print_os(stdout, r->gadget);
	print_findings_of_functions(r);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *descriptors_to_json(const struct descriptors *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n; i++)
		json_array_append_new(list, descriptor_to_json(&d->list[i]));
	return list;
}

static json_t *speed_to_json(const struct descriptors_command *r, int speed)
{
	const struct prediction_input f = input_at_speed(r, speed);
	_cleanup_descriptors_ struct descriptors device = { 0 }, bos = { 0 };
	json_t *configs = json_array();

	predict_device(&f, &device);
	predict_bos(&f, &bos);
	for (size_t i = 0; i < r->gadget->n_configs; i++) {
		const struct config *config = predict_config_at(r->gadget, i);
		_cleanup_descriptors_ struct descriptors d = { 0 };
		json_t *unknown;

		if (!predict_has_config(&f, config))
			continue;
		unknown = json_array();
		predict_config(&f, config, &d);
		for (size_t k = 0; k < config->n_functions; k++) {
			const struct function *function =
				&r->gadget->functions[config->functions[k].function_index];

			if (!predict_covers_function(function))
				json_array_append_new(unknown, json_string(function->label));
		}
		json_array_append_new(configs, json_pack("{s:i, s:o, s:o}", "id", (int)config->id,
							 "descriptors", descriptors_to_json(&d),
							 "unknown", unknown));
	}
	return json_pack("{s:s, s:o, s:o, s:o}", "speed", ep_speed_words[speed], "device",
			 descriptors_to_json(&device), "bos", descriptors_to_json(&bos),
			 "configurations", configs);
}

/* Returns the Microsoft OS descriptors, which are the same at all speeds; null: there are none. */
static json_t *os_descriptors_to_json(const struct descriptors_command *r)
{
	const struct prediction_input f = { r->gadget,	      r->kernel_version, EP_HIGH,
					    r->serial_number, r->host_addresses, &r->udc };
	_cleanup_os_prediction_ struct os_prediction os;

	return predict_os(&f, &os) ? os_prediction_to_json(&os) : json_null();
}

/* Prints the --json output. If the gadget file has errors, the output has only the errors. */
static int print_descriptors_json(const struct descriptors_command *r, const struct diags *diags,
				  const struct error *err, int exit)
{
	json_t *output = cmd_new_json_output(), *speeds = json_array(),
	       *endpoints = r->gadget && exit == 0
				    ? endpoint_needs_to_json(r->gadget, r->kernel_version)
				    : json_array();

	for (int s = 0; s < EP_SPEED_COUNT && r->gadget && exit == 0; s++)
		if (r->selected_speeds[s])
			json_array_append_new(speeds, speed_to_json(r, s));
	json_object_set_new(output, "gadget",
			    r->gadget ? json_string(r->gadget->name) : json_null());
	json_object_set_new(output, "kernel", json_string(kernel_series_words[r->kernel_version]));
	json_object_set_new(output, "speeds", speeds);
	json_object_set_new(output, "os_descriptors",
			    r->gadget && exit == 0 ? os_descriptors_to_json(r) : json_null());
	json_object_set_new(output, "interfaces",
			    r->gadget && exit == 0 ? cmd_hosts_to_json(r->gadget, r->kernel_version)
						   : json_array());
	json_object_set_new(output, "endpoints", endpoints);
	json_object_set_new(output, "errors", cmd_error_to_json_array(err));
	json_object_set_new(output, "problems", diags_to_json(diags));
	return cmd_print_json_output(output, exit);
}

/* --- blobs ------------------------------------------------------------------------------------ */

static void print_blob_hex(const char *label, const char *what, const uint8_t *bytes, size_t n)
{
	printf("%s of function '%s', %zu bytes\n", what, label, n);
	for (size_t i = 0; i < n; i++)
		printf("%s%02x%s", i % 16 == 0 ? "  " : " ", bytes[i],
		       i % 16 == 15 || i + 1 == n ? "\n" : "");
}

/* Writes a blob to a new file. Fails if the file exists. */
static int write_blob(const char *dir, const char *label, const char *what, const uint8_t *bytes,
		      size_t n, struct error *err)
{
	_cleanup_free_ char *path = strf("%s/%s.%s", dir, label, what);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : fd_write_all(fd, bytes, n);

	if (r < 0)
		return error_errno(err, fd < 0 && r == -EEXIST ? EX_CANTCREAT : EX_IOERR, -r, path,
				   "cannot write %s", path);
	log_info("%s: %zu bytes", path, n);
	return 0;
}

static int print_blobs(const struct descriptors_command *r, struct error *err)
{
	size_t n_functions = 0;
	int result = 0;

	for (size_t i = 0; i < r->gadget->n_functions && result == 0; i++) {
		const struct function *f = &r->gadget->functions[i];
		size_t n_descriptors, n_strings;
		_cleanup_free_ uint8_t *descriptors = NULL, *strings = NULL;

		if (!function_descriptors(f))
			continue;
		n_functions++;
		descriptors = ffs_blob_descriptors(f->ffs, &n_descriptors);
		strings = ffs_blob_strings(f->ffs, &n_strings);
		if (r->output_format == OUTPUT_HEX) {
			print_blob_hex(f->label, "descriptors", descriptors, n_descriptors);
			print_blob_hex(f->label, "strings", strings, n_strings);
			continue;
		}
		result = write_blob(r->blob_output_dir, f->label, "descriptors", descriptors,
				    n_descriptors, err);
		if (result == 0)
			result = write_blob(r->blob_output_dir, f->label, "strings", strings,
					    n_strings, err);
	}
	if (n_functions == 0)
		return error_set(err, EX_DATAERR, EINVAL, NULL,
				 "cannot print descriptors of '%s': ffsctl writes none for its "
				 "functions",
				 r->gadget->name);
	return result;
}

/* --- the command ------------------------------------------------------------------------------ */

/* Checks that the gadget has the speeds of --speed. Without --speed, chooses all its speeds. */
static int choose_speeds(struct descriptors_command *r, struct error *err)
{
	bool any = false;

	for (int s = 0; s < EP_SPEED_COUNT; s++)
		any |= r->selected_speeds[s];
	for (int s = 0; s < EP_SPEED_COUNT; s++) {
		if (!any)
			r->selected_speeds[s] = predict_can_run_at_speed(r->gadget, s);
		else if (r->selected_speeds[s] && !predict_can_run_at_speed(r->gadget, s))
			return error_set(err, EX_DATAERR, EINVAL, NULL,
					 "cannot predict %s speed of '%s': the gadget does not "
					 "support it",
					 ep_speed_words[s], r->gadget->name);
	}
	return 0;
}

static void print_reason(const struct error *err)
{
	_cleanup_free_ char *text = error_text(err);

	log_info("%s", text);
}

/*
 * Reads this system's serial number, if the gadget file uses it. Prints the reason of a failure and
 * continues, because the gadget file may be for another system.
 */
static void read_serial_number(struct descriptors_command *r)
{
	const struct gadget_strings *s = predict_device_strings(r->gadget);
	_cleanup_error_ struct error err = { 0 };

	if (s && s->serialnumber_source.value &&
	    serial_number_read(s->serialnumber_source.value, &r->serial_number, &err) < 0)
		print_reason(&err);
}

/* Makes the addresses of the hosts' interfaces that depend on this system. */
static void make_host_addresses(struct descriptors_command *r)
{
	const struct gadget *g = r->gadget;

	r->host_addresses = xcalloc(g->n_functions + 1, sizeof(*r->host_addresses));
	for (size_t i = 0; i < g->n_functions; i++) {
		const struct function *f = &g->functions[i];
		const struct configfs_attribute *e =
			configfs_attributes_find(&f->configfs_attributes, "host_addr");
		_cleanup_error_ struct error err = { 0 };
		char address[MAC_ADDRESS_SIZE];

		if (!e || e->entry_kind != ATTRIBUTE_ADDRESS_SOURCE)
			continue;
		if (mac_address_from_attribute_source(g, f, e, address, &err) < 0)
			print_reason(&err);
		else
			r->host_addresses[i] = xstrdup(address);
	}
}

static void free_system_values(struct descriptors_command *r)
{
	free(r->serial_number);
	for (size_t i = 0; r->host_addresses && i < r->gadget->n_functions; i++)
		free(r->host_addresses[i]);
	free(r->host_addresses);
}

static int print_output(const struct descriptors_command *r, struct error *err)
{
	switch (r->output_format) {
	case OUTPUT_JSON:
	case OUTPUT_WORDS:
		print_text_output(r);
		break;
	case OUTPUT_HOSTS:
		cmd_print_hosts(stdout, r->gadget->name, r->gadget, r->kernel_version);
		break;
	case OUTPUT_HEX:
	case OUTPUT_BLOB:
		if (print_blobs(r, err) < 0)
			return err->exit;
		break;
	}
	return fflush(stdout) == EOF ? EX_IOERR : 0;
}

static int print_descriptors_of_file(const struct globals *globals, const char *argument,
				     struct descriptors_command *r)
{
	_cleanup_gadget_ struct gadget *gadget = NULL;
	_cleanup_error_ struct error err = { 0 };
	struct diags diags = { 0 };
	int exit = cmd_load_gadget_file(globals, argument, NULL, GADGETFILE_TRUST_ALL, &gadget,
					NULL, &diags, &err);

	r->gadget = gadget;
	if (exit == 0 && r->unknown_release)
		log_info("Linux %s is unknown: these are the descriptors of Linux %s",
			 r->unknown_release, kernel_series_words[r->kernel_version]);
	if (exit == 0 && choose_speeds(r, &err) < 0)
		exit = err.exit;
	if (exit == 0 && (r->output_format == OUTPUT_WORDS || r->output_format == OUTPUT_JSON)) {
		read_serial_number(r);
		make_host_addresses(r);
		r->udc = udc_facts_find(&globals->paths, gadget, gadget->udc.name.value,
					gadget->udc.driver.value);
	}
	if (r->output_format == OUTPUT_JSON) {
		exit = print_descriptors_json(r, &diags, &err, exit);
	} else {
		diags_print(stderr, &diags, DIAG_FORMAT_HUMAN, globals->color);
		if (exit == 0)
			exit = print_output(r, &err);
		if (err.exit)
			cmd_print_error(&err);
	}
	diags_free(&diags);
	free_system_values(r);
	return exit;
}

static int set_speed(void *values, const char *value, struct error *err)
{
	struct descriptors_command *r = values;

	for (int s = 0; s < EP_SPEED_COUNT; s++)
		if (streq(value, ep_speed_words[s])) {
			r->selected_speeds[s] = true;
			return 0;
		}
	return error_set(err, EX_USAGE, EINVAL, NULL, "--speed must be full, high or super");
}

static int set_kernel(void *values, const char *value, struct error *err)
{
	struct descriptors_command *r = values;

	if (!kernel_series_of_release(value, &r->kernel_version))
		return error_set(err, EX_USAGE, EINVAL, NULL,
				 "--kernel must be a release like 6.12, not '%s'", value);
	r->unknown_release = kernel_series_has_release(r->kernel_version, value) ? NULL : value;
	return 0;
}

static int set_blob(void *values, const char *value, struct error *err _unused_)
{
	struct descriptors_command *r = values;

	r->output_format = OUTPUT_BLOB;
	r->blob_output_dir = value;
	return 0;
}

#define OUTPUT_FORMAT_OPTION(name, format, help)                                                   \
	{                                                                                          \
		name, NULL, help, OPTION_CONSTANT,                                                 \
			.offset = offsetof(struct descriptors_command, output_format),             \
			.constant = format                                                         \
	}

static const struct option_row options[] = {
	{ "--speed", " S", "full, high or super (default: all speeds of the gadget)", OPTION_SET,
	  .set = set_speed, .words = ep_speed_words, .n_words = EP_SPEED_COUNT },
	{ "--kernel", " V",
	  "functions as in Linux " KERNEL_SERIES_OR " (default: the running kernel)", OPTION_SET,
	  .set = set_kernel, .words = kernel_series_words, .n_words = KERNEL_SERIES_COUNT },
	OUTPUT_FORMAT_OPTION("--hosts", OUTPUT_HOSTS,
			     "the drivers that hosts have for each interface"),
	OUTPUT_FORMAT_OPTION("--json", OUTPUT_JSON, CMD_JSON_HELP),
	OUTPUT_FORMAT_OPTION("--hex", OUTPUT_HEX, "the bytes that are written to FunctionFS"),
	{ "--blob", " DIR", "write these bytes to DIR/LABEL.descriptors and DIR/LABEL.strings",
	  OPTION_SET, .set = set_blob },
	{ 0 },
};

static int run_descriptors_command(const struct globals *globals, int argc, char **argv)
{
	struct descriptors_command r = { .kernel_version = kernel_series_running() };
	int exit;

	if (!cmd_parse_options(globals, argc, argv, &r, &exit))
		return exit;
	if (optind + 1 != argc)
		return cmd_print_usage_error(&cmd_descriptors, "expected one gadget file");
	return print_descriptors_of_file(globals, argv[optind], &r);
}

const struct command cmd_descriptors = {
	.name = "descriptors",
	.usage_arguments = "FILE [--speed S] [--kernel V]\n"
			   "                          [--hosts | --json | --hex | --blob DIR]",
	.summary = "predict the descriptors that a host will read",
	.options = options,
	.argument_kinds = { CMD_ARGUMENT_FILES },
	.run = run_descriptors_command,
};
