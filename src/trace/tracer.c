/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/tracer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/detached_mount.h"
#include "base/fd.h"
#include "configfs/udc.h"

#define INSTANCE "instances/ffsctl"
#define GROUP "ffsctl" /* of the probes */
/* Longest line: 256 bytes of data, each as "0xff,", and what is before them. */
#define LINE_MAX_SIZE 4096
/* Reads of one call: a host that asks faster than the reader of stdout reads must not keep the
   command from its signals. */
#define READS_MAX 16
#define BUFFER_KB "256" /* for each processor; some thousand requests */

/*
 * The probes. In `format`, %1 and %2 are the first two arguments of the function; %p and %q are the
 * size of a pointer and of two, and %l is the type of a pointer.
 *
 * They rely on the order of members in structs that no interface defines. Where it has changed,
 * also in stable kernels, a probe has both places:
 *
 * - `struct usb_ep`: driver_data, name. `struct device` and its kobject: the name is first.
 * - `struct usb_udc`: the pointer to the gadget is before `dev`; newer kernels have another pointer
 *   between them (gadget_release).
 * - `struct usb_request`: `buf` is first; newer kernels have the pointer to the endpoint before it.
 *   Bytes of a buffer, which are the host's, are never used as an address.
 */
#define DATA_PROBE "usb_gadget_ep0_data"
#define UDC_PROBE "udc"

static const struct probe {
	const char *tracepoint; /* below events; where it exists, the probe is not needed */
	const char *name, *symbol, *format;
	bool is_return; /* a return probe */
	bool is_optional;
} probes[] = {
	{ "composite", "composite_setup", "composite_setup", "gadget=%1:x64 setup=+0(%2):x8[8]",
	  false, false },
	{ "composite", "composite_setup_done", "composite_setup", "value=$retval:s32", true,
	  false },
	{ "composite", "composite_reset", "usb_gadget_udc_reset", "gadget=%1:x64", false, true },
	{ "composite", "composite_disconnect", "composite_disconnect", "gadget=%1:x64", false,
	  true },
	{ "composite", "composite_suspend", "composite_suspend", "gadget=%1:x64", false, true },
	{ "composite", "composite_resume", "composite_resume", "gadget=%1:x64", false, true },
	{ "composite", UDC_PROBE, "usb_udc_uevent",
	  "udc=+0(+0(%1)):string gadget=-%p(%1):%l other=-%q(%1):%l", false, false },
	{ "gadget/usb_gadget_ep0_data", DATA_PROBE, "usb_gadget_giveback_request",
	  "ep=+0(+%p(%1)):string self=%1:x64 first=+0(%2):%l "
	  "data0=+0(+0(%2)):x8[64] data1=+64(+0(%2)):x8[64] "
	  "newer0=+0(+%p(%2)):x8[64] newer1=+64(+%p(%2)):x8[64]",
	  false, true },
};

/* How a machine (uname(2)) names the registers of the first two arguments. The first row that fits
   counts. Most kernels have names for all machines (HAVE_FUNCTION_ARG_ACCESS_API). */
static const struct machine {
	const char *prefix, *arguments[2];
} machines[] = {
	{ "armv8", { "$arg1", "$arg2" } }, /* a 32-bit program on a 64-bit kernel */
	{ "arm", { "%r0", "%r1" } },
	{ "mips", { "%r4", "%r5" } },
	{ "", { "$arg1", "$arg2" } },
};

/* The events of an instance; those of `gadget` only of endpoint 0. The UDCs are known before the
   first request. */
static const struct {
	const char *dir, *filter;
	bool is_optional;
} events[] = {
	{ GROUP "/" UDC_PROBE, NULL, true },
	{ "gadget/usb_ep_queue", "name ~ \"ep0*\"", false },
	{ "gadget/usb_gadget_giveback_request", "name ~ \"ep0*\"", false },
	{ "gadget/usb_ep_set_halt", "name ~ \"ep0*\"", false },
	{ "gadget/usb_gadget_ep0_data", NULL, true },
	{ "composite", NULL, true },
	{ GROUP "/" DATA_PROBE, "ep ~ \"ep0*\"", true },
	{ GROUP, NULL, true },
};

