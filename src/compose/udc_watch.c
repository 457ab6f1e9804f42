/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compose/udc_watch.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "compose/udc.h"

/* How far a cBPF jump can go, which is over a pair of instructions for each four bytes. */
#define TEXT_MAX 500

int udc_watch_open(struct error *err)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
					NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno(err, EX_OSERR, errno, NULL,
				   "cannot listen to the kernel's uevents");
	return steal_fd(&fd);
}

struct program {
	struct sock_filter *code;
	size_t n;
};

static void add(struct program *p, uint16_t code, uint32_t k, size_t skip)
{
	*array_add(p->code, p->n) =
		(struct sock_filter){ .code = code, .k = k, .jf = (uint8_t)skip };
}

/* Takes a message that begins with these bytes; else goes on behind this. */
static void add_text(struct program *p, const char *text, size_t size)
{
	size_t loads = size / 4 + size % 4;

	for (size_t at = 0; at < size; loads--) {
		const unsigned char *b = (const unsigned char *)text + at;
		bool word = size - at >= 4;

		add(p, BPF_LD | BPF_ABS | (word ? BPF_W : BPF_B), (uint32_t)at, 0);
		add(p, BPF_JMP | BPF_JEQ | BPF_K,
		    word ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]
			 : b[0],
		    2 * loads - 1);
		at += word ? 4 : 1;
	}
	add(p, BPF_RET | BPF_K, UINT32_MAX, 0);
}

/* A message begins with "ACTION@PATH" and a zero byte (lib/kobject_uevent.c). */
int udc_watch_only(int fd, const char *udc)
{
	static const char *const actions[] = { "add", "remove", "change" };
	_cleanup_free_ char *link = udc ? strf(UDC_CLASS_DIR "/%s", udc) : NULL,
			    *path = link ? realpath(link, NULL) : NULL;
	struct program p = { 0 };
	struct sock_fprog prog;
	int r;

	if (!udc)
		return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 }, sizeof(int)) < 0 &&
				       errno != ENOENT
			       ? -errno
			       : 0;
	if (!path)
		return -errno;
	if (strlen(path) > TEXT_MAX)
		return -ENAMETOOLONG;
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		_cleanup_free_ char *text = strf("%s@%s", actions[i], path + strlen("/sys"));

		add_text(&p, text, strlen(text) + 1);
	}
	add(&p, BPF_RET | BPF_K, 0, 0);
	prog = (struct sock_fprog){ .len = (unsigned short)p.n, .filter = p.code };
	r = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ? -errno : 0;
	free(p.code);
	return r;
}

bool udc_watch_read(int fd)
{
	char message[8192];
	bool found = false;
	ssize_t n;

	while ((n = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT)) > 0) {
		message[n] = '\0';
		for (ssize_t i = 0; i < n; i += (ssize_t)strlen(message + i) + 1)
			found = found || streq(message + i, "SUBSYSTEM=udc");
	}
	/* Messages were lost: look, rather than miss one. */
	return found || (n < 0 && errno == ENOBUFS);
}
