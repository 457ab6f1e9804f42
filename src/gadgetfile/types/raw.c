// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The group `blob`: descriptors and strings from files, which the kernel gets as they are. They are
 * read here by its rules (f_fs.c), whose only answer would be EINVAL, and for what others have to
 * know: speeds and endpoints.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "gadgetfile/load.h"

#define MAX_SIZE (64 * 1024)
#define HEAD_SIZE 8 /* magic and length */

/* linux/usb/functionfs.h */
#define MAGIC_OLD 1
#define MAGIC_STRINGS 2
#define MAGIC 3
#define HAS_OS_DESC (1 << 3)
#define VIRTUAL_ADDR (1 << 4)
#define EVENTFD (1 << 5)
#define ALL_CTRL_RECIP (1 << 6)
#define CONFIG0_SETUP (1 << 7)
#define RW_PROXY (1 << 8)
#define KNOWN_FLAGS 0x1ff

struct raw {
	struct load *l;
	struct ffs_draft *draft;
	struct ffs *ffs;
	struct node *node; /* the file's name in the gadget file */
	const uint8_t *data;
	size_t size, at;
	/* The set of descriptors that is being read; the first one makes interfaces and endpoints.
	 */
	int speed;
	bool is_first;
	size_t n_interfaces, n_endpoints;
	struct interface *interface; /* the last one */
	struct interface setting;    /* class and subclass of its last setting */
	struct endpoint *endpoint;   /* the last one */
	unsigned int strings;	     /* the highest number that something refers to */
};

/* Always false, for `return`. */
static bool _printf_(2, 3) wrong(struct raw *r, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL, *shown = diag_quote(r->node->text);
	va_list ap;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	load_error(r->l, r->node, "%s, byte %zu: %s", shown, r->at, text);
	return false;
}

static bool get32(struct raw *r, uint32_t *v)
{
	*v = 0;
	if (r->size - r->at < 4)
		return wrong(r, "it ends too early");
	for (int i = 0; i < 4; i++)
		*v |= (uint32_t)r->data[r->at++] << 8 * i;
	return true;
}

static void refers(struct raw *r, uint8_t string)
{
	r->strings = string > r->strings ? string : r->strings;
}

/* --- descriptors ------------------------------------------------------------------------------ */

static bool add_interface(struct raw *r, const uint8_t *d)
{
	struct ffs *ffs = r->ffs;

	if (d[3] == 0 && d[2] == ffs->n_interfaces) {
		r->interface = array_add(ffs->interfaces, ffs->n_interfaces);
		*r->interface = (struct interface){ .class = d[5],
						    .subclass = d[6],
						    .protocol = d[7],
						    .at = load_origin(r->l, &r->node->at) };
		return true;
	}
	if (r->interface && d[2] + 1U == ffs->n_interfaces &&
	    d[3] == r->interface->n_alternates + 1) {
		r->interface->n_alternates++;
		return true;
	}
	return wrong(
		r,
		"setting %u of interface %u is out of order: interfaces count from 0, and each "
		"is followed by its alternate settings",
		d[3], d[2]);
}

static bool take_interface(struct raw *r, const uint8_t *d)
{
	refers(r, d[8]);
	r->endpoint = NULL;
	if (r->is_first && !add_interface(r, d))
		return false;
	if (d[2] >= r->ffs->n_interfaces)
		return wrong(r, "interface %u is not there at every speed", d[2]);
	r->interface = &r->ffs->interfaces[d[2]];
	r->setting = (struct interface){ .class = d[5], .subclass = d[6] };
	r->n_interfaces = d[2] >= r->n_interfaces ? d[2] + 1U : r->n_interfaces;
	return true;
}

static struct endpoint *nth_endpoint(const struct ffs *ffs, size_t n)
{
	for (size_t i = 0; i < ffs->n_interfaces; i++) {
		if (n < ffs->interfaces[i].n_endpoints)
			return &ffs->interfaces[i].endpoints[n];
		n -= ffs->interfaces[i].n_endpoints;
	}
	return NULL;
}

