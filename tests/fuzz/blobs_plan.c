/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans a function: interfaces, settings, endpoints. */
#include <string.h>

#include "base/util.h"
#include "blobs_parts.h"

enum { CONTROL, ISOCHRONOUS, BULK, INTERRUPT };
enum { CLASS_AUDIO = 1, CLASS_HID = 3, CLASS_CCID = 0x0b, CLASS_APPLICATION = 0xfe };

struct numbers {
	unsigned int next[2]; /* of endpoints: out, in */
};

/* Mostly in order, as people number; in pairs if files for both directions need them. */
static uint8_t next_address(struct template_state *m, struct numbers *n, bool paired)
{
	unsigned int in = paired ? m->plan.n_endpoints % 2 : dice_below(&m->d, 2);

	if (n->next[in] >= 15)
		in = !in;
	n->next[in] = n->next[in] % 15 + 1;
	return (uint8_t)(n->next[in] | in << 7);
}

static uint8_t some_type(struct template_state *m)
{
	unsigned int n = dice_below(&m->d, 100);

	/* whose companions have the most rules */
	if (m->twist == TWIST_STANDARD_COMPANION && n % 2)
		return ISOCHRONOUS;
	return n < 60 ? BULK : n < 85 ? INTERRUPT : n < 96 ? ISOCHRONOUS : CONTROL;
}

static void plan_endpoints(struct template_state *m, struct plan_setting *s, struct numbers *n)
{
	unsigned int many = m->twist == TWIST_ENDPOINTS_MANY ? 28 + dice_below(&m->d, 6)
			    : dice_percent(&m->d, 2)	     ? dice_below(&m->d, 31)
							     : dice_below(&m->d, 4);
	bool paired = m->plan.flags & 256;

	s->first = m->plan.n_endpoints;
	if (s->class == CLASS_APPLICATION && m->plan.standard)
		many = 0;
	if (paired && m->twist != TWIST_PROXY)
		many &= ~1U;
	/* Without the twist at most 30; more than 30 addresses do not exist */
	while (m->plan.n_endpoints + many >
	       (m->twist == TWIST_ENDPOINTS_MANY ? PLAN_ENDPOINTS : 30U))
		many -= many > 1 ? 2 : 1;
	for (unsigned int i = 0; i < many; i++) {
		struct plan_endpoint *e = &m->plan.endpoint[m->plan.n_endpoints];

		e->address = next_address(m, n, paired);
		e->type = some_type(m);
		m->plan.n_endpoints++;
	}
	s->n = many;
}

static const struct {
	uint8_t class, subclass;
	bool class_desc;
	uint8_t weight;
} classes[] = {
	{ 0xff, 0, false, 50 },
	{ 0xff, 0x42, false, 10 },
	{ CLASS_HID, 0, true, 14 },
	{ CLASS_CCID, 0, true, 7 },
	{ CLASS_APPLICATION, 1, true, 4 },
	{ CLASS_AUDIO, 2, false, 7 },
	{ 2, 2, false, 4 },
	{ CLASS_APPLICATION, 3, false, 4 },
};

static void choose_class(struct template_state *m, struct plan_setting *s)
{
	unsigned int n = dice_below(&m->d, 100);
	size_t i = 0;

	while (n >= classes[i].weight)
		n -= classes[i++].weight;
	s->class = classes[i].class;
	s->subclass = classes[i].subclass;
	s->class_desc = classes[i].class_desc && (m->plan.standard || dice_percent(&m->d, 80));
}

static void plan_string(struct template_state *m, uint8_t *string)
{
	unsigned int n = m->plan.strings;

	if (!dice_percent(&m->d, 40))
		return;
	n = dice_percent(&m->d, 70) ? n + 1 : 1 + dice_below(&m->d, n + 3);
	if (twisted(m, TWIST_STRING_NUMBER))
		n = 1 + dice_below(&m->d, 255);
	*string = (uint8_t)n;
	if (n > m->plan.strings)
		m->plan.strings = n;
}

static void plan_interface(struct template_state *m, struct numbers *n)
{
	unsigned int alternates = dice_percent(&m->d, 25) ? 1 + dice_below(&m->d, 3) : 1;
	struct plan_setting model = { .number = (uint8_t)m->plan.interfaces };

	choose_class(m, &model);
	plan_string(m, &model.string);
	for (unsigned int a = 0; a < alternates && m->plan.n_settings < PLAN_SETTINGS; a++) {
		struct plan_setting *s = &m->plan.setting[m->plan.n_settings++];

		*s = model;
		s->alternate = (uint8_t)a;
		plan_endpoints(m, s, n);
	}
	m->plan.interfaces++;
}

/* Returns the setting that an association of this interface precedes. */
static struct plan_setting *first_setting(struct template_state *m, unsigned int interface)
{
	for (unsigned int i = 0; i < m->plan.n_settings; i++)
		if (m->plan.setting[i].number == interface)
			return &m->plan.setting[i];
	return NULL;
}

static void plan_associations(struct template_state *m)
{
	unsigned int i = 0;

	while (i < m->plan.interfaces) {
		unsigned int n = 1 + dice_below(&m->d, m->plan.interfaces - i);

		if (dice_percent(&m->d, 60))
			first_setting(m, i)->association = n;
		i += n;
	}
}

static void plan_speeds(struct template_state *m)
{
	unsigned int set = 1 + dice_below(&m->d, 7);

	m->plan.legacy = dice_percent(&m->d, 8);
	if (m->plan.legacy || dice_percent(&m->d, 25))
		set = m->plan.legacy ? 3 : 7;
	for (int i = 0; i < 3; i++)
		m->plan.speed[i] = set >> i & 1;
}

static void plan_flags(struct template_state *m)
{
	static const uint32_t flags[] = { 16, 64, 128 };

	if (m->plan.legacy)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		m->plan.flags |= dice_percent(&m->d, 12) ? flags[i] : 0;
	if (dice_percent(&m->d, 4) || m->twist == TWIST_PROXY)
		m->plan.flags |= 256;
	m->plan.eventfd = dice_percent(&m->d, 12) || m->twist == TWIST_FD_CLOSED ||
			  m->twist == TWIST_FD_OTHER;
	if (dice_percent(&m->d, 12) ||
	    (m->twist >= TWIST_OS_HEAD_CUT && m->twist <= TWIST_PROP_DATA))
		m->plan.os = 1 + dice_below(&m->d, 3);
}

uint32_t some_count(struct template_state *m, enum twist twist, uint32_t n, uint32_t odd)
{
	if (!twisted(m, twist))
		return n;
	switch (dice_below(&m->d, 4)) {
	case 0:
		return n + 1;
	case 1:
		return n - 1;
	case 2:
		return odd;
	default:
		return (uint32_t)dice_next(&m->d);
	}
}

void plan_function(struct template_state *m)
{
	struct numbers n = { { 0 } };
	unsigned int interfaces = 1 + dice_below(&m->d, dice_percent(&m->d, 70) ? 2 : 5);

	memset(&m->plan, 0, sizeof(m->plan));
	m->plan.standard = dice_percent(&m->d, 60);
	plan_speeds(m);
	plan_flags(m);
	for (unsigned int i = 0; i < interfaces && m->plan.n_settings < PLAN_SETTINGS; i++)
		plan_interface(m, &n);
	if (dice_percent(&m->d, 15) || m->twist == TWIST_STANDARD_ASSOCIATION)
		plan_associations(m);
	m->plan.otg = dice_percent(&m->d, 6);
}
