/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/bind_failure.h"

#include <errno.h>

#include "base/cleanup.h"
#include "configfs/udc.h"

static int explain_too_few_endpoints(const struct gadget *g, const char *certainty,
				     struct error *err)
{
	struct endpoint_count need = gadget_endpoint_count(g);

	err->exit = EX_UNAVAILABLE;
	return error_add_detail(
		err,
		"%sthis UDC has no free endpoint that a function can use: the gadget "
		"needs %s%u IN and %u OUT endpoints besides ep0%s",
		certainty, need.is_minimum ? "at least " : "", need.in, need.out,
		need.has_isochronous ? ", isochronous ones among them" : "");
}

/*
 * Adds the reason for ENODEV to the error: a function is not ready, or the UDC has too few
 * endpoints.
 */
static int explain_nodev(const struct gadget *g, struct error *err)
{
	err->exit = EX_UNAVAILABLE;
	for (size_t i = 0; i < g->n_functions; i++) {
		const struct function *f = &g->functions[i];

		if (streq(f->type, "ffs") && !function_descriptors(f)) {
			error_add_detail(err, "the function '%s' has no descriptors yet", f->label);
			error_add_hint(err, "a program must write descriptors and strings to the "
					    "function's ep0 before the gadget can be bound");
			return error_set_position(err, &f->at);
		}
		if (streq(f->type, "tcm")) {
			error_add_detail(err, "the function '%s' has no enabled target", f->label);
			error_add_hint(err,
				       "run 'ffsctl up --no-bind', make and enable the function's "
				       "target, then run 'ffsctl bind' (see tcm in "
				       "ffsctl-functions(5))");
			return error_set_position(err, &f->at);
		}
	}
	/*
	 * The kernel also returns ENODEV for a name that is too long and for too many interfaces.
	 * ffsctl has already excluded both causes.
	 */
	return explain_too_few_endpoints(g, "most likely ", err);
}

static int explain_logged_failure(const struct configfs *c, const struct bind_kernel_log *log,
				  struct error *err)
{
	if (log->bind_errno == ENODEV)
		explain_nodev(c->gadget, err);
	/* f_fs.c and f_mass_storage.c return ENOTSUPP if no endpoint is free. */
	else if (log->bind_errno == KERNEL_ENOTSUPP)
		explain_too_few_endpoints(c->gadget, "", err);
	return log->function_message
		       ? error_add_detail(err, "the kernel logged: \"%s\"", log->function_message)
		       : -err->errno_value;
}

/* Adds the reason for EBUSY to the error, if the kernel's log does not show another reason. */
static int explain_busy(const struct configfs *c, const struct step *step,
			const struct bind_kernel_log *log, struct error *err)
{
	_cleanup_free_ char *holder = udc_holder(c->paths, step->value);

	err->exit = EX_UNAVAILABLE;
	if (holder)
		return error_add_detail(err, "the UDC is held by %s", holder);
	error_add_detail(err, "nothing holds the UDC, and the kernel's log %s",
			 log->kmsg_fd >= 0 ? "has no other reason" : "cannot be read");
	return error_add_hint(err, "look for 'failed to start' in dmesg");
}

int explain_bind_failure(const struct configfs *c, const struct step *step,
			 struct bind_kernel_log *log, int e, struct error *err)
{
	bool removed = !udc_exists(step->value);

	bind_kernel_log_read(log, step->value, c->gadget->name);
	if (e == EBUSY)
		e = log->bind_errno ? log->bind_errno : removed ? ENODEV : e;
	error_errno(err, EX_OSERR, e, step->path, "cannot bind the gadget to the UDC %s",
		    step->value);
	if (removed) {
		err->exit = EX_UNAVAILABLE;
		return error_add_detail(err, "the UDC was removed");
	}
	if (log->bind_errno)
		return explain_logged_failure(c, log, err);
	return e == EBUSY ? explain_busy(c, step, log, err) : -e;
}
