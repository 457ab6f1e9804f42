/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "predict/endpoint_needs.h"

#include <linux/usb/ch9.h>
#include <stdlib.h>

#include "base/cleanup.h"

void endpoint_needs_free(struct endpoint_needs *needs)
{
	free(needs->list);
	*needs = (struct endpoint_needs){ 0 };
}

/* Returns whether the kernel claims an endpoint of the UDC for this descriptor in any case. */
static bool claims_endpoint(const struct descriptor *d)
{
	return d->bytes[1] == USB_DT_ENDPOINT && d->function && !d->depends_on_endpoints &&
	       d->endpoint_letter != DESCRIPTOR_NOT_CLAIMED;
}

static struct endpoint_need need_of_descriptor(const struct descriptor *d)
{
	static const enum ep_type types[] = {
		[USB_ENDPOINT_XFER_CONTROL] = EP_BULK, /* no function has one */
		[USB_ENDPOINT_XFER_ISOC] = EP_ISOCHRONOUS,
		[USB_ENDPOINT_XFER_BULK] = EP_BULK,
		[USB_ENDPOINT_XFER_INT] = EP_INTERRUPT,
	};

	return (struct endpoint_need){
		.function = d->function,
		.direction = d->bytes[2] & USB_DIR_IN ? EP_IN : EP_OUT,
		.type = types[d->bytes[3] & USB_ENDPOINT_XFERTYPE_MASK],
		.endpoint_letter = d->endpoint_letter,
	};
}

static bool is_same_kind(const struct endpoint_need *a, const struct endpoint_need *b)
{
	return a->function == b->function && a->direction == b->direction && a->type == b->type &&
	       a->endpoint_letter == b->endpoint_letter;
}

/*
 * Returns the number of descriptors before descriptor `i` that describe other endpoints of the same
 * kind.
 */
static size_t count_same_kind_before(const struct descriptors *d, size_t i)
{
	const struct endpoint_need need = need_of_descriptor(&d->list[i]);
	size_t n = 0;

	for (size_t j = 0; j < i && !need.endpoint_letter; j++) {
		const struct endpoint_need other = need_of_descriptor(&d->list[j]);

		n += claims_endpoint(&d->list[j]) && is_same_kind(&need, &other);
	}
	return n;
}

/* Returns element number `place` of the needs of this kind, which it adds if it is missing. */
static struct endpoint_need *find_or_add(struct endpoint_needs *needs,
					 const struct endpoint_need *need, size_t place)
{
	struct endpoint_need *added;

	for (size_t i = 0; i < needs->n; i++)
		if (is_same_kind(&needs->list[i], need) && place-- == 0)
			return &needs->list[i];
	added = array_add(needs->list, needs->n);
	*added = *need;
	*(need->direction == EP_IN ? &needs->in : &needs->out) += 1;
	return added;
}

static void raise_to(unsigned int *most, unsigned int n)
{
	if (n > *most)
		*most = n;
}

/*
 * Adds the endpoints of the configuration at one speed. The descriptors of a function can have
 * another order at another speed.
 */
static void add_speed(const struct prediction_input *prediction, const struct config *config,
		      struct endpoint_needs *out)
{
	_cleanup_descriptors_ struct descriptors d = { 0 };

	predict_config(prediction, config, &d);
	for (size_t i = 0; i < d.n; i++) {
		const struct descriptor *one = &d.list[i];
		unsigned int field = one->bytes[4] | (unsigned int)one->bytes[5] << 8;
		unsigned int packet = field & 0x7ff, /* USB 2.0, table 9-13 */
			all = packet * (1 + (field >> 11 & 3));
		struct endpoint_need new, *need;

		if (!claims_endpoint(one))
			continue;
		new = need_of_descriptor(one);
		need = find_or_add(out, &new, count_same_kind_before(&d, i));
		if (!one->certain_bits[4] || !one->certain_bits[5])
			continue;
		raise_to(&need->max_packet[prediction->speed], packet);
		raise_to(&need->max_per_microframe[prediction->speed], all);
	}
}

void endpoint_needs_find(const struct gadget *g, enum kernel_series kernel,
			 const struct config *config, struct endpoint_needs *out)
{
	*out = (struct endpoint_needs){ 0 };
	for (int speed = 0; speed < EP_SPEED_COUNT; speed++) {
		const struct prediction_input prediction = { .gadget = g,
							     .kernel_version = kernel,
							     .speed = speed };

		if (predict_can_run_at_speed(g, speed))
			add_speed(&prediction, config, out);
	}
	for (size_t i = 0; i < config->n_functions; i++) {
		const struct function *f = &g->functions[config->functions[i].function_index];

		out->is_minimum |=
			!predict_covers_function(f) || (f->ffs && !function_descriptors(f));
	}
}

char *endpoint_needs_text(const struct endpoint_needs *needs)
{
	return strf("%s%u IN and %u OUT endpoints besides endpoint 0",
		    needs->is_minimum ? "at least " : "", needs->in, needs->out);
}

json_t *endpoint_needs_to_json(const struct gadget *g, enum kernel_series kernel)
{
	json_t *list = json_array();

	for (size_t i = 0; i < g->n_configs; i++) {
		_cleanup_endpoint_needs_ struct endpoint_needs needs = { 0 };

		endpoint_needs_find(g, kernel, &g->configs[i], &needs);
		json_array_append_new(list,
				      json_pack("{s:i, s:i, s:i, s:b}", "configuration",
						(int)g->configs[i].id, "in", (int)needs.in, "out",
						(int)needs.out, "at_least", needs.is_minimum));
	}
	return list;
}
