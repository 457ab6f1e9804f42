/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/tracer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define INSTANCE "instances/ffsctl"
#define GROUP "ffsctl" /* of the probes */
#define UDC_CLASS_DIR "/sys/class/udc"
/* Longest line: 256 bytes of data, each as "0xff,", and what is before them. */
#define LINE_MAX_SIZE 4096
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
 *   There is a probe for each. Only in newer kernels the first member leads to the name "ep0".
 */
#define DATA_PROBE "usb_gadget_ep0_data"
#define NEWER_DATA_PROBE "usb_gadget_ep0_data_newer"
#define DATA_ARRAYS(buf)                                                                           \
	"data0=+0(" buf "):x8[64] data1=+64(" buf "):x8[64] data2=+128(" buf "):x8[64] "           \
	"data3=+192(" buf "):x8[64]"
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
	{ "composite", "udc", "usb_udc_uevent",
	  "udc=+0(+0(%1)):string gadget=-%p(%1):%l other=-%q(%1):%l", false, true },
	{ "gadget/usb_gadget_ep0_data", DATA_PROBE, "usb_gadget_giveback_request",
	  "ep=+0(+%p(%1)):string newer=+0(+%p(+0(%2))):string " DATA_ARRAYS("+0(%2)"), false,
	  true },
	{ "gadget/usb_gadget_ep0_data", NEWER_DATA_PROBE, "usb_gadget_giveback_request",
	  "ep=+0(+%p(+0(%2))):string " DATA_ARRAYS("+%p(%2)"), false, true },
};

/* How a machine (uname(2)) passes the first two arguments of a function, and its pointers. The
   first row that fits counts. */
static const struct machine {
	const char *prefix, *arguments[2];
	const char *pointer_size, *two_pointers_size, *pointer_type;
} machines[] = {
	{ "armv8",
	  { "$arg1", "$arg2" },
	  "8",
	  "16",
	  "x64" }, /* a 32-bit program on a 64-bit kernel */
	{ "arm", { "%r0", "%r1" }, "4", "8", "x32" },
	{ "mips64", { "%r4", "%r5" }, "8", "16", "x64" },
	{ "mips", { "%r4", "%r5" }, "4", "8", "x32" },
	{ "riscv32", { "$arg1", "$arg2" }, "4", "8", "x32" },
	{ "i", { "$arg1", "$arg2" }, "4", "8", "x32" }, /* i686 */
	{ "", { "$arg1", "$arg2" }, "8", "16", "x64" },
};

/* The events of an instance; those of `gadget` only of endpoint 0. */
static const struct {
	const char *dir, *filter;
	bool is_optional;
} events[] = {
	{ "gadget/usb_ep_queue", "name ~ \"ep0*\"", false },
	{ "gadget/usb_gadget_giveback_request", "name ~ \"ep0*\"", false },
	{ "gadget/usb_ep_set_halt", "name ~ \"ep0*\"", false },
	{ "gadget/usb_gadget_ep0_data", NULL, true },
	{ "composite", NULL, true },
	{ GROUP "/" DATA_PROBE, "ep ~ \"ep0*\" && !(newer ~ \"ep0*\")", true },
	{ GROUP "/" NEWER_DATA_PROBE, "ep ~ \"ep0*\"", true },
	{ GROUP, NULL, true },
};

/* Returns a directory of a tracefs that is attached to no directory, or a negative errno. */
static int mount_detached(void)
{
	_cleanup_close_ int fs = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC), mount = -1;
	int fd;

	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
			     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	/* flock(2) does not take the O_PATH of fsmount(2) */
	fd = mount < 0 ? -1 : openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