static bool take_endpoint(struct raw *r, const uint8_t *d)
{
	static const int types[] = { -1, EP_ISOCHRONOUS, EP_BULK, EP_INTERRUPT };
	int type = types[d[3] & 3];
	unsigned int size = d[4] | (unsigned int)d[5] << 8;

	if (!r->interface)
		return wrong(r, "an endpoint before any interface");
	if (type < 0 || (d[2] & 0x0f) == 0 || (d[2] & 0x70))
		return wrong(r, "an endpoint with address 0x%02x and bmAttributes 0x%02x", d[2],
			     d[3]);
	if (r->is_first) {
		r->endpoint = array_add(r->interface->endpoints, r->interface->n_endpoints);
		*array_add(r->draft->endpoints, r->draft->n_endpoints) = r->node;
		*r->endpoint = (struct endpoint){ .address = d[2],
						  .direction = d[2] & 0x80 ? EP_IN : EP_OUT,
						  .type = (enum ep_type)type,
						  .alternate = (uint8_t)r->interface->n_alternates,
						  .at = load_origin(r->l, &r->node->at) };
	} else {
		r->endpoint = nth_endpoint(r->ffs, r->n_endpoints);
		if (!r->endpoint || r->endpoint->address != d[2])
			return wrong(r,
				     "endpoint 0x%02x is not there, or not the same one, at "
				     "every speed",
				     d[2]);
	}
	r->n_endpoints++;
	r->endpoint->speed[r->speed] = (struct ep_speed){ .used = true,
							  .max_packet = size & 0x7ff,
							  .interval = d[6],
							  .mult = (uint8_t)((size >> 11 & 3) + 1) };
	return true;
}

static bool take_companion(struct raw *r, const uint8_t *d)
{
	struct ep_speed *s;

	if (!r->endpoint || r->speed != EP_SUPER)
		return wrong(r, "a SuperSpeed companion that is behind no endpoint of SuperSpeed");
	s = &r->endpoint->speed[EP_SUPER];
	s->burst = d[2];
	s->mult = r->endpoint->type == EP_ISOCHRONOUS ? (uint8_t)((d[3] & 3) + 1) : 1;
	return true;
}

static bool take_association(struct raw *r, const uint8_t *d)
{
	refers(r, d[7]);
	return true;
}

static bool take_class(struct raw *r, const uint8_t *d)
{
	struct ffs_bytes *extra;

	if (!r->interface || !load_knows_extra(&r->setting, d[0]))
		return wrong(r,
			     "FunctionFS takes no descriptor of type 0x21 and %u bytes in an "
			     "interface of this class (f_fs.c)",
			     d[0]);
	if (!r->is_first)
		return true;
	r->interface->extra_at = load_origin(r->l, &r->node->at);
	extra = array_add(r->interface->extra, r->interface->n_extra);
	extra->size = d[0];
	extra->data = memcpy(xcalloc(d[0], 1), d, d[0]);
	return true;
}

static bool take_as_it_is(struct raw *r _unused_, const uint8_t *d _unused_)
{
	return true;
}

/* What ffs_do_single_desc of f_fs.c knows. */
static const struct {
	uint8_t type, size, other_size; /* 0: any */
	bool (*take)(struct raw *r, const uint8_t *d);
} kinds[] = {
	{ 0x04, 9, 9, take_interface }, { 0x05, 7, 9, take_endpoint },
	{ 0x09, 3, 3, take_as_it_is },	{ 0x0b, 8, 8, take_association },
	{ 0x21, 0, 0, take_class },	{ 0x30, 6, 6, take_companion },
};

static bool read_descriptor(struct raw *r)
{
	const uint8_t *d = r->data + r->at;

	if (r->size - r->at < 2 || d[0] < 2 || d[0] > r->size - r->at)
		return wrong(r, "no descriptor fits in here");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].type != d[1])
			continue;
		if (kinds[i].size && d[0] != kinds[i].size && d[0] != kinds[i].other_size)
			return wrong(r, "a descriptor of type 0x%02x has %u bytes, not %u", d[1],
				     kinds[i].size, d[0]);
		if (!kinds[i].take(r, d))
			return false;
		r->at += d[0];
		return true;
	}
	return wrong(r, "FunctionFS takes no descriptors of type 0x%02x (f_fs.c)", d[1]);
}

