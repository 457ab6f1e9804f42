// SPDX-License-Identifier: GPL-2.0-or-later
/* What the attributes of a sound card have to be together; the kernel says so at the bind only. */
#include "base/cleanup.h"
#include "spec/attrs.h"

#define MAX_RATES 10 /* UAC_MAX_RATES of uac_common.h */

void set_attr_rates(struct load *l, const struct key *k, struct node *value, void *field)
{
	char *all = value->type == NODE_INT ? strf("%lld", (long long)value->integer) : NULL;

	if (value->type != NODE_INT && value->n > MAX_RATES) {
		load_error(l, value, "'%s' has at most %d rates", k->name, MAX_RATES);
		return;
	}
	for (struct node *item = value->type == NODE_INT ? NULL : value->first; item;
	     item = item->next) {
		char *longer =
			strf("%s%s%lld", all ? all : "", all ? "," : "", (long long)item->integer);

		free(all);
		all = longer;
	}
	if (all)
		load_attr_text(k, value, field, all);
}

/* uac1 takes the last byte away, whatever it is. */
void set_attr_line(struct load *l, const struct key *k, struct node *value, void *field)
{
	struct attr_draft *a = load_attr(field, k->name);

	set_attr_string(l, k, value, field);
	if (a->value && !value->bad) {
		char *line = strf("%s\n", a->value);

		load_set_attr(a, line, strlen(line));
	}
}

static long long number(struct attrs_draft *d, const char *side, const char *name,
			long long fallback)
{
	_cleanup_free_ char *key = strf("%s_%s", side, name);

	return load_attr_number(d, key, fallback);
}

static void check_volume(struct load *l, struct attrs_draft *d, const char *side)
{
	long long min = number(d, side, "volume_min", -25600),
		  max = number(d, side, "volume_max", 0), res = number(d, side, "volume_res", 256);

	if (max <= min)
		diag_error(l->diags, node_place(d->node),
			   "'%s_volume_max' (%lld) is not above '%s_volume_min' (%lld)", side, max,
			   side, min);
	else if (res > 0 && (max - min) % res != 0)
		diag_error(
			l->diags, node_place(d->node),
			"from '%s_volume_min' to '%s_volume_max' are %lld, which is no multiple of "
			"'%s_volume_res' (%lld)",
			side, side, max - min, side, res);
}

void load_uac(struct load *l, struct function *f _unused_, struct attrs_draft *d)
{
	static const char *const sides[] = { "p", "c" };

	if (number(d, "p", "chmask", 3) == 0 && number(d, "c", "chmask", 3) == 0)
		diag_error(l->diags, node_place(d->node),
			   "a sound card has channels: 'p_chmask' and 'c_chmask' are both 0");
	for (size_t i = 0; i < ARRAY_SIZE(sides); i++)
		check_volume(l, d, sides[i]);
}