/* Returns the root directory of a tracefs for this process alone, or a negative errno. */
static int open_tracefs(void)
{
	_cleanup_close_ int mount = mount_detached("tracefs", NULL);
	int fd;

	if (mount < 0)
		return mount;
	/* flock(2) does not take an O_PATH */
	fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int write_text(int dirfd, const char *path, const char *text)
{
	return file_write(dirfd, path, text, strlen(text));
}

static bool has(const struct tracer *t, const char *path)
{
	return faccessat(t->tracefs_fd, path, F_OK, 0) == 0;
}

static int fail(const char *path, int e, struct error *err)
{
	return error_errno(err, EX_OSERR, e, path, "cannot write %s of tracefs", path);
}

/* Fails because the kernel has no means to trace gadgets. */
static int fail_no_events(const struct tracer *t, const char *reason, struct error *err)
{
	error_set(err, EX_UNAVAILABLE, ENOENT, NULL, "cannot trace: %s", reason);
	if (!has(t, "events/composite"))
		error_add_hint(err, "'modprobe libcomposite', or bring the gadget up first");
	return error_add_hint(err, "build the kernel with CONFIG_KPROBE_EVENTS, or with the "
				   "patches of kernel/ (group 'features')");
}

/* --- probes ----------------------------------------------------------------------------------- */

static const struct machine *this_machine(void)
{
	struct utsname name;
	size_t i = 0;

	uname(&name);
	while (!str_has_prefix(name.machine, machines[i].prefix))
		i++;
	return &machines[i];
}

/* Returns the size of the kernel's pointers, which may be others than this program's. */
static int kernel_pointer_size(const struct tracer *t)
{
	_cleanup_free_ char *text = NULL;
	const char *field;
	int size;

	/* "field: local_t commit;	offset:8;	size:8;	signed:1;" */
	if (file_read(t->tracefs_fd, "events/header_page", 4096, &text, NULL) < 0)
		return sizeof(void *);
	field = strstr(text, " commit;");
	field = field ? strstr(field, "size:") : NULL;
	return field && sscanf(field, "size:%d", &size) == 1 && size == 4 ? 4 : 8;
}

static void print_format(FILE *out, const char *format, const struct machine *m, int pointer_size)
{
	for (const char *p = format; *p; p++) {
		if (*p != '%') {
			fputc(*p, out);
			continue;
		}
		switch (*++p) {
		case '1':
		case '2':
			fputs(m->arguments[*p - '1'], out);
			break;
		case 'p':
			fprintf(out, "%d", pointer_size);
			break;
		case 'q':
			fprintf(out, "%d", 2 * pointer_size);
			break;
		case 'l':
			fprintf(out, "x%d", 8 * pointer_size);
			break;
		}
	}
}

static int write_probe(const struct tracer *t, const struct probe *probe)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	fprintf(out, "%c:" GROUP "/%s %s ", probe->is_return ? 'r' : 'p', probe->name,
		probe->symbol);
	print_format(out, probe->format, this_machine(), kernel_pointer_size(t));
	fclose(out);
	return write_text(t->tracefs_fd, "kprobe_events", text);
}

/* Makes the probes for the tracepoints that this kernel does not have. */
static int make_probes(struct tracer *t, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		_cleanup_free_ char *tracepoint = strf("events/%s", probes[i].tracepoint),
				    *reason = NULL;
		int r = has(t, tracepoint) ? 0 : write_probe(t, &probes[i]);

		if (r == 0 || probes[i].is_optional)
			continue;
		reason = has(t, "kprobe_events")
				 ? strf("no probe on %s(): %s", probes[i].symbol, errno_words(-r))
				 : xstrdup("the kernel has neither probes nor the events "
					   "'composite'");
		return fail_no_events(t, reason, err);
	}
	return 0;
}

static void remove_probes(const struct tracer *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		_cleanup_free_ char *text = strf("-:" GROUP "/%s", probes[i].name);

		write_text(t->tracefs_fd, "kprobe_events", text);
	}
}

/* The kernel calls usb_udc_uevent() for each of these files. */
void tracer_make_udcs_known(void)
{
	DIR *dir = opendir(UDC_CLASS_DIR);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		_cleanup_free_ char *path = strf("%s/uevent", entry->d_name), *text = NULL;

		if (*entry->d_name != '.')
			file_read(dirfd(dir), path, 4096, &text, NULL);
	}
	closedir(dir);
}

/* --- the instance ----------------------------------------------------------------------------- */

static void remove_instance(const struct tracer *t)
{
	/* Also where a program that looks into the instance keeps it from being removed */
	write_text(t->tracefs_fd, INSTANCE "/events/enable", "0");
	unlinkat(t->tracefs_fd, INSTANCE, AT_REMOVEDIR);
}