static bool read_speed(struct raw *r, int speed, uint32_t count, bool is_first)
{
	r->speed = speed;
	r->is_first = is_first;
	r->n_interfaces = r->n_endpoints = 0;
	r->interface = NULL;
	r->endpoint = NULL;
	r->ffs->speed[speed] = true;
	for (uint32_t i = 0; i < count; i++)
		if (!read_descriptor(r))
			return false;
	if (r->n_interfaces != r->ffs->n_interfaces || nth_endpoint(r->ffs, r->n_endpoints))
		return wrong(r, "not every speed has the same interfaces and endpoints");
	return true;
}

/* Which flags there are, and what follows from them. */
static bool read_head(struct raw *r, uint32_t *flags)
{
	uint32_t magic, length;

	if (!get32(r, &magic) || !get32(r, &length))
		return false;
	r->at = 0;
	if (magic != MAGIC && magic != MAGIC_OLD)
		return wrong(r, "these are no descriptors for FunctionFS: it begins with %u, not 3",
			     magic);
	if (length != r->size)
		return wrong(r, "its head says %u bytes, the file has %zu", length, r->size);
	r->at = HEAD_SIZE;
	*flags = 1 << EP_FULL | 1 << EP_HIGH;
	if (magic == MAGIC && !get32(r, flags))
		return false;
	if (*flags & EVENTFD)
		return wrong(r, "flag 32 is for a program of its own: the number of its eventfd");
	if (*flags & ~(uint32_t)KNOWN_FLAGS)
		return wrong(r, "unknown flags: 0x%x", *flags & ~(uint32_t)KNOWN_FLAGS);
	r->ffs->virtual_addr = *flags & VIRTUAL_ADDR;
	r->ffs->all_ctrl_recip = *flags & ALL_CTRL_RECIP;
	r->ffs->config0_setup = *flags & CONFIG0_SETUP;
	if (*flags & RW_PROXY)
		r->ffs->rw_proxy = (struct placed_int){ true, 1, load_origin(r->l, &r->node->at) };
	return true;
}

static bool check_pairs(struct raw *r)
{
	const struct endpoint *first, *second;

	for (size_t n = 0; r->ffs->rw_proxy.value && (first = nth_endpoint(r->ffs, n)); n += 2) {
		second = nth_endpoint(r->ffs, n + 1);
		if (!second || first->direction == second->direction)
			return wrong(r, "flag 256 takes pairs of endpoints, one in and one out");
	}
	return true;
}

static bool read_descriptors(struct raw *r)
{
	uint32_t flags, counts[EP_SPEED_COUNT] = { 0 }, os_count = 0;
	bool any = false;

	if (!read_head(r, &flags))
		return false;
	for (int s = 0; s < EP_SPEED_COUNT; s++)
		if ((flags & 1 << s) && !get32(r, &counts[s]))
			return false;
	if ((flags & HAS_OS_DESC) && !get32(r, &os_count))
		return false;
	for (int s = 0; s < EP_SPEED_COUNT; s++) {
		if (counts[s] == 0)
			continue;
		if (!read_speed(r, s, counts[s], !any))
			return false;
		any = true;
	}
	if (!any)
		return wrong(r, "there are no descriptors");
	/* Microsoft's are left to the kernel. */
	if (os_count == 0 && r->at != r->size)
		return wrong(r, "%zu bytes too many", r->size - r->at);
	return check_pairs(r);
}

/* --- strings ---------------------------------------------------------------------------------- */

/* One language: its id, and each string with its NUL. */
static bool skip_language(struct raw *r, uint32_t strings)
{
	if (r->size - r->at < 2)
		return wrong(r, "it ends too early");
	r->at += 2;
	for (uint32_t i = 0; i < strings; i++) {
		const uint8_t *nul = memchr(r->data + r->at, 0, r->size - r->at);

		if (!nul)
			return wrong(r, "a string without end");
		r->at = (size_t)(nul - r->data) + 1;
	}
	return true;
}

