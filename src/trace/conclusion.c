/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/conclusion.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/util.h"
#include "trace/request_words.h"

/* An answer that takes longer is worth a word; hosts give up after 5 s at the latest. */
#define SLOW_US 100000

#define NO_MICROSOFT_DESCRIPTORS                                                                   \
	"it got no Microsoft OS descriptors, without which Windows has drivers for few "           \
	"functions ('ffsctl descriptors --hosts')"

const char *const exchange_kind_words[EXCHANGE_KIND_COUNT] = {
	[EXCHANGE_REQUEST] = "request",	      [EXCHANGE_RESET] = "reset",
	[EXCHANGE_DISCONNECT] = "disconnect", [EXCHANGE_SUSPEND] = "suspend",
	[EXCHANGE_RESUME] = "resume",
};

const char *const request_outcome_words[REQUEST_OUTCOME_COUNT] = {
	[REQUEST_ANSWERED] = "answered",   [REQUEST_STALLED] = "stalled",
	[REQUEST_CANCELLED] = "cancelled", [REQUEST_UNANSWERED] = "unanswered",
	[REQUEST_UNKNOWN] = "unknown",
};

/* --- one exchange ----------------------------------------------------------------------------- */

/* Returns the label of the function that a request is for; NULL: it is for none, or unknown. */
static const char *function_of(const struct trace_gadget *g, const struct exchange *x)
{
	return (x->setup.bRequestType & USB_RECIP_MASK) == USB_RECIP_INTERFACE
		       ? known_label(&g->known, le16toh(x->setup.wIndex) & 0xff)
		       : NULL;
}

static char *answered_text(const struct exchange *x)
{
	_cleanup_free_ char *words = answer_words(&x->setup, x->data, x->n_data);

	if (!x->setup.wLength)
		return xstrdup("done");
	return strf("%u byte%s%s%s", x->actual, x->actual == 1 ? "" : "s", words ? ": " : "",
		    words ? words : "");
}

static char *stalled_text(const struct trace_gadget *g, const struct exchange *x)
{
	const char *usual = usual_stall_words(&x->setup, &g->known);

	if (usual)
		return strf("stalled (%s)", usual);
	return x->error ? strf("stalled (%s)", errno_words(x->error)) : xstrdup("stalled");
}

static char *unanswered_text(const struct trace_gadget *g, const struct exchange *x)
{
	const char *label = function_of(g, x);

	return label ? strf("not answered by '%s'", label) : xstrdup("not answered");
}

/* Returns what became of a request, as "18 bytes" or "stalled". The caller frees it. */
static char *exchange_outcome_text(const struct trace_gadget *g, const struct exchange *x)
{
	_cleanup_free_ char *text = x->outcome == REQUEST_ANSWERED  ? answered_text(x)
				    : x->outcome == REQUEST_STALLED ? stalled_text(g, x)
				    : x->outcome == REQUEST_UNKNOWN ? xstrdup("the answer was lost")
				    : x->outcome == REQUEST_CANCELLED
					    ? strf("cancelled (%s)", errno_words(x->error))
					    : unanswered_text(g, x);

	if (x->end_us - x->time_us < SLOW_US)
		return steal_ptr(text);
	return strf("%s, after %.1f s", text, (double)(x->end_us - x->time_us) / 1e6);
}

char *exchange_text(const struct trace_gadget *g, const struct exchange *x)
{
	_cleanup_free_ char *words = NULL, *outcome = NULL;

	if (x->kind != EXCHANGE_REQUEST)
		return xstrdup(exchange_kind_words[x->kind]);
	words = request_words(&x->setup, &g->known);
	outcome = exchange_outcome_text(g, x);
	return strf("%s: %s", words, outcome);
}

/* --- the conclusion --------------------------------------------------------------------------- */

static bool last_host_is_linux(const struct trace_gadget *g)
{
	return g->n_hosts > 0 && str_has_prefix(g->hosts[g->n_hosts - 1]->host, "Linux");
}

/* Returns what is likely of a host that has read the configuration and not selected it. */
static char *why_not_selected(const struct trace_gadget *g)
{
	/* usb_generic_driver_probe(): Linux selects a configuration also without a driver. */
	const char *driver = last_host_is_linux(g) ? "" : "it has no driver, or ";

	return strf("it has read the configuration and not selected it: %sit does not allow the "
		    "device, or has not the power (bMaxPower is %u)",
		    driver, g->known.max_power);
}

