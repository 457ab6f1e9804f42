/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses "tcp:HOST:PORT" and "unix:PATH" and finds the socket addresses. */
#include "bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(sizeof(struct sockaddr_storage) <= 128, "an address must fit");

static int parse_unix(struct bridge *b, const char *path)
{
	struct address *a = &b->address;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(path);

	if (*path != '/' && (*path != '@' || n < 2))
		return bridge_refuse(b,
				     "'%s': the path of a socket must begin with '/', or with '@' "
				     "for an abstract name",
				     a->text);
	if (n >= sizeof(address.sun_path))
		return bridge_refuse(b, "'%s': the path of a socket is limited to %zu bytes",
				     a->text, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, n);
	if (*path == '@')
		address.sun_path[0] = '\0';
	a->family = AF_UNIX;
	a->type = b->framing == FRAMING_PACKET ? SOCK_SEQPACKET : SOCK_STREAM;
	a->n_addresses = 1;
	a->addresses[0].length =
		(uint32_t)(offsetof(struct sockaddr_un, sun_path) + n + (*path == '@' ? 0 : 1));
	memcpy(a->addresses[0].bytes, &address, sizeof(address));
	return 0;
}

/* Stores the addresses of the host name. Returns 0 or an error of getaddrinfo(3). */
static int look_up(struct address *a, int flags)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags };
	struct addrinfo *found, *i;
	int r = getaddrinfo(a->host, a->port, &hints, &found);

	if (r)
		return r;
	a->n_addresses = 0;
	for (i = found; i && a->n_addresses < ADDRESSES_MAX; i = i->ai_next) {
		a->addresses[a->n_addresses].length = (uint32_t)i->ai_addrlen;
		memcpy(a->addresses[a->n_addresses++].bytes, i->ai_addr, i->ai_addrlen);
	}
	freeaddrinfo(found);
	return 0;
}

static bool split_host_and_port(struct address *a, const char *text)
{
	const char *port = strrchr(text, ':');
	size_t n;
	char *end;
	long number;

	if (!port)
		return false;
	n = (size_t)(port++ - text);
	number = strtol(port, &end, 10);
	if (*port < '0' || *port > '9' || *end || number < 1 || number > 65535 || strlen(port) > 5)
		return false;
	if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	} else if (memchr(text, ':', n)) {
		return false;
	}
	if (n == 0 || n >= sizeof(a->host))
		return false;
	memcpy(a->host, text, n);
	strcpy(a->port, port);
	return true;
}

/* Sets the address for listening on all local addresses. An IPv6 socket also accepts IPv4 clients.
 */
static void set_any_address(struct address *a)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a->host, fd >= 0 ? "::" : "0.0.0.0");
	if (fd >= 0)
		close(fd);
}

static int parse_tcp(struct bridge *b, const char *text)
{
	struct address *a = &b->address;

	if (!split_host_and_port(a, text))
		return bridge_refuse(b,
				     "'%s' is not \"tcp:HOST:PORT\"; HOST is a name, an IPv4 "
				     "address or an IPv6 address in brackets, PORT is from 1 to "
				     "65535",
				     a->text);
	if (b->framing == FRAMING_PACKET)
		return bridge_refuse(
			b,
			"'%s': framing \"packet\" is for Unix sockets, not for TCP; use "
			"\"length\"",
			a->text);
	if (b->type == &peer_type_listen && strcmp(a->host, "*") == 0)
		set_any_address(a);
	a->family = AF_UNSPEC;
	a->type = SOCK_STREAM;
	a->is_name = look_up(a, AI_NUMERICHOST) != 0;
	return 0;
}

int address_parse(struct bridge *b, const char *text)
{
	b->address.text = text;
	if (strncmp(text, "tcp:", 4) == 0)
		return parse_tcp(b, text + 4);
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(b, text + 5);
	return bridge_refuse(b, "'%s' is neither \"tcp:HOST:PORT\" nor \"unix:PATH\"", text);
}

int address_look_up(struct bridge *b)
{
	int r = b->address.is_name ? look_up(&b->address, 0) : 0;

	if (r == 0)
		return 0;
	return bridge_refuse(b, "cannot find the address of '%s' ('%s'): %s", b->address.host,
			     b->address.text, r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
}

/* Uses a child process, because a name server may answer late. */
int address_start_look_up(struct bridge *b)
{
	struct address *a = &b->address;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	b->pid = bridge_fork();
	if (b->pid == 0) {
		/* The struct is shorter than PIPE_BUF, so the parent reads all of it or nothing. */
		a->error = look_up(a, 0);
		_exit(write(fds[1], a, sizeof(*a)) == sizeof(*a) ? 0 : 1);
	}
	close(fds[1]);
	if (b->pid < 0) {
		int r = -errno;

		b->pid = 0;
		close(fds[0]);
		return r;
	}
	b->connect_watch.fd = fds[0];
	return 0;
}

int address_read_result(struct bridge *b)
{
	struct address found;
	ssize_t n = read(b->connect_watch.fd, &found, sizeof(found));

	bridge_close(b, &b->connect_watch);
	waitpid(b->pid, NULL,
		0); /* does not wait long: the child has written its result or was killed */
	b->pid = 0;
	if (n != sizeof(found)) /* the child was killed */
		return EAI_AGAIN;
	b->address = found;
	return found.error;
}
