// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checks attributes of kernel functions against what the kernel makes of them after it has accepted
 * the write. The ranges of the writes themselves are in the tables of keys (keys/); this checks all
 * attributes of a function, those in 'tree' as well. kernel/functions.md has the same for each
 * attribute. Lines are those of Linux 6.12.
 */
#include <fnmatch.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "blob/validate_blob.h"
#include "gadgetfile/load.h"

/* --- numbers ---------------------------------------------------------------------------------- */

/* Values of an attribute that the kernel accepts, but does not use as they are. */
struct number_limit {
	const char *types[6];	/* function types; ends with NULL */
	const char *path;	/* a pattern of fnmatch */
	long long min, max;	/* the kernel uses these values unchanged */
	enum gadget_speed only; /* the limit holds at this speed only; GADGET_SPEED_NONE: always */
	const char *what_kernel_does;
	const char *what_to_do;
};

/* kmalloc has 4 MiB at most (KMALLOC_MAX_SIZE of linux/slab.h, with pages of 4 KiB). */
#define KMALLOC_SIZE_MAX 4194304

static const struct number_limit number_limits[] = {
	/* u_ether.c:97 and :322: a queue of 0 requests is ENOMEM when a host enables the link */
	{ { "ecm", "eem", "geth", "ncm", "rndis" },
	  "qmult",
	  1,
	  255,
	  GADGET_SPEED_NONE,
	  "the kernel's queues have no requests, so that no data moves above full speed",
	  "write 1 to 255; the default is 5" },
	/* f_printer.c:1397 */
	{ { "printer" },
	  "q_len",
	  1,
	  65535,
	  GADGET_SPEED_NONE,
	  "the kernel's queues have no requests, so that no data moves",
	  "write 1 to 65535; the default is 10" },
	/* f_loopback.c:440 */
	{ { "Loopback" },
	  "qlen",
	  1,
	  4294967295,
	  GADGET_SPEED_NONE,
	  "the kernel uses 32",
	  "leave the setting out, or write 32" },
	/* f_loopback.c:328 */
	{ { "Loopback" },
	  "b*uflen",
	  1,
	  4294967295,
	  GADGET_SPEED_NONE,
	  "requests of 0 bytes carry no data",
	  "the default is 4096" },
	/* f_loopback.c:328 */
	{ { "Loopback" },
	  "b*uflen",
	  0,
	  KMALLOC_SIZE_MAX,
	  GADGET_SPEED_NONE,
	  "the kernel has no memory for a request, so that no host can configure the gadget",
	  "write at most 4194304; the default is 4096" },
	/* f_sourcesink.c:345 */
	{ { "SourceSink" },
	  "isoc_interval",
	  1,
	  16,
	  GADGET_SPEED_NONE,
	  "the kernel uses 1",
	  "write 1" },
	/* f_sourcesink.c:355 */
	{ { "SourceSink" },
	  "isoc_maxpacket",
	  0,
	  1023,
	  GADGET_SPEED_FULL,
	  "the kernel uses 1023 at full speed",
	  "write 1023" },
	/* f_sourcesink.c:607 */
	{ { "SourceSink" },
	  "*_qlen",
	  1,
	  4294967295,
	  GADGET_SPEED_NONE,
	  "the kernel's queues have no requests, so that no data moves",
	  "the default is 1 for bulk_qlen, 8 for iso_qlen" },
	{ { "SourceSink" },
	  "bulk_buflen",
	  1,
	  4294967295,
	  GADGET_SPEED_NONE,
	  "requests of 0 bytes carry no data",
	  "the default is 4096" },
	/* f_sourcesink.c:608, as for Loopback */
	{ { "SourceSink" },
	  "bulk_buflen",
	  0,
	  KMALLOC_SIZE_MAX,
	  GADGET_SPEED_NONE,
	  "the kernel has no memory for a request, so that no host can configure the gadget",
	  "write at most 4194304; the default is 4096" },
	/* f_midi.c:640: only a request that has room for 4 bytes gets data */
	{ { "midi" },
	  "buflen",
	  4,
	  4294967295,
	  GADGET_SPEED_NONE,
	  "the kernel sends nothing to the host: a MIDI event has 4 bytes",
	  "write 4 or more; the default is 512" },
	/* u_uac1_legacy.c:106: 48000 Hz, 2 channels, 16 bits */
	{ { "uac1_legacy" },
	  "req_buf_size",
	  192,
	  4294967295,
	  GADGET_SPEED_NONE,
	  "a request has no room for the 192 bytes of sound that a host sends in 1 ms",
	  "write 192 or more; the default is 200" },
	/* u_audio.c:1240 and :760 */
	{ { "uac1", "uac2" },
	  "req_number",
	  1,
	  4294967295,
	  GADGET_SPEED_NONE,
	  "the kernel's queues have no requests, so that no sound moves",
	  "write 1 or more; the default is 2" },
	/* f_uvc.c:706 */
	{ { "uvc" },
	  "streaming_maxpacket",
	  1,
	  1023,
	  GADGET_SPEED_FULL,
	  "the kernel uses 1023 at full speed",
	  "write 1023" },
	{ { NULL }, NULL, 0, 0, GADGET_SPEED_NONE, NULL, NULL },
};

