/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ffsbench: checks and measures a USB device from the host. */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "ffsbench/options.h"
#include "ffsbench/report.h"
#include "ffsbench/selftest.h"

/* Opens the file for the chart. This is done before the measurement, so that an error is
   reported at once. */
static int open_chart(const struct options *o, FILE **f, struct error *err)
{
	if (!o->chart_path)
		return 0;
	*f = fopen(o->chart_path, "we");
	if (*f)
		return 0;
	return error_errno(err, EX_CANTCREAT, errno, o->chart_path, "cannot write %s",
			   o->chart_path);
}

static int write_chart(FILE *f, const struct options *o, const struct report *r, struct error *err)
{
	if (!f)
		return 0;
	report_write_chart(f, r);
	if (fflush(f) == 0 && !ferror(f))
		return 0;
	return error_errno(err, EX_IOERR, errno, o->chart_path, "cannot write %s", o->chart_path);
}

static void print_report(const struct options *o, const struct report *r, const struct error *err)
{
	if (o->json)
		report_print_json(r, o, err);
	else if (o->csv)
		report_print_csv(r, err);
	else if (!o->quiet)
		report_print_text(r, o, err);
}

static int measure_and_report(const struct options *o, const struct command *command,
			      struct error *err)
{
	_cleanup_fclose_ FILE *chart = NULL;
	struct device device = { 0 };
	struct report report = { .command = command, .device = &device };
	int r;

	r = open_chart(o, &chart, err);
	if (r >= 0)
		r = device_open(&o->device_filter, &device, err);
	if (r >= 0)
		r = bench_run_all(o, &report, err);
	if (r >= 0)
		r = write_chart(chart, o, &report, err);
	print_report(o, &report, err);
	report_free(&report);
	device_close(&device);
	return r;
}

int main(int argc, char **argv)
{
	_cleanup_error_ struct error err = { 0 };
	const struct command *command;
	struct options o;
	int r;

	r = options_parse(argc, argv, &o, &command, &err);
	if (r == OPTIONS_RUN)
		r = command->run ? measure_and_report(&o, command, &err)
				 : selftest_follow_gadgets(&o, &err);
	options_free(&o);
	if (r >= 0)
		return 0;
	if (err.exit) {
		_cleanup_free_ char *lines = error_lines(&err);

		fprintf(stderr, "ffsbench: %s", lines);
	}
	return err.exit ? err.exit : EX_USAGE;
}
