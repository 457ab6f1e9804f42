/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A verdict as a sentence. */
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "blob/validate.h"

static const struct {
	const char *name;
	bool wanted, hex;
} holes[] = {
	{ "{found}", false, false },
	{ "{found:x}", false, true },
	{ "{wanted}", true, false },
	{ "{wanted:x}", true, true },
};

/* The placeholder that `text`, at a '{', begins with; writes what it stands for. 0: it is none. */
static size_t fill_hole(FILE *to, const char *text, const struct ffs_finding *v)
{
	for (size_t i = 0; i < ARRAY_SIZE(holes); i++) {
		uint32_t value = holes[i].wanted ? v->wanted : v->found;

		if (!str_has_prefix(text, holes[i].name))
			continue;
		fprintf(to, holes[i].hex ? "0x%x" : "%u", value);
		return strlen(holes[i].name);
	}
	return 0;
}

static void fill(FILE *to, const char *text, const struct ffs_finding *v)
{
	while (*text) {
		size_t n = strcspn(text, "{");

		fwrite(text, 1, n, to);
		text += n;
		if (!*text)
			break;
		n = fill_hole(to, text, v);
		if (n == 0)
			fputc(*text, to);
		text += n ? n : 1;
	}
}

char *ffs_finding_text(const struct ffs_finding *v)
{
	const struct ffs_rule_info *rule = ffs_rule_info(v->rule);
	char *text = NULL;
	size_t size;
	FILE *to;

	if (v->rule == FFS_ACCEPTED)
		return xstrdup("accepted");
	to = open_memstream(&text, &size);
	if (!to)
		abort();
	fprintf(to, "byte %zu: ", v->offset);
	fill(to, rule->wrong, v);
	if (rule->kind == FFS_STANDARD)
		fprintf(to, " (%s)", rule->source);
	fputs("; ", to);
	fill(to, rule->todo, v);
	fclose(to);
	return text;
}
