/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/dialogue.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "trace/request_words.h"

#define PROCESSORS_MAX 4096
#define GADGETS_MAX 256

/* --- gadgets ---------------------------------------------------------------------------------- */

static struct trace_gadget *add_gadget(struct dialogue *d, const struct trace_event *e)
{
	struct trace_gadget *g;

	if (d->n_gadgets == GADGETS_MAX)
		return NULL;
	g = array_add(d->gadgets, d->n_gadgets);
	memcpy(g->udc, e->udc, sizeof(g->udc));
	g->addresses[0] = e->gadget;
	g->known = KNOWN_NOTHING;
	g->n_configs = -1;
	g->is_new = true;
	return g;
}

static bool is_at(const struct trace_gadget *g, uint64_t address)
{
	return address && (g->addresses[0] == address || g->addresses[1] == address);
}

/* Returns the gadget that the event names; NULL: it names none. */
static struct trace_gadget *gadget_of(struct dialogue *d, const struct trace_event *e)
{
	for (size_t i = 0; i < d->n_gadgets; i++) {
		struct trace_gadget *g = &d->gadgets[i];

		if (*e->udc && *g->udc ? streq(g->udc, e->udc)
				       : is_at(g, e->gadget) || is_at(g, e->other))
			return g;
	}
	return *e->udc || e->gadget ? add_gadget(d, e) : NULL;
}

static void know_gadget(struct dialogue *d, struct trace_gadget *g)
{
	if (g->is_new && d->on_gadget)
		d->on_gadget(d->data, g);
	g->is_new = false;
}

static struct trace_processor *processor_of(struct dialogue *d, const struct trace_event *e)
{
	size_t n = e->cpu < PROCESSORS_MAX ? e->cpu : 0;

	while (d->n_processors <= n)
		array_add(d->processors, d->n_processors);
	return &d->processors[n];
}

/* Returns the gadget whose composite_setup() runs on this processor. */
static struct trace_gadget *gadget_on_processor(struct dialogue *d, const struct trace_event *e)
{
	size_t n = processor_of(d, e)->gadget;

	return n ? &d->gadgets[n - 1] : NULL;
}

/* Returns the only gadget that waits for an answer which is not queued yet; NULL: there are none or
   several. */
static struct trace_gadget *only_waiting_gadget(struct dialogue *d)
{
	struct trace_gadget *found = NULL;

	for (size_t i = 0; i < d->n_gadgets; i++) {
		struct trace_gadget *g = &d->gadgets[i];

		if (!g->is_asked || g->request || !g->composite_returned)
			continue;
		if (found)
			return NULL;
		found = g;
	}
	return found;
}

/* Returns the gadget that gives an answer: by the function that runs now, or by a program. */
static struct trace_gadget *answering_gadget(struct dialogue *d, const struct trace_event *e)
{
	struct trace_gadget *g = gadget_on_processor(d, e);

	g = g ? g : only_waiting_gadget(d);
	return g && g->is_asked ? g : NULL;
}

static struct trace_gadget *gadget_of_request(struct dialogue *d, const struct trace_event *e)
{
	for (size_t i = 0; i < d->n_gadgets; i++)
		if (d->gadgets[i].is_asked && d->gadgets[i].request == e->request)
			return &d->gadgets[i];
	return answering_gadget(d, e);
}

/* --- requests --------------------------------------------------------------------------------- */

/* Returns whether a failure of this request says nothing, because hosts expect it. */
static bool is_usual(const struct trace_gadget *g, const struct exchange *x)
{
	return x->outcome == REQUEST_STALLED && usual_stall_words(&x->setup, &g->known);
}

static void add_failed(struct trace_gadget *g, const struct exchange *x)
{
	for (size_t i = 0; i < g->n_failed; i++) {
		struct failed_request *f = &g->failed[i];

		if (memcmp(&f->last.setup, &x->setup, sizeof(x->setup)) != 0 ||
		    f->last.outcome != x->outcome)
			continue;
		f->last = *x;
		f->n++;
		return;
	}
	if (g->n_failed < FAILED_REQUESTS_MAX)
		g->failed[g->n_failed++] = (struct failed_request){ .last = *x, .n = 1 };
	else
		g->n_failed_others++;
}

/* Learns from a request that was answered. */
static void learn(struct trace_gadget *g, const struct exchange *x)
{
	const struct usb_ctrlrequest *r = &x->setup;
	unsigned int high = le16toh(r->wValue) >> 8, low = le16toh(r->wValue) & 0xff;

	if ((r->bRequestType & USB_TYPE_MASK) != USB_TYPE_STANDARD)
		return;
	if (r->bRequest == USB_REQ_SET_CONFIGURATION)
		g->config = (int)low;
	if (r->bRequest != USB_REQ_GET_DESCRIPTOR)
		return;
	if (high == USB_DT_DEVICE && x->n_data >= USB_DT_DEVICE_SIZE)
		g->n_configs = x->data[17];
	g->has_read_config = g->has_read_config || high == USB_DT_CONFIG;
	known_learn(&g->known, high, low, x->data, x->n_data);
}

