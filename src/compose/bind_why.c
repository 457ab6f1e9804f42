/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compose/bind_why.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "compose/udc.h"

/* --- how many endpoints --- */

struct need {
	unsigned int in, out;
	bool isochronous, at_least;
};

enum { ISOCHRONOUS = 1, AT_LEAST = 2 /* more by other attributes */ };

/* kernel/functions.md. An endpoint is not there where the attribute `_if` is 0. */
static const struct {
	const char *type;
	unsigned int in, out, flags;
	const char *in_if, *out_if;
} needs[] = {
	{ "acm", 2, 1, 0, NULL, NULL },
	{ "ecm", 2, 1, 0, NULL, NULL },
	{ "eem", 1, 1, 0, NULL, NULL },
	{ "geth", 1, 1, 0, NULL, NULL },
	{ "gser", 1, 1, 0, NULL, NULL },
	{ "hid", 1, 0, AT_LEAST, NULL, NULL },
	{ "Loopback", 1, 1, 0, NULL, NULL },
	{ "mass_storage", 1, 1, 0, NULL, NULL },
	{ "midi", 1, 1, 0, NULL, NULL },
	{ "midi2", 1, 1, AT_LEAST, NULL, NULL },
	{ "ncm", 2, 1, 0, NULL, NULL },
	{ "obex", 1, 1, 0, NULL, NULL },
	{ "phonet", 1, 1, 0, NULL, NULL },
	{ "printer", 1, 1, 0, NULL, NULL },
	{ "rndis", 2, 1, 0, NULL, NULL },
	{ "SourceSink", 1, 1, AT_LEAST, NULL, NULL },
	{ "tcm", 2, 2, 0, NULL, NULL },
	{ "uac1", 1, 1, ISOCHRONOUS | AT_LEAST, "p_chmask", "c_chmask" },
	{ "uac1_legacy", 0, 1, ISOCHRONOUS, NULL, NULL },
	{ "uac2", 1, 1, ISOCHRONOUS | AT_LEAST, "p_chmask", "c_chmask" },
	{ "uvc", 1, 0, ISOCHRONOUS | AT_LEAST, NULL, NULL },
};

static bool is_zero(const struct function *f, const char *attribute)
{
	for (size_t i = 0; attribute && i < f->entries.n; i++)
		if (streq(f->entries.v[i].path, attribute))
			return streq_null(f->entries.v[i].value, "0");
	return false;
}

static void add_ffs(struct need *sum, const struct ffs *ffs)
{
	for (size_t i = 0; i < ffs->n_interfaces; i++) {
		for (size_t k = 0; k < ffs->interfaces[i].n_endpoints; k++) {
			const struct endpoint *ep = &ffs->interfaces[i].endpoints[k];

			*(ep->direction == EP_IN ? &sum->in : &sum->out) += 1;
			sum->isochronous = sum->isochronous || ep->type == EP_ISOCHRONOUS;
		}
	}
}

static void add_function(struct need *sum, const struct function *f)
{
	if (f->ffs) {
		add_ffs(sum, f->ffs);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		if (!streq(f->type, needs[i].type))
			continue;
		sum->in += is_zero(f, needs[i].in_if) ? 0 : needs[i].in;
		sum->out += is_zero(f, needs[i].out_if) ? 0 : needs[i].out;
		sum->isochronous = sum->isochronous || (needs[i].flags & ISOCHRONOUS);
		sum->at_least = sum->at_least || (needs[i].flags & AT_LEAST);
		return;
	}
	sum->at_least = true;
}

/* Of the configuration with the most: each begins with all of the UDC's. */
static struct need most_needed(const struct gadget *g)
{
	struct need most = { 0 };

	for (size_t c = 0; c < g->n_configs; c++) {
		struct need sum = { 0 };

		for (size_t i = 0; i < g->configs[c].n_functions; i++)
			add_function(&sum, &g->functions[g->configs[c].functions[i].function]);
		if (c == 0 || sum.in + sum.out > most.in + most.out)
			most = sum;
	}
	return most;
}

/* --- why not --- */

static int too_few_endpoints(const struct gadget *g, const char *how_sure, struct error *err)
{
	struct need need = most_needed(g);

	err->exit = EX_UNAVAILABLE;
	return error_hint(err,
			  "%sthis UDC has no endpoint left that a function could take: the gadget "
			  "needs %s%u to the host and %u from it besides ep0%s",
			  how_sure, need.at_least ? "at least " : "", need.in, need.out,
			  need.isochronous ? ", isochronous ones among them" : "");
}

/* ENODEV: what a function waits for, else an endpoint. */
static int not_there(const struct gadget *g, struct error *err)
{
	err->exit = EX_UNAVAILABLE;
	for (size_t i = 0; i < g->n_functions; i++) {
		const struct function *f = &g->functions[i];

		if (streq(f->type, "ffs") && !f->ffs) {
			error_hint(
				err,
				"nobody has written descriptors for the function '%s' yet, which "
				"has to be done before it can be bound",
				f->label);
			return error_at(err, &f->at);
		}
		if (streq(f->type, "tcm")) {
			error_hint(err, "the function '%s' has no target that is enabled",
				   f->label);
			return error_at(err, &f->at);
		}
	}
	/* Of other reasons ffsctl has seen to before: a name that is too long, too many interfaces.
	 */
	return too_few_endpoints(g, "most likely ", err);
}

static int explain_logged(const struct compose *c, const struct bind_log *log, struct error *err)
{
	if (log->error == ENODEV)
		not_there(c->gadget, err);
	else if (log->error == KERNEL_ENOTSUPP) /* no endpoint (f_fs.c, f_mass_storage.c) */
		too_few_endpoints(c->gadget, "", err);
	return log->words ? error_hint(err, "the kernel's words: \"%s\"", log->words) : -err->err;
}

/* The kernel says EBUSY whatever it was. */
static int explain_busy(const struct compose *c, const struct step *step,
			const struct bind_log *log, struct error *err)
{
	_cleanup_free_ char *holder = udc_holder(c->world, step->value);

	err->exit = EX_UNAVAILABLE;
	if (holder)
		return error_hint(err, "it is held by %s", holder);
	return error_hint(err,
			  "nothing holds it, the kernel says so for every reason, and its log %s: "
			  "look for 'failed to start' in dmesg",
			  log->fd >= 0 ? "has no better one" : "cannot be read");
}

int bind_why(const struct compose *c, const struct step *step, struct bind_log *log, int e,
	     struct error *err)
{
	_cleanup_free_ char *sysfs = strf(UDC_CLASS_DIR "/%s", step->value);
	bool gone = !path_exists(sysfs);

	bind_log_read(log, step->value, c->gadget->name);
	if (e == EBUSY)
		e = log->error ? log->error : gone ? ENODEV : e;
	error_errno(err, EX_OSERR, e, step->path, "cannot bind the gadget to the UDC %s",
		    step->value);
	if (gone) {
		err->exit = EX_UNAVAILABLE;
		return error_hint(err, "the UDC has gone");
	}
	if (log->error)
		return explain_logged(c, log, err);
	return e == EBUSY ? explain_busy(c, step, log, err) : -e;
}
