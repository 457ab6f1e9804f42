/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/bind_failure.h"

#include <errno.h>

#include "base/cleanup.h"
#include "configfs/udc.h"

static int explain_too_few_endpoints(const struct gadget *g, const char *how_sure,
				     struct error *err)
{
	struct endpoint_count need = gadget_endpoints(g);

	err->exit = EX_UNAVAILABLE;
	return error_detail(err,
			    "%sthis UDC has no free endpoint that a function can use: the gadget "
			    "needs %s%u to the host and %u from it besides ep0%s",
			    how_sure, need.at_least ? "at least " : "", need.in, need.out,
			    need.isochronous ? ", isochronous ones among them" : "");
}

/* Explains ENODEV: a program has not prepared a function, or an endpoint is missing. */
static int explain_nodev(const struct gadget *g, struct error *err)
{
	err->exit = EX_UNAVAILABLE;
	for (size_t i = 0; i < g->n_functions; i++) {
		const struct function *f = &g->functions[i];

		if (streq(f->type, "ffs") && !function_descriptors(f)) {
			error_detail(err, "the function '%s' has no descriptors yet", f->label);
			error_hint(err, "a program must write them before the gadget can be bound");
			return error_at(err, &f->at);
		}
		if (streq(f->type, "tcm")) {
			error_detail(err, "the function '%s' has no enabled target", f->label);
			error_hint(err, "'ffsctl up --no-bind' makes the function, then make and "
					"enable its target, then 'ffsctl bind' (tcm in "
					"ffsctl-gadget(5))");
			return error_at(err, &f->at);
		}
	}
	/*
	 * The kernel returns ENODEV also for names that are too long and for too many interfaces,
	 * but ffsctl has checked both before.
	 */
	return explain_too_few_endpoints(g, "most likely ", err);
}

static int explain_logged(const struct configfs *c, const struct bind_log *log, struct error *err)
{
	if (log->error == ENODEV)
		explain_nodev(c->gadget, err);
	else if (log->error == KERNEL_ENOTSUPP) /* no endpoint (f_fs.c, f_mass_storage.c) */
		explain_too_few_endpoints(c->gadget, "", err);
	return log->function_message
		       ? error_detail(err, "the kernel logged: \"%s\"", log->function_message)
		       : -err->err;
}

/* Explains EBUSY, which the kernel returns for every reason. */
static int explain_busy(const struct configfs *c, const struct step *step,
			const struct bind_log *log, struct error *err)
{
	_cleanup_free_ char *holder = udc_holder(c->paths, step->value);

	err->exit = EX_UNAVAILABLE;
	if (holder)
		return error_detail(err, "it is held by %s", holder);
	error_detail(err, "nothing holds the UDC, and the kernel's log %s",
		     log->fd >= 0 ? "has no other reason" : "cannot be read");
	return error_hint(err, "look for 'failed to start' in dmesg");
}

int explain_bind_failure(const struct configfs *c, const struct step *step, struct bind_log *log,
			 int e, struct error *err)
{
	bool removed = !udc_exists(step->value);

	bind_log_read(log, step->value, c->gadget->name);
	if (e == EBUSY)
		e = log->error ? log->error : removed ? ENODEV : e;
	error_errno(err, EX_OSERR, e, step->path, "cannot bind the gadget to the UDC %s",
		    step->value);
	if (removed) {
		err->exit = EX_UNAVAILABLE;
		return error_detail(err, "the UDC was removed");
	}
	if (log->error)
		return explain_logged(c, log, err);
	return e == EBUSY ? explain_busy(c, step, log, err) : -e;
}
