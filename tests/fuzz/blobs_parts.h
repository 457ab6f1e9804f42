/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by blobs*.c: the plan of one function, and its defect. */
#pragma once

#include "blobs.h"

/* The defect of one session. Each is something that a parser can notice; if it can happen in
 * several parts, one or more are chosen at random. */
enum twist {
	TWIST_NONE,
	TWIST_BYTES,	 /* blob_mutate() */
	TWIST_SPLICE,	 /* a part of another function's descriptors in it */
	TWIST_CUT,	 /* the end is missing, the head's length is right */
	TWIST_WRITE_CUT, /* the end is missing, the head's length is wrong */
	TWIST_TINY,	 /* 0 to 24 bytes */
	TWIST_HUGE,	 /* about the kernel's largest buffer */
	TWIST_TAIL,	 /* something at the end */
	TWIST_LENGTH,
	TWIST_MAGIC,
	TWIST_FLAGS,
	TWIST_FD_CLOSED,
	TWIST_FD_OTHER,
	TWIST_HEAD_CUT, /* within the counts */
	TWIST_COUNT,
	TWIST_EMPTY, /* no descriptor at all */

	TWIST_DESC_LENGTH,
	TWIST_DESC_TYPE,
	TWIST_DESC_LOST,
	TWIST_DESC_TWICE,
	TWIST_INTERFACE_NUMBER,
	TWIST_STRING_NUMBER,
	TWIST_ENDPOINT_ZERO,
	TWIST_ENDPOINT_BITS,
	TWIST_ENDPOINTS_MANY,
	TWIST_ADDRESS,	  /* another address at one speed */
	TWIST_SET_LESS,	  /* a setting is missing at one speed */
	TWIST_SET_MORE,	  /* one interface more at one speed */
	TWIST_FIRST_BARE, /* no interface at the first speed, or at any */
	TWIST_CLASS_DESC, /* where it does not belong */
	TWIST_CLASS_VALUE,
	TWIST_PROXY,

	TWIST_STANDARD_ENDPOINT,
	TWIST_STANDARD_COMPANION,
	TWIST_STANDARD_INTERFACE,
	TWIST_STANDARD_ASSOCIATION,

	TWIST_OS_HEAD_CUT,
	TWIST_OS_LENGTH,
	TWIST_OS_VERSION,
	TWIST_OS_INDEX,
	TWIST_OS_COUNT,
	TWIST_OS_INTERFACE,
	TWIST_COMPAT_VALUE,
	TWIST_PROP_SIZE,
	TWIST_PROP_TYPE,
	TWIST_PROP_NAME,
	TWIST_PROP_DATA,

	TWIST_STRINGS_BYTES,
	TWIST_STRINGS_LENGTH,
	TWIST_STRINGS_MAGIC,
	TWIST_STRINGS_PARITY,
	TWIST_STRINGS_FEW,
	TWIST_STRINGS_CUT,
	TWIST_STRINGS_TAIL,
	TWIST_STRINGS_MEMORY,
	TWIST_LANGUAGES,
	TWIST_TEXT,
	TWIST_STRINGS_HUGE,
	TWIST_COUNT_OF_THEM,
};

#define PLAN_SETTINGS 12
#define PLAN_ENDPOINTS 34

struct plan_endpoint {
	uint8_t address, type; /* type: bits 0 and 1 of bmAttributes */
};

struct plan_setting {
	uint8_t number, alternate, class, subclass, string;
	bool class_desc;
	unsigned int first, n;	  /* endpoints */
	unsigned int association; /* before it, of so many interfaces; 0: none */
};

/* A function that the kernel accepts; with `standard` the standards allow it, too. */
struct plan {
	bool legacy, standard, otg, eventfd;
	bool speed[3];
	uint32_t flags; /* without those of speeds, eventfd, OS */
	struct plan_setting setting[PLAN_SETTINGS];
	unsigned int n_settings, interfaces, strings;
	struct plan_endpoint endpoint[PLAN_ENDPOINTS];
	unsigned int n_endpoints;
	unsigned int os; /* sections; 0: none */
};

struct template_state {
	struct dice d;
	enum twist twist;
	struct plan plan;
};

/* Whether the twist happens here. */
static inline bool twisted(struct template_state *m, enum twist twist)
{
	return m->twist == twist && dice_percent(&m->d, 60);
}

/* Returns a count for a head: `n`, or with that twist one more or less, `odd` or anything. */
uint32_t some_count(struct template_state *m, enum twist twist, uint32_t n, uint32_t odd);

void plan_function(struct template_state *m);
void make_descriptors(struct template_state *m, struct blob *b);
void make_os_descriptors(struct template_state *m, struct blob *b);
void make_strings(struct template_state *m, struct blob *b);
