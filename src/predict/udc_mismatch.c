/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "predict/udc_mismatch.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "configfs/udc_driver_table.h"
#include "gadgetfile/sound.h"
#include "predict/endpoint_needs.h"
#include "predict/template.h"

#define MAX_ENDPOINTS 64 /* more than a UDC has */

static const char *const direction_words[] = { [EP_OUT] = "OUT", [EP_IN] = "IN" };

void udc_mismatches_free(struct udc_mismatches *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->list[i].text);
	free(m->list);
	*m = (struct udc_mismatches){ 0 };
}

/* --- endpoints that fit ----------------------------------------------------------------------- */

/*
 * Returns the speed, not above that of the UDC, at which the packets of the endpoint are largest.
 * If the gadget has no such speed, or the speed of the UDC is unknown, returns the gadget's lowest
 * speed. -1: the packet sizes are unknown.
 */
static int speed_of_largest_packet(const struct udc_traits *udc, const struct endpoint_need *need)
{
	static const enum gadget_speed speeds[] = {
		[EP_FULL] = GADGET_SPEED_FULL,
		[EP_HIGH] = GADGET_SPEED_HIGH,
		[EP_SUPER] = GADGET_SPEED_SUPER,
	};
	int largest = -1;

	for (int s = 0; s < EP_SPEED_COUNT; s++) {
		if (!need->max_packet[s] || (largest >= 0 && speeds[s] > udc->max_speed))
			continue;
		if (largest < 0 || need->max_packet[s] > need->max_packet[largest])
			largest = s;
	}
	return largest;
}

static bool fits_direction(const struct udc_endpoint_group *e, const struct endpoint_need *need)
{
	return e->direction == UDC_EITHER ||
	       e->direction == (need->direction == EP_IN ? UDC_IN : UDC_OUT);
}

/*
 * Returns whether the endpoints have the direction and the type of the need, as
 * usb_gadget_ep_match_desc() of gadget/udc/core.c does.
 */
static bool fits_type(const struct udc_endpoint_group *e, const struct endpoint_need *need)
{
	static const unsigned int types[] = {
		[EP_BULK] = UDC_BULK,
		[EP_INTERRUPT] = UDC_INTERRUPT | UDC_BULK,
		[EP_ISOCHRONOUS] = UDC_ISOCHRONOUS,
	};

	return fits_direction(e, need) && (e->types & types[need->type]);
}

static bool fits(const struct udc_traits *udc, const struct udc_endpoint_group *e,
		 const struct endpoint_need *need)
{
	int speed = speed_of_largest_packet(udc, need);

	return fits_type(e, need) &&
	       (!e->max_packet || speed < 0 || need->max_packet[speed] <= e->max_packet);
}

/*
 * An assignment of the UDC's endpoints to the needs of a configuration. Unlike the kernel, which
 * takes the first endpoint that fits, finds an assignment if there is one: a mismatch is certain.
 */
struct assignment {
	const struct udc_traits *udc;
	const struct endpoint_needs *needs;
	/* For each need: its type or packets were reported, so that only its direction counts. */
	const bool *is_reported;
	const struct udc_endpoint_group *endpoints_of_udc[MAX_ENDPOINTS]; /* all, assigned or not */
	size_t taken_by[MAX_ENDPOINTS]; /* index of the need, plus 1; 0: none */
	bool is_visited[MAX_ENDPOINTS];
	size_t n_endpoints_of_udc;
};

/* Finds an endpoint for a need. Needs that have one already may get another one. */
static bool assign_endpoint(struct assignment *a, size_t need)
{
	for (size_t i = 0; i < a->n_endpoints_of_udc; i++) {
		const struct endpoint_need *n = &a->needs->list[need];

		if (a->is_visited[i] ||
		    !(a->is_reported[need] ? fits_direction(a->endpoints_of_udc[i], n)
					   : fits(a->udc, a->endpoints_of_udc[i], n)))
			continue;
		a->is_visited[i] = true;
		if (!a->taken_by[i] || assign_endpoint(a, a->taken_by[i] - 1)) {
			a->taken_by[i] = need + 1;
			return true;
		}
	}
	return false;
}

