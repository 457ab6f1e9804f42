/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/udc_watch.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "configfs/udc.h"

/*
 * Maximum bytes of a text that the filter compares: a jump of classic BPF skips at most 255
 * instructions, and the comparison of four bytes takes two instructions.
 */
#define MATCH_MAX 500

int udc_watch_open(struct error *err)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
					NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno(err, EX_OSERR, errno, NULL, "cannot watch the kernel's uevents");
	return steal_fd(&fd);
}

struct bpf_program {
	struct sock_filter *instructions;
	size_t n_instructions;
};

static void add_instruction(struct bpf_program *p, uint16_t code, uint32_t k, size_t skip)
{
	*array_add(p->instructions, p->n_instructions) =
		(struct sock_filter){ .code = code, .k = k, .jf = (uint8_t)skip };
}

/* Adds instructions that accept a message if it begins with `text`, which has `size` bytes. */
static void add_prefix_match(struct bpf_program *p, const char *text, size_t size)
{
	size_t loads = size / 4 + size % 4;

	for (size_t at = 0; at < size; loads--) {
		const unsigned char *b = (const unsigned char *)text + at;
		bool word = size - at >= 4;

		add_instruction(p, BPF_LD | BPF_ABS | (word ? BPF_W : BPF_B), (uint32_t)at, 0);
		add_instruction(p, BPF_JMP | BPF_JEQ | BPF_K,
				word ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
						(uint32_t)b[2] << 8 | b[3]
				     : b[0],
				2 * loads - 1);
		at += word ? 4 : 1;
	}
	add_instruction(p, BPF_RET | BPF_K, UINT32_MAX, 0);
}

/*
 * Adds instructions that accept only messages about the UDC `path` and its gadget device. A message
 * begins with "ACTION@PATH" and a NUL (lib/kobject_uevent.c).
 */
static void add_udc_matches(struct bpf_program *p, const char *path)
{
	static const char *const actions[] = { "add", "remove", "change" };
	/* The path of the UDC is PARENT/udc/NAME, that of its gadget PARENT/gadget.NUMBER. */
	_cleanup_free_ char *above = path_parent(path), *parent = path_parent(above),
			    *gadget = strf("add@%s/gadget.", parent);

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		_cleanup_free_ char *text = strf("%s@%s", actions[i], path);

		add_prefix_match(p, text, strlen(text) + 1);
	}
	add_prefix_match(p, gadget, strlen(gadget));
	add_instruction(p, BPF_RET | BPF_K, 0, 0);
}

int udc_watch_attach_filter(int fd, const char *udc)
{
	_cleanup_free_ char *link = strf(UDC_CLASS_DIR "/%s", udc), *path = realpath(link, NULL);
	struct bpf_program p = { 0 };
	struct sock_fprog prog;
	int r;

	if (!path)
		return -errno;
	if (strlen(path) > MATCH_MAX)
		return -ENAMETOOLONG;
	add_udc_matches(&p, path + strlen("/sys"));
	prog = (struct sock_fprog){ .len = (unsigned short)p.n_instructions,
				    .filter = p.instructions };
	r = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ? -errno : 0;
	free(p.instructions);
	return r;
}

struct udc_uevent_summary udc_watch_read(int fd)
{
	struct udc_uevent_summary uevents = { 0 };
	char message[8192];
	ssize_t n;

	while ((n = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT)) > 0) {
		bool added;

		message[n] = '\0';
		added = str_has_prefix(message, "add@");
		for (ssize_t i = 0; i < n; i += (ssize_t)strlen(message + i) + 1) {
			uevents.udc_changed =
				uevents.udc_changed || streq(message + i, "SUBSYSTEM=udc");
			uevents.udc_added = uevents.udc_added ||
					    (added && streq(message + i, "SUBSYSTEM=gadget"));
		}
	}
	/* Some messages were lost: assumes that one of each kind was among them. */
	if (n < 0 && errno == ENOBUFS)
		uevents = (struct udc_uevent_summary){ true, true };
	return uevents;
}