static int fail_no_events(const struct tracer *t, struct error *err)
{
	if (!has(t, "events/gadget")) {
		error_set(err, EX_UNAVAILABLE, ENOENT, NULL,
			  "cannot trace: the kernel's module libcomposite is not loaded");
		return error_add_hint(err, "'modprobe libcomposite', or bring the gadget up first");
	}
	error_set(err, EX_UNAVAILABLE, ENOENT, NULL,
		  "cannot trace: the kernel has neither probes nor the events 'composite'");
	return error_add_hint(err, "build it with CONFIG_KPROBE_EVENTS, or with the patches of "
				   "kernel/ (group 'features')");
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

static const char *format_word(char letter, const struct machine *m)
{
	switch (letter) {
	case '1':
		return m->arguments[0];
	case '2':
		return m->arguments[1];
	case 'p':
		return m->pointer_size;
	case 'q':
		return m->two_pointers_size;
	}
	return m->pointer_type;
}

static void print_format(FILE *out, const char *format, const struct machine *m)
{
	for (const char *p = format; *p; p++) {
		if (*p == '%')
			fputs(format_word(*++p, m), out);
		else
			fputc(*p, out);
	}
}

static int write_probe(const struct tracer *t, const struct probe *probe, const struct machine *m)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	fprintf(out, "%c:" GROUP "/%s %s ", probe->is_return ? 'r' : 'p', probe->name,
		probe->symbol);
	print_format(out, probe->format, m);
	fclose(out);
	return write_text(t->tracefs_fd, "kprobe_events", text);
}

/* Makes the probes for the tracepoints that this kernel does not have. */
static int make_probes(struct tracer *t, struct error *err)
{
	const struct machine *m = this_machine();

	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		_cleanup_free_ char *tracepoint = strf("events/%s", probes[i].tracepoint);
		int r = has(t, tracepoint) ? 0 : write_probe(t, &probes[i], m);

		if (r == -ENOENT && !has(t, "kprobe_events") && !probes[i].is_optional)
			return fail_no_events(t, err);
		if (r < 0 && !probes[i].is_optional)
			return error_errno(err, EX_UNAVAILABLE, -r, NULL,
					   "cannot put a probe on %s()", probes[i].symbol);
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

/* Makes the kernel call usb_udc_uevent() for each UDC, so that the trace has its TRACE_EVENT_UDC.
   New UDCs have theirs when they come. */
static void make_udcs_known(void)
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
	unlinkat(t->tracefs_fd, INSTANCE, AT_REMOVEDIR);
}

static int enable_events(const struct tracer *t, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		_cleanup_free_ char *dir = strf(INSTANCE "/events/%s", events[i].dir),
				    *filter = strf("%s/filter", dir),
				    *enable = strf("%s/enable", dir);
		int r = events[i].filter ? write_text(t->tracefs_fd, filter, events[i].filter) : 0;

		r = r < 0 ? r : write_text(t->tracefs_fd, enable, "1");
		if (r == -ENOENT && events[i].is_optional)
			continue;
		if (r < 0)
			return fail(enable, -r, err);
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
	int r = mount_detached();

	*t = TRACER_CLOSED;
	if (r < 0) {
		if (r == -ENODEV)
			return fail_no_events(t, err);
		error_errno(err, r == -EPERM ? EX_NOPERM : EX_OSERR, -r, NULL,
			    "cannot mount tracefs");
		return r == -EPERM ? error_add_root_hint(err) : r;
	}
	t->tracefs_fd = r;
	r = become_only_tracer(t, err);
	if (r == 0 && !has(t, "events/gadget"))
		r = fail_no_events(t, err);
	if (r == 0)
		r = make_probes(t, err);
	if (r == 0)
		r = make_instance(t, err);
	if (r == 0)
		make_udcs_known();
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
	ssize_t n;

	if (!t->text)
		t->text = xcalloc(1, LINE_MAX_SIZE);
	while ((n = read(t->pipe_fd, t->text + t->n_text, LINE_MAX_SIZE - t->n_text)) > 0) {
		t->n_text += (size_t)n;
		handle_lines(t, on_event, data);
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return error_errno(err, EX_OSERR, errno, NULL, "cannot read the trace");
	return 0;
}