/* Returns the first need for which the UDC has no endpoint left; NULL: all have one. */
static const struct endpoint_need *find_need_without_endpoint(const struct udc_traits *udc,
							      const struct endpoint_needs *needs,
							      const bool *is_reported)
{
	struct assignment a = { .udc = udc, .needs = needs, .is_reported = is_reported };

	for (const struct udc_endpoint_group *e = udc->endpoints; e->n; e++)
		for (unsigned int i = 0; i < e->n && a.n_endpoints_of_udc < MAX_ENDPOINTS; i++)
			a.endpoints_of_udc[a.n_endpoints_of_udc++] = e;
	for (size_t i = 0; i < needs->n; i++) {
		memset(a.is_visited, 0, sizeof(a.is_visited));
		if (!assign_endpoint(&a, i))
			return &needs->list[i];
	}
	return NULL;
}

/* --- messages --------------------------------------------------------------------------------- */

/* Adds a mismatch, unless there is one of this kind with the same position. Owns `text`. */
static void add_mismatch(struct udc_mismatches *out, enum udc_mismatch_kind kind,
			 const struct position *at, char *text, const char *hint)
{
	for (size_t i = 0; i < out->n; i++) {
		if (out->list[i].kind != kind || out->list[i].at != at)
			continue;
		free(text);
		return;
	}
	*array_add(out->list, out->n) = (struct udc_mismatch){ kind, text, hint, at };
}

/* Adds a mismatch if no endpoint of the UDC has the type or the packet size of the need. */
static bool report_type_or_packet(const struct udc_traits *udc, const struct endpoint_need *need,
				  struct udc_mismatches *out)
{
	int speed = speed_of_largest_packet(udc, need);
	unsigned int largest = 0;

	if (need->type == EP_ISOCHRONOUS && udc_has_isochronous(udc) == UDC_NO) {
		add_mismatch(out, UDC_NO_ISOCHRONOUS, &need->function->at,
			     strf("function '%s' needs isochronous endpoints, but a UDC of %s has "
				  "none",
				  need->function->label, udc->driver),
			     "use a function without isochronous endpoints, or another UDC");
		return true;
	}
	for (const struct udc_endpoint_group *e = udc->endpoints; e->n; e++) {
		if (fits(udc, e, need))
			return false;
		if (fits_type(e, need) && e->max_packet > largest)
			largest = e->max_packet;
	}
	if (!largest)
		return false;
	add_mismatch(out, UDC_PACKET_TOO_LARGE, &need->function->at,
		     strf("the %s %s endpoint of function '%s' has packets of %u bytes at %s, but "
			  "a UDC of %s has at most %u",
			  ep_type_words[need->type], direction_words[need->direction],
			  need->function->label, need->max_packet[speed], ep_speed_names[speed],
			  udc->driver, largest),
		     "choose a smaller packet size");
	return true;
}

static char *too_few_text(const struct udc_traits *udc, const struct config *config,
			  const struct endpoint_needs *needs, const struct endpoint_need *without)
{
	_cleanup_free_ char *wanted = endpoint_needs_text(needs),
			    *has = udc_endpoint_counts_text(udc),
			    *types = udc_endpoint_types_text(udc);
	unsigned int either = udc_count_endpoints(udc, UDC_EITHER),
		     in = udc_count_endpoints(udc, UDC_IN) + either,
		     out = udc_count_endpoints(udc, UDC_OUT) + either;

	if (needs->in > in || needs->out > out || needs->in + needs->out > in + out - either)
		return strf("configuration %u needs %s, but a UDC of %s has %s", config->id, wanted,
			    udc->driver, has);
	return strf("configuration %u needs %s, but a UDC of %s has %s: none is left for the %s %s "
		    "endpoint of function '%s'",
		    config->id, wanted, udc->driver, types, ep_type_words[without->type],
		    direction_words[without->direction], without->function->label);
}

static size_t count_at_least(const unsigned int *list, size_t n, unsigned int least)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += list[i] >= least;
	return found;
}

/*
 * dwc2 gives each IN endpoint that is enabled the smallest free FIFO that has room for its packets
 * (dwc2_hsotg_ep_enable()). Without one the host's request fails, SET_CONFIGURATION or
 * SET_INTERFACE. All endpoints get one, in any order, if there are for each size at least as many
 * FIFOs of this size or larger as endpoints.
 */