/* Returns what is likely of a host that has not configured the gadget. The caller frees it. */
static char *why_not_configured(const struct trace_gadget *g)
{
	const struct usb_ctrlrequest *r = &g->last.setup;
	unsigned int descriptor = le16toh(r->wValue) >> 8;

	if (g->n_requests == 0 && g->n_resets == 0)
		return xstrdup("it asked nothing: no host is connected ('ffsctl doctor' may find "
			       "why), or the host asked before the trace began: plug the cable in "
			       "again");
	if (g->n_requests == 0)
		return xstrdup("it asked nothing, but there is one: the cable, its connector or "
			       "the signal may be bad");
	if (g->last.outcome != REQUEST_ANSWERED && !usual_stall_words(r, &g->known))
		return xstrdup("it gave up at this request");
	if (g->n_configs == 0)
		return strf("the device has 0 configurations: a function has no descriptors for "
			    "the speed of this host%s%s",
			    g->speed ? ", " : "", g->speed ? g->speed : "");
	if (r->bRequest == USB_REQ_GET_DESCRIPTOR && descriptor == USB_DT_DEVICE && g->n_resets > 1)
		return xstrdup("it asked for the device again and again: the answer does not "
			       "reach it, as with a bad cable or signal");
	if (g->has_read_config)
		return why_not_selected(g);
	return xstrdup("it gave up before it read the configuration");
}

static void print_failed(FILE *to, const struct trace_gadget *g)
{
	for (size_t i = 0; i < g->n_failed; i++) {
		_cleanup_free_ char *text = exchange_text(g, &g->failed[i].last);
		const char *hint;

		fprintf(to, "  failed: %s", text);
		if (g->failed[i].n > 1)
			fprintf(to, " (%u times)", g->failed[i].n);
		fputc('\n', to);
		hint = g->failed[i].last.outcome == REQUEST_STALLED
			       ? stall_hint(&g->failed[i].last.setup, &g->known)
			       : NULL;
		if (hint)
			fprintf(to, "    hint: %s\n", hint);
	}
	if (g->n_failed_others)
		fprintf(to, "  failed: %u other requests\n", g->n_failed_others);
}

void conclusion_print(FILE *to, const char *name, const struct trace_gadget *g)
{
	fprintf(to, "%s: %u request%s, %u reset%s\n", name, g->n_requests,
		g->n_requests == 1 ? "" : "s", g->n_resets, g->n_resets == 1 ? "" : "s");
	for (size_t i = 0; i < g->n_hosts; i++)
		fprintf(to, "  host: %s%s: %s\n", i ? "then " : "probably ", g->hosts[i]->host,
			g->hosts[i]->why);
	if (g->n_hosts == 0 && g->n_requests)
		fputs("  host: unknown\n", to);
	print_failed(to, g);
	if (g->lacks_microsoft_descriptors)
		fprintf(to, "  note: %s\n", NO_MICROSOFT_DESCRIPTORS);
	if (g->config == CONFIG_FROM_BEFORE) {
		fputs("  configured: since before the trace began\n", to);
	} else if (g->config) {
		fprintf(to, "  configured: configuration %d\n", g->config);
	} else if (g->config_before) {
		fputs("  configured: until the host reset the gadget or was disconnected\n", to);
	} else {
		_cleanup_free_ char *why = why_not_configured(g);

		fprintf(to, "  not configured: %s\n", why);
		if (g->last.time_us) {
			_cleanup_free_ char *last = exchange_text(g, &g->last);

			fprintf(to, "  last request: %s\n", last);
		}
	}
}

static json_t *failed_to_json(const struct trace_gadget *g)
{
	json_t *list = json_array();

	for (size_t i = 0; i < g->n_failed; i++) {
		const struct failed_request *f = &g->failed[i];
		_cleanup_free_ char *words = request_words(&f->last.setup, &g->known);

		json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "words", words, "outcome",
						      request_outcome_words[f->last.outcome],
						      "count", (json_int_t)f->n));
	}
	return list;
}

static json_t *hosts_to_json(const struct trace_gadget *g)
{
	json_t *list = json_array();

	for (size_t i = 0; i < g->n_hosts; i++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "host", g->hosts[i]->host,
						      "because", g->hosts[i]->why));
	return list;
}

json_t *conclusion_to_json(const struct trace_gadget *g)
{
	int config = g->config ? g->config : g->config_before;
	_cleanup_free_ char *why = config ? NULL : why_not_configured(g),
			    *last = g->last.time_us ? exchange_text(g, &g->last) : NULL;

	return json_pack(
		"{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "requests", (json_int_t)g->n_requests,
		"resets", (json_int_t)g->n_resets, "hosts", hosts_to_json(g), "configuration",
		config > 0 ? json_integer(config) : json_null(), "not_configured_because",
		json_string_or_null(why), "last_request", json_string_or_null(last), "note",
		json_string_or_null(g->lacks_microsoft_descriptors ? NO_MICROSOFT_DESCRIPTORS
								   : NULL),
		"failed", failed_to_json(g));
}