static bool read_strings(struct raw *r)
{
	uint32_t magic, length, strings, languages;

	if (!get32(r, &magic) || !get32(r, &length) || !get32(r, &strings) || !get32(r, &languages))
		return false;
	r->at = 0;
	if (magic != MAGIC_STRINGS)
		return wrong(r, "these are no strings for FunctionFS: it begins with %u, not 2",
			     magic);
	if (length != r->size)
		return wrong(r, "its head says %u bytes, the file has %zu", length, r->size);
	r->at = HEAD_SIZE;
	if (!strings != !languages)
		return wrong(r, "%u strings in %u languages", strings, languages);
	if (strings < r->strings)
		return wrong(r, "the descriptors refer to string %u, and there are %u", r->strings,
			     strings);
	r->at = HEAD_SIZE + 8;
	for (uint32_t i = 0; i < languages; i++)
		if (!skip_language(r, strings))
			return false;
	return r->at == r->size || wrong(r, "%zu bytes too many", r->size - r->at);
}

/* --- the group -------------------------------------------------------------------------------- */

/* False: an error has been reported. Opening a device could do something. */
static bool read_file(struct load *l, struct node *value, struct ffs_bytes *bytes)
{
	_cleanup_free_ char *path = load_path(l, value), *shown = diag_quote(value->text);
	struct stat st;
	int r = stat(path, &st) < 0 ? -errno : 0;

	if (r == 0 && !S_ISREG(st.st_mode)) {
		load_error(l, value, "%s is not a regular file", shown);
		return false;
	}
	if (r == 0)
		r = file_read(AT_FDCWD, path, MAX_SIZE, (char **)&bytes->data, &bytes->size);
	if (r == -EFBIG)
		load_error(l, value, "%s has more than %d bytes", shown, MAX_SIZE);
	else if (r < 0)
		load_error(l, value, "cannot read %s: %s", shown, errno_words(-r));
	return r == 0;
}

static void check_alone(struct load *l, const struct node *group)
{
	static const char *const beside[] = { "mount", "device", "blob" };

	node_foreach(setting, group) {
		bool allowed = false;

		for (size_t i = 0; i < ARRAY_SIZE(beside); i++)
			allowed |= streq(setting->name, beside[i]);
		if (allowed || setting->bad || !key_find(&ffs_keys, setting->name))
			continue;
		diag_error(l->diags, &setting->name_at,
			   "'%s' stands in the files of 'blob': it cannot be set beside it",
			   setting->name);
	}
}

static void start(struct raw *r, struct node *node, const struct ffs_bytes *bytes)
{
	r->node = node;
	r->data = bytes->data;
	r->size = bytes->size;
	r->at = 0;
}

void load_blob(struct load *l, struct ffs_draft *d, const struct node *group)
{
	struct ffs *ffs = d->ffs;
	struct raw r = { .l = l, .draft = d, .ffs = ffs };
	struct blob_draft b = { 0 };

	check_alone(l, group);
	load_group(l, key_find(&ffs_keys, "blob")->group, d->blob, &b);
	if (d->interfaces || !b.descriptors || !read_file(l, b.descriptors, &ffs->raw_descriptors))
		return;
	memset(ffs->speed, 0, sizeof(ffs->speed));
	start(&r, b.descriptors, &ffs->raw_descriptors);
	if (!read_descriptors(&r)) {
		/* Nothing is to be concluded from what has been read so far. */
		memset(ffs->speed, true, sizeof(ffs->speed));
		return;
	}
	load_check_endpoints(l, d);
	if (b.strings && read_file(l, b.strings, &ffs->raw_strings)) {
		start(&r, b.strings, &ffs->raw_strings);
		read_strings(&r);
	} else if (r.strings > 0 && !node_member(d->blob, "strings")) {
		load_error(l, b.descriptors,
			   "its descriptors refer to string %u: 'strings' is missing", r.strings);
	}
}
