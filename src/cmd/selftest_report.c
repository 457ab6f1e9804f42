/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/selftest_report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"
#include "cmd/selftest_text.h"
#include "configfs/kernel_log.h"
#include "configfs/udc.h"
#include "probe/features.h"
#include "probe/system.h"

#define KERNEL_LINES_MAX 300
#define RESULT_COLUMN 38 /* of the text of a result */

char *selftest_default_report_path(const struct selftest *t)
{
	time_t now = time(NULL);
	struct tm date;
	char text[32];

	gmtime_r(&now, &date);
	strftime(text, sizeof(text), "%Y%m%d-%H%M%S", &date);
	return strf("ffsctl-selftest-%s-%s.txt", t->driver ? t->driver : "unknown", text);
}

static int error_cannot_write(const char *path, int e, struct error *err)
{
	error_errno(err, EX_CANTCREAT, e, path, "cannot write the report %s", path);
	return e == EEXIST ? error_add_hint(err, "choose another file with --output") : -e;
}

int selftest_check_report_path(const char *path, struct error *err)
{
	_cleanup_free_ char *parent = path_parent(path);
	const char *dir = strchr(path, '/') ? (*parent ? parent : "/") : ".";

	if (path_exists(path))
		return error_cannot_write(path, EEXIST, err);
	if (access(dir, W_OK) < 0)
		return error_cannot_write(path, errno, err);
	return 0;
}

size_t selftest_count(const struct selftest *t, enum selftest_outcome outcome)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_results; i++)
		n += t->results[i].outcome == outcome;
	return n;
}

/* --- what identifies this board --- */

static void add_directory_secrets(struct selftest_secrets *secrets, const struct system *system,
				  const char *dir, const char *file, const char *replacement)
{
	_cleanup_strings_ char **names = system_list(system, "%s", dir);

	for (size_t i = 0; names[i]; i++) {
		_cleanup_free_ char *value =
			system_read_line(system, "%s/%s/%s", dir, names[i], file);

		/* Of the loopback interface; not a secret, and in many lines */
		if (value && !streq(value, "00:00:00:00:00:00"))
			selftest_secrets_add(secrets, value, replacement);
	}
}

static void collect_secrets(struct selftest_secrets *secrets, const struct system *system)
{
	static const char *const serial_files[] = { "/proc/device-tree/serial-number",
						    "/etc/machine-id",
						    "/sys/class/dmi/id/product_serial",
						    "/sys/class/dmi/id/board_serial",
						    "/sys/class/dmi/id/product_uuid" };
	struct utsname kernel;

	if (uname(&kernel) == 0 && !streq(kernel.nodename, "localhost") &&
	    !streq(kernel.nodename, "(none)"))
		selftest_secrets_add(secrets, kernel.nodename, "<host name>");
	for (size_t i = 0; i < ARRAY_SIZE(serial_files); i++) {
		_cleanup_free_ char *value = system_read_line(system, "%s", serial_files[i]);

		selftest_secrets_add(secrets, value, "<serial number>");
	}
	add_directory_secrets(secrets, system, "/sys/class/net", "address", "<MAC address>");
}

/* --- the parts of the report --- */

/* What the report is written with: each line loses its secrets. */
struct writer {
	FILE *out;
	struct selftest_secrets secrets;
};

static void write_line(struct writer *w, size_t indent, const char *fmt, ...) _printf_(3, 4);
static void write_line(struct writer *w, size_t indent, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL, *clean = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	clean = selftest_remove_secrets(text, &w->secrets);
	text_print_wrapped(w->out, clean, indent);
}

static void write_features(struct writer *w, const struct paths *paths)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *has = NULL, *lacks = NULL;
	struct ffs_features features = { 0 };

	if (features_probe(paths, &features, &err) < 0) {
		write_line(w, 13, "FunctionFS   %s", err.text);
		return;
	}
	for (int f = 0; f < FFS_FEATURE_COUNT; f++) {
		const struct ffs_feature *feature = ffs_feature_by_number(f);

		if (feature)
			text_append_to_list(features.has[f] ? &has : &lacks, ", ", feature->name);
	}
	write_line(w, 13, "FunctionFS   has: %s", has ? has : "none");
	write_line(w, 13, "             lacks: %s", lacks ? lacks : "none");
}

