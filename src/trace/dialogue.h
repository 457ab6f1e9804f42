/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes a dialogue of the events of the trace: each request of a host with its answer, and the bus
 * events between them. Finds the gadget to which an event belongs, which the events of endpoint 0
 * do not say.
 */
#pragma once

#include "trace/host_habits.h"
#include "trace/known.h"
#include "trace/trace_event.h"

enum exchange_kind {
	EXCHANGE_REQUEST,
	EXCHANGE_RESET,
	EXCHANGE_DISCONNECT,
	EXCHANGE_SUSPEND,
	EXCHANGE_RESUME,
	EXCHANGE_KIND_COUNT
};

/* What became of a request. */
enum request_outcome {
	REQUEST_ANSWERED, /* data sent or taken, or done if it has no data */
	REQUEST_STALLED,
	REQUEST_CANCELLED,  /* an answer was there, and the host or the UDC did not take it */
	REQUEST_UNANSWERED, /* until the host did something else, or the trace ended */
	REQUEST_UNKNOWN,    /* the kernel had no room for its events */
	REQUEST_OUTCOME_COUNT
};

/* A request or a bus event. */
struct exchange {
	enum exchange_kind kind;
	uint64_t time_us; /* CLOCK_MONOTONIC */
	/* The members below are only of requests. */
	struct usb_ctrlrequest setup;
	enum request_outcome outcome;
	int error;	     /* positive errno with which it was stalled or cancelled; 0: none */
	uint64_t end_us;     /* CLOCK_MONOTONIC */
	unsigned int actual; /* bytes of data */
	uint8_t data[TRACE_DATA_MAX];
	size_t n_data; /* bytes of `data` that are known */
};

/* A request that has failed `n` times in the same way. */
struct failed_request {
	struct exchange last;
	unsigned int n;
};
#define FAILED_REQUESTS_MAX 16

#define HOSTS_MAX 8

/* Configured, as was the case when the trace began. The user of the dialogue sets it. */
#define CONFIG_FROM_BEFORE -1

/* A gadget whose host is heard. */
struct trace_gadget {
	char udc[64];
	/* Of the gadget, and of the connection to its host, as "high-speed"; NULL: not known. The
	   user of the dialogue sets them. */
	char *name, *speed;
	/* The configuration that ended by the last reset or disconnect, until the next request; 0:
	   none. */
	int config_before;
	uint64_t addresses[2]; /* one of them is that of its struct usb_gadget; 0: unknown */
	struct known known;
	struct host_habits habits; /* since the last reset */
	/* What its hosts were, one after the other, as firmware and the system that it starts. */
	const struct host_guess *hosts[HOSTS_MAX];
	size_t n_hosts;
	bool is_new; /* its name and interfaces must be set again */

	bool is_asked; /* a request has no answer yet */
	struct exchange asked;
	bool composite_returned; /* and composite_setup() has returned for it */
	uint64_t request;	 /* the answer that is queued; 0: none */

	struct exchange last; /* the last request; its time is 0: there was none */
	unsigned int n_requests, n_resets;
	int config; /* bConfigurationValue; 0: not configured; CONFIG_FROM_BEFORE */
	bool lacks_microsoft_descriptors; /* the host asked for them, and got a stall */
	int n_configs;			  /* bNumConfigurations; -1: the host has not read it */
	bool has_read_config;		  /* a configuration descriptor, since the last reset */
	struct failed_request failed[FAILED_REQUESTS_MAX];
	size_t n_failed;
	unsigned int n_failed_others; /* requests for which `failed` had no room */
};

struct dialogue {
	struct trace_gadget *gadgets;
	size_t n_gadgets;
	/* What each processor is at. */
	struct trace_processor {
		size_t gadget; /* number of the gadget + 1, while composite_setup() runs; 0: none */
		uint8_t data[TRACE_DATA_MAX];
		size_t n_data;
	} * processors;
	size_t n_processors;
	unsigned long lost; /* events */
	/*
	 * Called for a new gadget, and before the next event after a reset or disconnect. Sets the
	 * name and what is known of its interfaces. If another gadget is bound to the UDC now,
	 * calls dialogue_begin_gadget().
	 */
	void (*on_gadget)(void *data, struct trace_gadget *g);
	/* Called for each bus event, and for each request when it has its outcome. */
	void (*on_exchange)(void *data, struct trace_gadget *g, const struct exchange *x);
	void *data;
};

void dialogue_add(struct dialogue *d, const struct trace_event *e);
/* Adds the gadget on a UDC, of which the trace may have no event. Returns NULL if there is no room;
   the next call of any function here may move it. */
struct trace_gadget *dialogue_add_udc(struct dialogue *d, const char *udc);
/* Forgets what the hosts asked of the gadget that was bound to this UDC before. */
void dialogue_begin_gadget(struct trace_gadget *g);
/* Ends the requests that have no answer. */
void dialogue_end(struct dialogue *d, uint64_t time_us);
void dialogue_free(struct dialogue *d);