static bool has_type(const char *const *types, const struct function *f)
{
	for (; *types; types++)
		if (streq_null(f->type, *types))
			return true;
	return false;
}

/* Sets *number to the value as the kernel reads it (kstrtoint with base 0). False: no number. */
static bool read_number(const struct configfs_attribute *a, long long *number)
{
	char *end;

	if (a->entry_kind != ATTRIBUTE_VALUE || !a->value || !*a->value)
		return false;
	*number = strtoll(a->value, &end, 0);
	return *end == 0 || streq(end, "\n");
}

static void check_number(struct load *l, const struct function *f,
			 const struct configfs_attribute *a, const struct text_range *at)
{
	long long number;

	if (!read_number(a, &number))
		return;
	for (const struct number_limit *n = number_limits; n->path; n++) {
		if (!has_type(n->types, f) || fnmatch(n->path, a->path, FNM_PATHNAME) != 0 ||
		    (n->only && n->only != l->gadget->max_speed) ||
		    (number >= n->min && number <= n->max))
			continue;
		diag_warning(l->diags, at, "with %s = %lld %s", a->path, number,
			     n->what_kernel_does);
		diags_hint(l->diags, "%s", n->what_to_do);
	}
}

/* --- other values ----------------------------------------------------------------------------- */

/* Warns about packets of a camera that the kernel makes longer or shorter (f_uvc.c:671-704). */
static void check_video_packet(struct load *l, const struct function *f,
			       const struct configfs_attribute *a, const struct text_range *at)
{
	const struct configfs_attribute *burst =
		configfs_attributes_find(&f->configfs_attributes, "streaming_maxburst");
	long long size, packets, more_packets = 0;

	if (!read_number(a, &size) || size < 1 || size > 3072)
		return;
	if (burst)
		read_number(burst, &more_packets);
	packets = (size + 1023) / 1024;
	if (more_packets > 0 && size % 1024 != 0) {
		diag_warning(l->diags, at,
			     "with a 'streaming_maxburst' above 0 the kernel makes "
			     "streaming_maxpacket = %lld of it",
			     packets * 1024);
		diags_hint(l->diags, "write 1024, 2048 or 3072");
	} else if (size % packets != 0) {
		diag_warning(l->diags, at,
			     "above full speed the kernel makes %lld packets of %lld bytes of it, "
			     "%lld together",
			     packets, size / packets, size / packets * packets);
		diags_hint(l->diags, "write %lld", size / packets * packets);
	}
}

/*
 * Warns about an interval of a camera that the kernel does not use at high speed, where an endpoint
 * with several packets in an interval must have bInterval 1 (f_uvc.c:716).
 */