static void check_fifos(const struct udc_facts *facts, const struct endpoint_needs *needs,
			const struct position *at, unsigned int config, int speed,
			struct udc_mismatches *out)
{
	_cleanup_free_ unsigned int *bytes = xcalloc(needs->n + 1, sizeof(*bytes));
	unsigned int lacking = 0;	     /* the largest size of which there are too few */
	size_t n = 0, wanted = 0, fifos = 0; /* endpoints and FIFOs of at least that size */

	for (size_t i = 0; i < needs->n; i++)
		if (needs->list[i].direction == EP_IN && needs->list[i].max_per_microframe[speed])
			bytes[n++] = needs->list[i].max_per_microframe[speed];
	for (size_t i = 0; i < n; i++) {
		size_t endpoints = count_at_least(bytes, n, bytes[i]),
		       has = count_at_least(facts->tx_fifos, facts->n_tx_fifos, bytes[i]);

		if (endpoints <= has || bytes[i] <= lacking)
			continue;
		lacking = bytes[i];
		wanted = endpoints;
		fifos = has;
	}
	if (!lacking)
		return;
	add_mismatch(out, UDC_TOO_FEW_FIFOS, at,
		     strf("configuration %u has %zu IN endpoint%s with %u bytes or more at %s, and "
			  "the UDC has %zu FIFO%s for them: a host cannot use all at once",
			  config, wanted, wanted == 1 ? "" : "s", lacking, ep_speed_names[speed],
			  fifos, fifos == 1 ? "" : "s"),
		     "use fewer IN endpoints or smaller packets, or change the FIFOs: "
		     "'g-tx-fifo-size' in the device tree");
}

static void check_config(const struct udc_traits *udc, const struct udc_facts *facts,
			 const struct gadget *g, enum kernel_series kernel,
			 const struct config *config, struct udc_mismatches *out)
{
	const struct position *at = config->at.file ? &config->at : &g->functions_at;
	_cleanup_endpoint_needs_ struct endpoint_needs needs = { 0 };
	_cleanup_free_ bool *is_reported = NULL;
	const struct endpoint_need *without;

	endpoint_needs_find(g, kernel, config, &needs);
	is_reported = xcalloc(needs.n + 1, sizeof(*is_reported));
	for (size_t i = 0; i < needs.n; i++)
		is_reported[i] = report_type_or_packet(udc, &needs.list[i], out);
	without = find_need_without_endpoint(udc, &needs, is_reported);
	if (without)
		add_mismatch(out, UDC_TOO_FEW_ENDPOINTS, at,
			     too_few_text(udc, config, &needs, without),
			     "leave a function out, or use one that needs fewer endpoints");
	for (int speed = EP_HIGH; facts->n_tx_fifos && !without && speed >= EP_FULL; speed--)
		check_fifos(facts, &needs, at, config->id, speed, out);
}

static void check_zlp(const struct udc_traits *udc, const struct function *f,
		      struct udc_mismatches *out)
{
	const struct ffs *ffs = function_descriptors(f);

	for (size_t i = 0; ffs && i < ffs->n_interfaces; i++) {
		for (size_t k = 0; k < ffs->interfaces[i].n_endpoints; k++) {
			const struct endpoint *ep = &ffs->interfaces[i].endpoints[k];

			if (!ep->zlp.value)
				continue;
			add_mismatch(out, UDC_NO_ZLP, &ep->zlp.at,
				     strf("'zlp' of endpoint '%s' of function '%s' has no effect: "
					  "%s ignores it",
					  ep->name, f->label, udc->driver),
				     "let the program write the zero-length packets itself");
		}
	}
}

static void check_transfers(const struct udc_traits *udc, const struct function *f,
			    struct udc_mismatches *out)
{
	if (!f->worker || f->worker->endpoint_transfer_size <= udc->max_transfer)
		return;
	add_mismatch(
		out, UDC_TRANSFER_TOO_LONG, &f->at,
		strf("function '%s': 'io.size' is %u, and a UDC of %s has transfers of at most %u "
		     "bytes; %s",
		     f->label, f->worker->endpoint_transfer_size, udc->driver, udc->max_transfer,
		     udc->longer_transfers),
		"choose a smaller 'io.size'");
}

/*
 * Without our fix f_hid lets a zero-length packet follow a report descriptor that fills packets of
 * EP0 (f_hid.c, hidg_setup: `zero`). No host asks for it, because all know the length from the HID
 * descriptor. A UDC driver that waits until it is sent does not take part in the status stage.
 */