static void write_facts(struct writer *w, const struct selftest *t, const struct system *system)
{
	const struct udc_traits *traits = udc_traits_or_unknown(t->driver);
	_cleanup_free_ char *model = system_read_line(system, "/proc/device-tree/model"),
			    *speed = udc_read_attribute(t->udc, "maximum_speed"),
			    *endpoints = udc_endpoint_counts_text(traits);
	struct utsname kernel;
	time_t now = time(NULL);
	struct tm date;
	char day[32];

	uname(&kernel);
	gmtime_r(&now, &date);
	strftime(day, sizeof(day), "%Y-%m-%d", &date);
	write_line(w, 13, "ffsctl       %s", PACKAGE_VERSION);
	write_line(w, 13, "date         %s", day);
	write_line(w, 13, "board        %s", model ? model : "no device tree");
	write_line(w, 13, "kernel       %s %s", kernel.release, kernel.machine);
	write_line(w, 13, "UDC          %s, driver %s, up to %s", t->udc,
		   t->driver ? t->driver : "unknown", speed ? speed : "an unknown speed");
	write_line(w, 13, "endpoints    %s, in ffsctl's table of drivers", endpoints);
	write_features(w, t->paths);
}

static void write_results(struct writer *w, const struct selftest *t)
{
	fputs("\nResults\n\n", w->out);
	for (size_t i = 0; i < t->n_results; i++) {
		const struct selftest_result *r = &t->results[i];

		_cleanup_free_ char *time = r->seconds == SELFTEST_NO_SECONDS
						    ? xstrdup("")
						    : strf("%.1f s", r->seconds);

		write_line(w, RESULT_COLUMN, "%-13s%-16s%7s  %s",
			   selftest_outcome_words[r->outcome], r->step, time, r->text);
	}
	write_line(w, 0, "\n%zu passed, %zu failed, %zu not possible, %zu not seen%s",
		   selftest_count(t, SELFTEST_PASSED), selftest_count(t, SELFTEST_FAILED),
		   selftest_count(t, SELFTEST_NOT_POSSIBLE), selftest_count(t, SELFTEST_NOT_SEEN),
		   t->was_interrupted ? "; interrupted" : "");
}

static void write_kernel_log(struct writer *w, const struct selftest *t, int fd)
{
	char record[KERNEL_LOG_RECORD_MAX + 1];
	size_t lines = 0;

	fputs("\nKernel log, lines of the device side of USB\n\n", w->out);
	if (fd < 0)
		fputs("the kernel log cannot be read\n", w->out);
	while (kernel_log_read_record(fd, record)) {
		_cleanup_free_ char *line = selftest_kmsg_line(record);

		if (!line || !selftest_is_gadget_line(line, t->udc, t->driver))
			continue;
		if (lines++ < KERNEL_LINES_MAX)
			write_line(w, 15, "%s", line);
	}
	if (lines > KERNEL_LINES_MAX)
		fprintf(w->out, "(%zu more lines)\n", lines - KERNEL_LINES_MAX);
}

static char *make_report(const struct selftest *t, int kernel_log_fd, size_t *size)
{
	struct system system __attribute__((cleanup(system_free)));
	struct writer w = { 0 };
	char *text = NULL;

	system_init(&system, "", t->paths);
	w.out = open_memstream(&text, size);
	if (!w.out)
		return NULL;
	collect_secrets(&w.secrets, &system);
	fputs("Report of ffsctl selftest\n\n", w.out);
	write_facts(&w, t, &system);
	write_results(&w, t);
	write_kernel_log(&w, t, kernel_log_fd);
	selftest_secrets_free(&w.secrets);
	fclose(w.out);
	return text;
}

int selftest_write_report(const struct selftest *t, int kernel_log_fd, const char *path,
			  struct error *err)
{
	_cleanup_free_ char *new_path = strf("%s.new", path), *text = NULL;
	_cleanup_close_ int fd = -1;
	size_t size = 0;
	int r;

	text = make_report(t, kernel_log_fd, &size);
	fd = open(new_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (!text || fd < 0)
		return error_cannot_write(path, text ? errno : ENOMEM, err);
	r = fd_write_all(fd, text, size);
	/* link(2) fails with EEXIST, where rename(2) would replace the file. */
	if (r == 0 && (fsync(fd) < 0 || link(new_path, path) < 0))
		r = -errno;
	unlink(new_path);
	return r < 0 ? error_cannot_write(path, -r, err) : 0;
}