static bool is_for_microsoft_string(const struct usb_ctrlrequest *r)
{
	return r->bRequestType == USB_DIR_IN && r->bRequest == USB_REQ_GET_DESCRIPTOR &&
	       le16toh(r->wValue) == (USB_DT_STRING << 8 | MICROSOFT_STRING);
}

static void end_request(struct dialogue *d, struct trace_gadget *g, enum request_outcome outcome,
			int error, uint64_t time_us)
{
	struct exchange *x = &g->asked;

	if (!g->is_asked)
		return;
	g->is_asked = false;
	x->outcome = outcome;
	x->error = error;
	x->end_us = time_us;
	host_habits_add(&g->habits, &x->setup,
			g->known.webusb_code == x->setup.bRequest &&
				x->setup.bRequestType == (USB_DIR_IN | USB_TYPE_VENDOR));
	if (is_for_microsoft_string(&x->setup))
		g->lacks_microsoft_descriptors = outcome == REQUEST_STALLED;
	if (outcome == REQUEST_ANSWERED)
		learn(g, x);
	else if (outcome != REQUEST_UNKNOWN && !is_usual(g, x))
		add_failed(g, x);
	g->last = *x;
	if (d->on_exchange)
		d->on_exchange(d->data, g, x);
}

/* Notes which host it probably was, and begins new habits. */
static void end_habits(struct trace_gadget *g)
{
	const struct host_guess *guess = host_guess_by_habits(&g->habits);

	g->habits = (struct host_habits){ 0 };
	if (!guess || (g->n_hosts > 0 && streq(g->hosts[g->n_hosts - 1]->host, guess->host)))
		return;
	if (g->n_hosts == HOSTS_MAX) /* the last ones count */
		memmove(g->hosts, g->hosts + 1, --g->n_hosts * sizeof(*g->hosts));
	g->hosts[g->n_hosts++] = guess;
}

static void on_setup(struct dialogue *d, const struct trace_event *e)
{
	struct trace_gadget *g = gadget_of(d, e);

	if (!g)
		return;
	processor_of(d, e)->gadget = (size_t)(g - d->gadgets) + 1;
	end_request(d, g, REQUEST_UNANSWERED, 0, e->time_us);
	know_gadget(d, g);
	g->config_before = 0;
	g->n_requests++;
	g->is_asked = true;
	g->composite_returned = false;
	g->request = 0;
	g->asked = (struct exchange){ .kind = EXCHANGE_REQUEST,
				      .time_us = e->time_us,
				      .setup = e->setup };
}

static void on_setup_done(struct dialogue *d, const struct trace_event *e)
{
	struct trace_gadget *g = *e->udc ? gadget_of(d, e) : gadget_on_processor(d, e);

	processor_of(d, e)->gadget = 0;
	if (!g)
		return;
	g->composite_returned = true;
	if (e->value < 0)
		end_request(d, g, REQUEST_STALLED, -e->value, e->time_us);
}

static void on_ep0_queued(struct dialogue *d, const struct trace_event *e)
{
	struct trace_gadget *g = answering_gadget(d, e);

	if (g)
		g->request = e->request;
}

static void on_ep0_data(struct dialogue *d, const struct trace_event *e)
{
	struct trace_processor *p = processor_of(d, e);

	memcpy(p->data, e->data, sizeof(p->data));
	p->n_data = e->n_data;
}

static void on_ep0_end(struct dialogue *d, const struct trace_event *e)
{
	struct trace_processor *p = processor_of(d, e);
	struct trace_gadget *g = gadget_of_request(d, e);
	size_t n = p->n_data < e->actual ? p->n_data : e->actual;

	p->n_data = 0;
	if (!g)
		return;
	g->asked.actual = e->actual;
	g->asked.n_data = n;
	memcpy(g->asked.data, p->data, n);
	end_request(d, g, e->status < 0 ? REQUEST_CANCELLED : REQUEST_ANSWERED,
		    e->status < 0 ? -e->status : 0, e->time_us);
}

static void on_ep0_stall(struct dialogue *d, const struct trace_event *e)
{
	struct trace_gadget *g = answering_gadget(d, e);

	if (g)
		end_request(d, g, REQUEST_STALLED, 0, e->time_us);
}