static void check_video_interval(struct load *l, const struct function *f,
				 const struct configfs_attribute *a, const struct text_range *at)
{
	const struct configfs_attribute *packet =
		configfs_attributes_find(&f->configfs_attributes, "streaming_maxpacket");
	long long interval, size;

	if (l->gadget->max_speed == GADGET_SPEED_FULL || !read_number(a, &interval) ||
	    interval < 2 || !packet || !read_number(packet, &size) || size <= 1024)
		return;
	diag_warning(l->diags, at,
		     "at high speed the kernel makes streaming_interval = 1 of it, because "
		     "'streaming_maxpacket' (%lld) is above 1024",
		     size);
	diags_hint(l->diags, "write 1, or at most 1024 as 'streaming_maxpacket'");
}

/*
 * Warns about samples of 1 byte: the sound card on the board then has samples of 2 bytes, all
 * others have the size that hosts see (uac_ssize_to_fmt, u_audio.c:366).
 */
static void check_sample_size(struct load *l, const struct function *f,
			      const struct configfs_attribute *a, const struct text_range *at)
{
	_cleanup_free_ char *path = strf("%c_chmask", *a->path);
	const struct configfs_attribute *mask =
		configfs_attributes_find(&f->configfs_attributes, path);
	long long bytes, channels;

	if (!read_number(a, &bytes) || bytes != 1 ||
	    (mask && read_number(mask, &channels) && channels == 0))
		return;
	diag_warning(l->diags, at,
		     "with %s = 1 the sound card on the board has samples of 2 bytes, but the host "
		     "has samples of 1 byte: the sound is noise",
		     a->path);
	diags_hint(l->diags, "write 2");
}

/*
 * Adds a note about the address of a host that does not get it: EEM has no descriptor for it. It is
 * no warning because an exported gadget always has one.
 */
static void check_eem_address(struct load *l, const struct function *f _unused_,
			      const struct configfs_attribute *a _unused_,
			      const struct text_range *at)
{
	diag_note(l->diags, at,
		  "'host_addr' has no effect: CDC EEM does not report it, and the host chooses an "
		  "address of its own");
}