static int enable_events(const struct tracer *t, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		_cleanup_free_ char *dir = strf(INSTANCE "/events/%s", events[i].dir),
				    *filter = strf("%s/filter", dir),
				    *enable = strf("%s/enable", dir);
		int r = events[i].filter ? write_text(t->tracefs_fd, filter, events[i].filter) : 0;

		if (r < 0 && !(r == -ENOENT && events[i].is_optional))
			return fail(filter, -r, err);
		r = r < 0 ? r : write_text(t->tracefs_fd, enable, "1");
		if (r < 0 && !(r == -ENOENT && events[i].is_optional))
			return fail(enable, -r, err);
		if (i == 0 && r == 0)
			tracer_make_udcs_known();
	}
	return 0;
}

static int make_instance(struct tracer *t, struct error *err)
{
	static const struct {
		const char *path, *value;
	} settings[] = {
		{ INSTANCE "/trace_clock", "mono" },
		{ INSTANCE "/buffer_size_kb", BUFFER_KB },
	};

	if (mkdirat(t->tracefs_fd, INSTANCE, 0700) < 0)
		return error_errno(err, EX_OSERR, errno, NULL, "cannot make %s in tracefs",
				   INSTANCE);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		int r = write_text(t->tracefs_fd, settings[i].path, settings[i].value);

		if (r < 0)
			return fail(settings[i].path, -r, err);
	}
	/* 0: poll(2) reports the first event; kernels before 6.1 do so without the file */
	write_text(t->tracefs_fd, INSTANCE "/buffer_percent", "0");
	t->pipe_fd =
		openat(t->tracefs_fd, INSTANCE "/trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (t->pipe_fd < 0)
		return error_errno(err, EX_OSERR, errno, NULL, "cannot open %s of tracefs",
				   INSTANCE "/trace_pipe");
	return enable_events(t, err);
}

/* Locks tracefs for all tracers of ffsctl, and removes what a killed one has left. */
static int become_only_tracer(struct tracer *t, struct error *err)
{
	_cleanup_close_ int lock = steal_fd(&t->tracefs_fd);

	if (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		error_set(err, EX_TEMPFAIL, errno, NULL,
			  "cannot trace: another 'ffsctl trace' runs");
		return -err->errno_value;
	}
	t->tracefs_fd = steal_fd(&lock);
	remove_instance(t);
	remove_probes(t);
	return 0;
}

int tracer_open(struct tracer *t, struct error *err)
{
	int r = open_tracefs();

	*t = TRACER_CLOSED;
	if (r < 0) {
		if (r == -ENODEV)
			return fail_no_events(t, "the kernel has no tracefs", err);
		error_errno(err, r == -EPERM ? EX_NOPERM : EX_OSERR, -r, NULL,
			    "cannot mount tracefs");
		return r == -EPERM ? error_add_root_hint(err) : r;
	}
	t->tracefs_fd = r;
	r = become_only_tracer(t, err);
	if (r == 0 && !has(t, "events/gadget"))
		r = fail_no_events(t, "the kernel has no events 'gadget'", err);
	if (r == 0)
		r = make_probes(t, err);
	if (r == 0)
		r = make_instance(t, err);
	return r;
}

void tracer_close(struct tracer *t)
{
	cleanup_close(&t->pipe_fd);
	if (t->tracefs_fd >= 0) {
		remove_instance(t);
		remove_probes(t);
	}
	cleanup_close(&t->tracefs_fd);
	free(steal_ptr(t->text));
	t->n_text = 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Handles the complete lines of the text, and keeps the rest. */
static void handle_lines(struct tracer *t,
			 void (*on_event)(void *data, const struct trace_event *e), void *data)
{
	char *line = t->text, *end;

	while ((end = memchr(line, '\n', t->n_text - (size_t)(line - t->text)))) {
		struct trace_event e;

		*end = '\0';
		if (trace_event_parse(line, &e))
			on_event(data, &e);
		line = end + 1;
	}
	t->n_text -= (size_t)(line - t->text);
	memmove(t->text, line, t->n_text);
	if (t->n_text == LINE_MAX_SIZE) /* not a line of ours */
		t->n_text = 0;
}

int tracer_read(struct tracer *t, void (*on_event)(void *data, const struct trace_event *e),
		void *data, struct error *err)
{
	ssize_t n = 0;

	if (!t->text)
		t->text = xcalloc(1, LINE_MAX_SIZE);
	for (int i = 0; i < READS_MAX; i++) {
		n = read(t->pipe_fd, t->text + t->n_text, LINE_MAX_SIZE - t->n_text);
		if (n <= 0)
			break;
		t->n_text += (size_t)n;
		handle_lines(t, on_event, data);
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return error_errno(err, EX_OSERR, errno, NULL, "cannot read the trace");
	return n > 0;
}

void tracer_stop(const struct tracer *t)
{
	write_text(t->tracefs_fd, INSTANCE "/tracing_on", "0");
}