static void check_report_descriptor(const struct udc_traits *udc, const struct function *f,
				    struct udc_mismatches *out)
{
	size_t size = streq(f->type, "hid") ? template_attribute_size(f, "report_desc") : 0;

	if (size == 0 || size % 64 != 0)
		return;
	add_mismatch(out, UDC_REPORT_DESCRIPTOR_UNREAD, &f->at,
		     strf("function '%s': from a UDC of %s hosts cannot read a 'report_desc' of "
			  "%zu bytes, a multiple of 64, unless the kernel has a fix",
			  f->label, udc->driver, size),
		     "apply the group 'fixes' of ffsctl's kernel patches, or write the first item "
		     "of 'report_desc' twice");
}

/*
 * Chromium reads the BOS, in which the landing page is announced, only of devices whose bcdUSB is
 * 2.10 or more (usb_service_linux.cc, usb_device_win.cc: kUsbVersion2_1). Without our fix
 * composite.c sends 2.01 if the UDC has no SuperSpeed. A file whose max_speed is lower is taken to
 * be for such a UDC.
 */
static void check_landing_page(const struct udc_facts *facts, const struct gadget *g,
			       struct udc_mismatches *out)
{
	const struct configfs_attribute *page =
		configfs_attributes_find(&g->configfs_attributes, "webusb/landingPage");
	bool is_for_slow_udc = g->max_speed_at.file && g->max_speed < GADGET_SPEED_SUPER;

	if (!page || page->size == 0 || !predict_has_webusb(g) || facts->webusb_fix == UDC_YES ||
	    facts->superspeed == UDC_YES || (facts->superspeed == UDC_UNKNOWN && !is_for_slow_udc))
		return;
	add_mismatch(
		out, UDC_LANDING_PAGE_UNREAD, &page->position,
		strf("Chromium %s: bcdUSB is 2.01 on a UDC without SuperSpeed, and must be 2.10",
		     facts->webusb_fix == UDC_NO
			     ? "does not read 'landingPage'"
			     : "reads 'landingPage' only if the kernel has a fix"),
		"apply the group 'fixes' of ffsctl's kernel patches, or use a UDC with "
		"SuperSpeed");
}

/*
 * Adds sound that is lost because the UDC has full speed only. Of a gadget file that limits the
 * speed itself, the file's own warnings report this.
 */
static void check_sound(const struct udc_traits *udc, const struct function *f,
			struct udc_mismatches *out)
{
	for (const char *side = "pc"; *side; side++) {
		const char *hint;
		_cleanup_free_ char *lost = sound_lost_at(f, *side, GADGET_SPEED_FULL, &hint);

		if (lost)
			add_mismatch(
				out, UDC_NO_ROOM_FOR_SOUND, &f->at,
				strf("function '%s': %s; a UDC of %s has full speed only", f->label,
				     lost, udc->driver),
				"use type = \"uac2\", fewer channels or a lower rate, or a UDC "
				"with high speed");
	}
}

void udc_mismatches_find(const char *driver, const struct udc_facts *facts, const struct gadget *g,
			 enum kernel_series kernel, struct udc_mismatches *out)
{
	const struct udc_traits *udc = udc_traits_or_unknown(driver);
	const struct udc_facts unknown = { 0 };

	if (!facts)
		facts = &unknown;
	for (size_t i = 0; udc->endpoints[0].n && i < g->n_configs; i++)
		check_config(udc, facts, g, kernel, &g->configs[i], out);
	for (size_t i = 0; udc->zlp == UDC_NO && i < g->n_functions; i++)
		check_zlp(udc, &g->functions[i], out);
	for (size_t i = 0; udc->max_transfer && i < g->n_functions; i++)
		check_transfers(udc, &g->functions[i], out);
	for (size_t i = 0; udc->zlp_blocks_ep0 && i < g->n_functions; i++)
		check_report_descriptor(udc, &g->functions[i], out);
	check_landing_page(facts, g, out);
	for (size_t i = 0; udc->max_speed == GADGET_SPEED_FULL &&
			   g->max_speed != GADGET_SPEED_FULL && i < g->n_functions;
	     i++)
		check_sound(udc, &g->functions[i], out);
}
