/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the table of UDC drivers for doc/boards.md. `make update-reference` runs this program,
 * which is not installed.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "configfs/udc_driver_table.h"

static const char *const answer_words[] = {
	[UDC_UNKNOWN] = "?",
	[UDC_NO] = "**no**",
	[UDC_YES] = "yes",
};

static const char *kind_suffix(const struct udc_traits *t)
{
	return t->is_virtual ? " (virtual)" : t->dual_role ? " (dual role)" : "";
}

static void print_driver(const struct udc_traits *t)
{
	_cleanup_free_ char *endpoints = udc_endpoint_counts_text(t),
			    *types = udc_endpoint_types_text(t), *limit = udc_max_transfer_text(t);
	const char *speed = t->max_speed ? gadget_speed_words[t->max_speed] : "?";

	printf("| %s%s | %s | %s | %s | %s | %s | %s | %s | %s%s%s | %s |\n", t->driver,
	       kind_suffix(t), endpoints, types ? types : "?", answer_words[udc_has_isochronous(t)],
	       answer_words[t->zlp], answer_words[t->scatter_gather],
	       answer_words[t->remote_wakeup], speed, t->note ? t->note : "",
	       t->note && limit ? "; " : "", limit ? limit : "", t->source);
}

int main(void)
{
	puts("| driver | endpoints besides endpoint 0 | types and packets | isochronous | ZLP | "
	     "scatter-gather | remote wakeup | speed | notes | source |\n"
	     "|---|---|---|---|---|---|---|---|---|---|");
	for (const struct udc_traits *t = udc_traits_table; t->driver; t++)
		print_driver(t);
	return 0;
}
