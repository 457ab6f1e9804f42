/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses addresses of the forms "tcp:HOST:PORT" and "unix:PATH", and looks up host names. */
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

_Static_assert(sizeof(struct sockaddr_storage) <= 128,
	       "struct socket_address has 128 bytes for an address");

static int parse_unix_address(struct bridge *b, const char *path)
{
	struct socket_address *a = &b->socket_address;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(path);

	if (*path != '/' && (*path != '@' || n < 2))
		return bridge_fail_start(
			b,
			"'%s': the path of a socket must begin with '/', or with '@' "
			"for an abstract name",
			a->option_text);
	if (n >= sizeof(address.sun_path))
		return bridge_fail_start(b, "'%s': the path of a socket is limited to %zu bytes",
					 a->option_text, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, n);
	if (*path == '@')
		address.sun_path[0] = '\0';
	a->is_unix_socket = true;
	a->socket_type = b->framing == FRAMING_PACKET ? SOCK_SEQPACKET : SOCK_STREAM;
	a->n_addresses = 1;
	a->addresses[0].sockaddr_length =
		(uint32_t)(offsetof(struct sockaddr_un, sun_path) + n + (*path == '@' ? 0 : 1));
	memcpy(a->addresses[0].sockaddr, &address, sizeof(address));
	return 0;
}

/* Looks up a->host_name and stores its addresses. Returns 0 or an error of getaddrinfo(3). */
static int look_up_host_name(struct socket_address *a, int flags)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags };
	struct addrinfo *found, *i;
	int r = getaddrinfo(a->host_name, a->port_number, &hints, &found);

	if (r)
		return r;
	a->n_addresses = 0;
	for (i = found; i && a->n_addresses < ADDRESSES_MAX; i = i->ai_next) {
		a->addresses[a->n_addresses].sockaddr_length = (uint32_t)i->ai_addrlen;
		memcpy(a->addresses[a->n_addresses++].sockaddr, i->ai_addr, i->ai_addrlen);
	}
	freeaddrinfo(found);
	return 0;
}

static bool split_host_and_port(struct socket_address *a, const char *text)
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
	if (n == 0 || n >= sizeof(a->host_name))
		return false;
	memcpy(a->host_name, text, n);
	strcpy(a->port_number, port);
	return true;
}

/* Sets a->host_name so that the socket listens on all local addresses. If the kernel has IPv6,
   the socket is an IPv6 socket, which also accepts IPv4 clients. */
static void set_address_for_all_interfaces(struct socket_address *a)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a->host_name, fd >= 0 ? "::" : "0.0.0.0");
	if (fd >= 0)
		close(fd);
}

static int parse_tcp_address(struct bridge *b, const char *text)
{
	struct socket_address *a = &b->socket_address;

	if (!split_host_and_port(a, text))
		return bridge_fail_start(
			b,
			"'%s' is not \"tcp:HOST:PORT\"; HOST is a name, an IPv4 "
			"address or an IPv6 address in brackets, PORT is from 1 to "
			"65535",
			a->option_text);
	if (b->framing == FRAMING_PACKET)
		return bridge_fail_start(
			b,
			"'%s': framing \"packet\" is for Unix sockets, not for TCP; use "
			"\"length\"",
			a->option_text);
	if (b->peer_type == &peer_type_listen && strcmp(a->host_name, "*") == 0)
		set_address_for_all_interfaces(a);
	a->is_unix_socket = false;
	a->socket_type = SOCK_STREAM;
	a->needs_look_up = look_up_host_name(a, AI_NUMERICHOST) != 0;
	return 0;
}

int address_parse(struct bridge *b, const char *text)
{
	b->socket_address.option_text = text;
	if (strncmp(text, "tcp:", 4) == 0)
		return parse_tcp_address(b, text + 4);
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix_address(b, text + 5);
	return bridge_fail_start(b, "'%s' is neither \"tcp:HOST:PORT\" nor \"unix:PATH\"", text);
}

int address_look_up_and_wait(struct bridge *b)
{
	int r = b->socket_address.needs_look_up ? look_up_host_name(&b->socket_address, 0) : 0;

	if (r == 0)
		return 0;
	return bridge_fail_start(b, "cannot find the address of '%s' ('%s'): %s",
				 b->socket_address.host_name, b->socket_address.option_text,
				 r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
}

int address_start_look_up(struct bridge *b)
{
	struct socket_address *a = &b->socket_address;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	b->child_pid = bridge_fork_child();
	if (b->child_pid == 0) {
		/* This write() is atomic, because the struct is shorter than PIPE_BUF. Therefore
		   the parent process reads all of the struct or nothing. */
		a->look_up_error = look_up_host_name(a, 0);
		_exit(write(fds[1], a, sizeof(*a)) == sizeof(*a) ? 0 : 1);
	}
	close(fds[1]);
	if (b->child_pid < 0) {
		int r = -errno;

		b->child_pid = 0;
		close(fds[0]);
		return r;
	}
	b->connect_watch.fd = fds[0];
	return 0;
}

int address_read_look_up_result(struct bridge *b)
{
	struct socket_address found;
	ssize_t n = read(b->connect_watch.fd, &found, sizeof(found));

	bridge_close_watch(b, &b->connect_watch);
	/* This does not wait long: the child has written its result or was killed. */
	waitpid(b->child_pid, NULL, 0);
	b->child_pid = 0;
	if (n != sizeof(found)) /* the child was killed */
		return EAI_AGAIN;
	b->socket_address = found;
	return found.look_up_error;
}