static void on_bus_event(struct dialogue *d, const struct trace_event *e)
{
	static const enum exchange_kind kinds[] = {
		[TRACE_EVENT_RESET] = EXCHANGE_RESET,
		[TRACE_EVENT_DISCONNECT] = EXCHANGE_DISCONNECT,
		[TRACE_EVENT_SUSPEND] = EXCHANGE_SUSPEND,
		[TRACE_EVENT_RESUME] = EXCHANGE_RESUME,
	};
	struct trace_gadget *g = gadget_of(d, e);
	struct exchange x = { .kind = kinds[e->kind], .time_us = e->time_us };

	if (!g)
		return;
	know_gadget(d, g);
	if (x.kind == EXCHANGE_RESET || x.kind == EXCHANGE_DISCONNECT) {
		end_request(d, g, REQUEST_UNANSWERED, 0, e->time_us);
		end_habits(g);
		g->config_before = g->config ? g->config : g->config_before;
		g->config = 0;
		g->has_read_config = false;
		g->is_new = true;
	}
	g->n_resets += x.kind == EXCHANGE_RESET;
	if (d->on_exchange)
		d->on_exchange(d->data, g, &x);
}

static void on_udc(struct dialogue *d, const struct trace_event *e)
{
	struct trace_gadget *g = gadget_of(d, e);

	if (!g)
		return;
	/* Memory of a UDC that was removed can be that of another one now. */
	for (size_t i = 0; i < d->n_gadgets; i++)
		if (is_at(&d->gadgets[i], e->gadget) || is_at(&d->gadgets[i], e->other))
			memset(d->gadgets[i].addresses, 0, sizeof(d->gadgets[i].addresses));
	g->addresses[0] = e->gadget;
	g->addresses[1] = e->other;
	g->is_new = g->is_new || !*g->udc;
	memcpy(g->udc, e->udc, sizeof(g->udc));
}

static void on_lost(struct dialogue *d, const struct trace_event *e)
{
	d->lost += e->lost;
	for (size_t i = 0; i < d->n_processors; i++)
		d->processors[i].gadget = d->processors[i].n_data = 0;
	/* An answer that comes now can be that of a later request. */
	for (size_t i = 0; i < d->n_gadgets; i++)
		end_request(d, &d->gadgets[i], REQUEST_UNKNOWN, 0, d->gadgets[i].asked.time_us);
}

void dialogue_add(struct dialogue *d, const struct trace_event *e)
{
	static void (*const handlers[])(struct dialogue * d, const struct trace_event *e) = {
		[TRACE_EVENT_SETUP] = on_setup,
		[TRACE_EVENT_SETUP_DONE] = on_setup_done,
		[TRACE_EVENT_EP0_QUEUED] = on_ep0_queued,
		[TRACE_EVENT_EP0_DATA] = on_ep0_data,
		[TRACE_EVENT_EP0_END] = on_ep0_end,
		[TRACE_EVENT_EP0_STALL] = on_ep0_stall,
		[TRACE_EVENT_RESET] = on_bus_event,
		[TRACE_EVENT_DISCONNECT] = on_bus_event,
		[TRACE_EVENT_SUSPEND] = on_bus_event,
		[TRACE_EVENT_RESUME] = on_bus_event,
		[TRACE_EVENT_UDC] = on_udc,
		[TRACE_EVENT_LOST] = on_lost,
	};

	handlers[e->kind](d, e);
}

struct trace_gadget *dialogue_add_udc(struct dialogue *d, const char *udc)
{
	struct trace_event e = { .kind = TRACE_EVENT_UDC };
	struct trace_gadget *g;

	if (strlen(udc) >= sizeof(e.udc))
		return NULL;
	strcpy(e.udc, udc);
	g = gadget_of(d, &e);
	if (g)
		know_gadget(d, g);
	return g;
}

void dialogue_begin_gadget(struct trace_gadget *g)
{
	struct trace_gadget fresh = { .is_new = g->is_new, .known = g->known, .n_configs = -1 };

	memcpy(fresh.udc, g->udc, sizeof(fresh.udc));
	memcpy(fresh.addresses, g->addresses, sizeof(fresh.addresses));
	fresh.name = g->name;
	fresh.speed = g->speed;
	*g = fresh;
}

void dialogue_end(struct dialogue *d, uint64_t time_us)
{
	for (size_t i = 0; i < d->n_gadgets; i++) {
		end_request(d, &d->gadgets[i], REQUEST_UNANSWERED, 0, time_us);
		end_habits(&d->gadgets[i]);
	}
}

void dialogue_free(struct dialogue *d)
{
	for (size_t i = 0; i < d->n_gadgets; i++) {
		known_free(&d->gadgets[i].known);
		free(d->gadgets[i].name);
		free(d->gadgets[i].speed);
	}
	free(steal_ptr(d->gadgets));
	free(steal_ptr(d->processors));
	d->n_gadgets = d->n_processors = 0;
}
