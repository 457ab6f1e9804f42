// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drop-ins: the settings of NAME.conf.d/NN-WORDS.conf override those of the gadget file, like
 * drop-ins of systemd units. Drop-ins apply in the order of their names. A group in a drop-in is
 * merged with the existing group; any other value, and an empty group, replaces the existing value.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "gadgetfile/syntax/lex.h"

#define MAX_DROP_INS 256
#define SUFFIX ".conf"

struct drop_in {
	char *name, *path;
};

struct drop_ins {
	struct drop_in *list;
	size_t n;
};

static void free_drop_ins(struct drop_ins *all)
{
	for (size_t i = 0; i < all->n; i++) {
		free(all->list[i].name);
		free(all->list[i].path);
	}
	free(all->list);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct drop_in *)a)->name, ((const struct drop_in *)b)->name);
}

/*
 * Returns whether no earlier directory has a drop-in with this name. If one has, that drop-in is
 * used.
 */
static bool is_new_name(const struct drop_ins *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (streq(all->list[i].name, name))
			return false;
	return true;
}

static void list_directory(struct scan *s, const char *path, struct drop_ins *all)
{
	const struct text_range whole = { .source = s->sources[0] };
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir && errno != ENOENT && errno != ENOTDIR)
		diag_error(s->diags, &whole, "cannot list %s: %s", path, errno_words(errno));
	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;
		struct drop_in *one;

		if (name[0] == '.' || !str_has_suffix(name, SUFFIX) || !is_new_name(all, name))
			continue;
		if (all->n == MAX_DROP_INS) {
			diag_error(s->diags, &whole, "more than %d drop-ins", MAX_DROP_INS);
			break;
		}
		one = array_add(all->list, all->n);
		one->name = xstrdup(name);
		one->path = strf("%s/%s", path, name);
	}
	if (dir)
		closedir(dir);
}

/* --- merging ---------------------------------------------------------------------------------- */

static void append_setting(struct scan *s, struct node *group, struct node *node)
{
	node->parent = group;
	node->next = NULL;
	if (group->last_child)
		group->last_child->next = node;
	else
		group->first_child = node;
	group->last_child = node;
	if (++group->n_children == GADGETFILE_MAX_GROUP + 1)
		scan_error_in_valid_libconfig(s, &node->name_at,
					      "more than %d settings in one group",
					      GADGETFILE_MAX_GROUP);
}

static void replace_setting(struct node *old, struct node *node)
{
	struct node *group = old->parent, **at = &group->first_child;

	while (*at != old)
		at = &(*at)->next;
	*at = node;
	node->parent = group;
	node->next = old->next;
	if (group->last_child == old)
		group->last_child = node;
}

static void merge_groups(struct scan *s, struct node *group, struct node *drop_in_group)
{
	struct node *next;

	for (struct node *node = drop_in_group->first_child;
	     node && group->n_children <= GADGETFILE_MAX_GROUP; node = next) {
		struct node *old = node_member(group, node->name);

		next = node->next;
		if (node->has_error)
			continue; /* an error about this setting was added */
		if (!old)
			append_setting(s, group, node);
		else if (old->type == NODE_GROUP && node->type == NODE_GROUP &&
			 node->n_children > 0)
			merge_groups(s, old, node);
		else
			replace_setting(old, node);
	}
}

void drop_in_merge(struct scan *s, struct node *drop_in_root)
{
	if (s->root)
		merge_groups(s, s->root, drop_in_root);
}

char **drop_in_paths(struct scan *s, const char *const *dirs)
{
	const char *main_path = s->sources[0]->path, *slash = strrchr(main_path, '/');
	const char *own[] = { s->sources[0]->dir, NULL };
	_cleanup_(free_drop_ins) struct drop_ins all = { 0 };
	char **paths;

	for (dirs = dirs ? dirs : own; *dirs; dirs++) {
		const char *base = slash ? slash + 1 : main_path;
		_cleanup_free_ char *path =
			!slash && streq(*dirs, ".")
				? strf("%s.d", base)
				: strf("%s/%s.d", streq(*dirs, "/") ? "" : *dirs, base);

		list_directory(s, path, &all);
	}
	if (all.n > 0)
		qsort(all.list, all.n, sizeof(*all.list), compare_names);
	paths = xcalloc(all.n + 1, sizeof(*paths));
	for (size_t i = 0; i < all.n; i++)
		paths[i] = steal_ptr(all.list[i].path);
	return paths;
}