/* Warns about an id of a sound card that ALSA changes (copy_valid_id_string, init.c:694). */
static void check_card_id(struct load *l, const struct function *f _unused_,
			  const struct configfs_attribute *a, const struct text_range *at)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const char *why = NULL;

	if (!a->value || !*a->value)
		return;
	if (a->value[strspn(a->value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789")])
		why = "the kernel leaves out all characters but letters and digits of ASCII";
	else if (!strchr(alphabet, *a->value))
		why = "the kernel puts a letter before an id that begins with a digit";
	else if (str_has_prefix(a->value, "card"))
		why = "the kernel uses \"Default\" for an id that begins with \"card\"";
	if (!why)
		return;
	diag_warning(l->diags, at, "the card gets another id: %s", why);
	diags_hint(l->diags, "use up to 15 letters and digits, a letter first");
}

/* Warns about a drive that never has a medium (f_mass_storage.c:2896 checks this, but not for
 * configfs). */
static void check_fixed_drive(struct load *l, const struct function *f,
			      const struct configfs_attribute *a, const struct text_range *at)
{
	const struct configfs_attribute *file =
		configfs_attributes_find_beside(&f->configfs_attributes, a, "file");

	if (!a->value || !strchr("0nNfF", *a->value) || !*a->value || (file && file->value))
		return;
	diag_warning(l->diags, at,
		     "the drive has no medium, and hosts do not expect one later: it is not "
		     "removable");
	diags_hint(l->diags, "set 'file', or 'removable = true'");
}

/* Warns about a type of a property that configfs accepts (configfs.c:1303), but the kernel does
 * not send. */
static void check_property_type(struct load *l, const struct function *f _unused_,
				const struct configfs_attribute *a, const struct text_range *at)
{
	long long type;

	if (!read_number(a, &type) || type < 1 || type > 7 ||
	    ffs_property_type_is_sent((uint32_t)type))
		return;
	diag_warning(l->diags, at,
		     "with a property of type %lld the kernel stalls a host's request for the "
		     "properties of this interface, so that it gets none",
		     type);
	diags_hint(l->diags, "use the types 1, 2, 3 and 6");
}

/*
 * Queues whose requests the kernel allocates, each with a buffer, when the gadget is bound
 * (printer) or a host configures it.
 */
static const struct queue {
	const char *type;
	const char *requests; /* the attribute with their number */
	const char *size;     /* that with the size of a buffer; NULL: none */
	long long usual_size; /* without that attribute */
	int n_endpoints;      /* that have such a queue */
} queues[] = {
	{ "printer", "q_len", NULL, 8192, 2 },		       /* f_printer.c:1142 */
	{ "Loopback", "qlen", "bulk_buflen", 4096, 1 },	       /* f_loopback.c:328 */
	{ "SourceSink", "bulk_qlen", "bulk_buflen", 4096, 2 }, /* f_sourcesink.c:607 */
	{ "SourceSink", "iso_qlen", "isoc_maxpacket", 1024, 2 },
	{ "midi", "qlen", "buflen", 512, 2 }, /* f_midi.c:385 and :399 */
};
/* More is hardly meant, and small boards do not have it. */
#define QUEUE_BYTES_MAX (64LL << 20)

/* Returns the queue of which the attribute is the number of requests; NULL: none. */
static const struct queue *find_queue(const struct function *f, const struct configfs_attribute *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(queues); i++)
		if (streq_null(f->type, queues[i].type) && streq(a->path, queues[i].requests))
			return &queues[i];
	return NULL;
}

/* Warns about a queue for which the kernel may end programs, as it does when memory runs out. */
static void check_queue(struct load *l, const struct function *f,
			const struct configfs_attribute *a, const struct text_range *at)
{
	const struct queue *queue = find_queue(f, a);
	const struct configfs_attribute *buffer;
	long long requests, size, most;

	if (!queue || !read_number(a, &requests))
		return;
	size = queue->usual_size;
	buffer =
		queue->size ? configfs_attributes_find(&f->configfs_attributes, queue->size) : NULL;
	if (buffer)
		read_number(buffer, &size);
	if (size < 1 || size > KMALLOC_SIZE_MAX) /* number_limits has this */
		return;
	size *= queue->n_endpoints;
	most = QUEUE_BYTES_MAX / size;
	if (requests <= most)
		return;
	diag_warning(l->diags, at,
		     "with %s = %lld the kernel takes %lld MiB of memory for requests, and ends "
		     "programs if the board has less",
		     a->path, requests, requests * size >> 20);
	diags_hint(l->diags, "write at most %lld", most);
}

static const struct {
	const char *type; /* NULL: of all functions */
	const char *path; /* a pattern of fnmatch */
	void (*check)(struct load *l, const struct function *f,
		      const struct configfs_attribute *attribute, const struct text_range *at);
} checks[] = {
	{ "uvc", "streaming_maxpacket", check_video_packet },
	{ "uvc", "streaming_interval", check_video_interval },
	{ "uac1", "?_ssize", check_sample_size },
	{ "uac2", "?_ssize", check_sample_size },
	{ "eem", "host_addr", check_eem_address },
	{ "midi", "id", check_card_id },
	{ "mass_storage", "lun.*/removable", check_fixed_drive },
	{ NULL, "os_desc/interface.*/*/type", check_property_type },
	{ NULL, "*q*len", check_queue },
};

void load_check_kernel_limits(struct load *l)
{
	if (l->has_syntax_error || load_is_from_document(l))
		return;
	for (size_t i = 0; i < l->gadget->n_functions; i++) {
		const struct function *f = &l->gadget->functions[i];
		const struct node *node = l->function_nodes[i];

		for (size_t k = 0; !l->function_has_error[i] && k < f->configfs_attributes.n; k++) {
			const struct configfs_attribute *a = &f->configfs_attributes.list[k];
			const struct text_range *at = NULL;

			if (a->entry_kind != ATTRIBUTE_VALUE)
				continue;
			at = load_find_setting_range(l, node, &a->position);
			at = at ? at : node_range_to_mark(node);
			check_number(l, f, a, at);
			for (size_t n = 0; n < ARRAY_SIZE(checks); n++)
				if ((!checks[n].type || streq_null(f->type, checks[n].type)) &&
				    fnmatch(checks[n].path, a->path, FNM_PATHNAME) == 0)
					checks[n].check(l, f, a, at);
		}
	}
}
