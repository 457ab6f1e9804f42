/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parses the lines of the kernel's trace that say what the host of a gadget asks, and what it gets.
 * The lines come from the tracepoints `composite` and `gadget` or from the probes that tracer.c
 * makes on kernels without the former, and have the same form.
 */
#pragma once

#include <linux/usb/ch9.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a control request's data that the trace has at most. */
#define TRACE_DATA_MAX 256

enum trace_event_kind {
	TRACE_EVENT_SETUP,	/* the host's request: setup */
	TRACE_EVENT_SETUP_DONE, /* what composite_setup() returned: value */
	TRACE_EVENT_EP0_QUEUED, /* an answer, or the buffer for the host's data: request */
	TRACE_EVENT_EP0_DATA,	/* the data of the request that ends next on this processor */
	TRACE_EVENT_EP0_END,	/* the end of a request: request, actual, status */
	TRACE_EVENT_EP0_STALL,	/* a program or a function stalls the host's request */
	TRACE_EVENT_RESET,
	TRACE_EVENT_DISCONNECT,
	TRACE_EVENT_SUSPEND,
	TRACE_EVENT_RESUME,
	TRACE_EVENT_UDC,  /* the address of a UDC's struct usb_gadget: udc, gadget */
	TRACE_EVENT_LOST, /* the kernel had no room for `lost` events */
};

struct trace_event {
	enum trace_event_kind kind;
	uint64_t time_us; /* CLOCK_MONOTONIC; 0 for TRACE_EVENT_LOST */
	unsigned int cpu;
	char udc[64];	 /* name of the UDC; "": the event does not say it */
	uint64_t gadget; /* address of its struct usb_gadget; 0: the event does not say it */
	uint64_t other;	 /* of TRACE_EVENT_UDC: on some kernels, this is that address */
	struct usb_ctrlrequest setup;
	int value;
	uint64_t request; /* a number for the struct usb_request */
	unsigned int actual;
	int status; /* 0 or a negative errno */
	uint8_t data[TRACE_DATA_MAX];
	size_t n_data; /* bytes of `data` that the trace has; they can be more than `actual` */
	unsigned long lost;
};

/* Parses a line without its newline. Returns false if it says nothing of the above. */
bool trace_event_parse(const char *line, struct trace_event *e);
