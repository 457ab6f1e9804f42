/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The peers are the clients of a listening socket, or the only peer is a server. */
#include "bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 16 /* number of clients that may wait until they are accepted */
/* If accept() has failed for lack of memory or file descriptors, it is called again after this
 * time. */
#define ACCEPT_AGAIN_MS 1000
#define SOCKET_MODE 0600

/* Values of TCP keepalive: seconds until the first probe, seconds between two probes, number of
   probes. Keepalive detects that a client has disappeared without closing its connection. */
enum { KEEPALIVE_IDLE = 30, KEEPALIVE_INTERVAL = 10, KEEPALIVE_COUNT = 3 };

static const struct sockaddr *sockaddr_at(const struct bridge *b, unsigned int i)
{
	return (const struct sockaddr *)(const void *)b->socket_address.addresses[i].sockaddr;
}

static int make_socket(const struct bridge *b, unsigned int i)
{
	int fd = socket(sockaddr_at(b, i)->sa_family,
			b->socket_address.socket_type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* Adds a peer for a connected socket. The file descriptor is duplicated, because a peer has one
   file descriptor for each direction. Returns 0 or a negative errno. */
static int add_socket_peer(struct bridge *b, int fd)
{
	int on = 1, idle = KEEPALIVE_IDLE, interval = KEEPALIVE_INTERVAL, count = KEEPALIVE_COUNT,
	    room = 1 << 20;
	int second = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (second < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	if (b->socket_address.is_unix_socket) {
		/* The socket's buffer must be large enough for a packet. The kernel may reduce
		   the value. */
		if (b->framing == FRAMING_PACKET)
			setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	} else {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	}
	if (b->framing == FRAMING_PACKET)
		/* The kernel adds the credentials of the sender to each packet: by these,
		   next_packet_length() can tell an empty packet from the end of file. */
		setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	bridge_add_peer(b, fd, second);
	return 0;
}

/* --- listening --- */

static struct peer *half_closed_client(const struct bridge *b)
{
	struct peer *p = b->first_peer;

	while (p && p->reader.watch.fd >= 0)
		p = p->next;
	return p;
}

/*
 * A client that has closed its sending side may still read; whether it does cannot be detected.
 * Therefore such a client stays connected until another client wants to connect and there are
 * `max_clients` already.
 */
bool can_accept_client(const struct bridge *b)
{
	return !b->retry_timer.running && (b->n_peers < b->max_clients || half_closed_client(b));
}

static void on_accept_timer(struct ffsctl_host *host, struct ffsctl_timer *t)
{
	(void)t;
	bridge_move_data_and_watch(host->state);
}

static void on_client_waiting(struct ffsctl_host *host, struct ffsctl_watch *w, uint32_t events)
{
	struct bridge *b = host->state;
	int fd, r = 0;

	(void)events;
	/* The handler of an earlier event of the same epoll_wait() may have changed this, for
	   example by accepting a client. */
	if (!can_accept_client(b))
		return;
	fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		if (b->n_peers >= b->max_clients)
			bridge_close_writer(b, half_closed_client(b));
		r = add_socket_peer(b, fd);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		r = -errno;
	}
	if (r < 0) {
		host->call->log(host, FFSCTL_LOG_ERROR, "cannot accept a client of %s: %s",
				b->socket_address.option_text, strerror(-r));
		host->call->timer_start(host, &b->retry_timer, ACCEPT_AGAIN_MS);
	}
	bridge_move_data_and_watch(b);
}

static int read_socket_mode(struct bridge *b, mode_t *mode)
{
	const char *text = b->host->call->option_string(b->host, "socket_mode");
	char *end;
	long n;

	if (!text)
		return 0;
	n = strtol(text, &end, 8);
	if (!b->socket_address.is_unix_socket ||
	    b->socket_address.addresses[0].sockaddr[sizeof(sa_family_t)] == '\0')
		return bridge_fail_start(
			b,
			"option 'socket_mode' can be used only with \"unix:/PATH\", not with '%s'",
			b->socket_address.option_text);
	if (*text < '0' || *text > '7' || *end || n > 0777)
		return bridge_fail_start(b,
					 "option 'socket_mode' is '%s'; it must be octal, from "
					 "\"0000\" to \"0777\"",
					 text);
	*mode = (mode_t)n;
	return 0;
}

/*
 * Removes the socket file that an earlier worker has left, if no program listens on it. Returns
 * whether the file was removed.
 */
static bool remove_stale_socket(struct bridge *b)
{
	const char *path = ((const struct sockaddr_un *)(const void *)sockaddr_at(b, 0))->sun_path;
	struct stat st;
	int fd;
	bool dead;

	if (!b->socket_address.is_unix_socket || !*path || lstat(path, &st) < 0 ||
	    !S_ISSOCK(st.st_mode))
		return false;
	fd = make_socket(b, 0);
	if (fd < 0)
		return false;
	dead = connect(fd, sockaddr_at(b, 0), b->socket_address.addresses[0].sockaddr_length) < 0 &&
	       errno == ECONNREFUSED;
	close(fd);
	return dead && unlink(path) == 0;
}

static int bind_listening_socket(struct bridge *b, int fd, mode_t mode)
{
	int on = 1, off = 0, r;
	mode_t before;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* IP_FREEBIND is set because the address may belong to a network function whose
	   interface is not up yet. */
	if (!b->socket_address.is_unix_socket) {
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
		if (sockaddr_at(b, 0)->sa_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	}
	before = umask(0777 & ~mode);
	r = bind(fd, sockaddr_at(b, 0), b->socket_address.addresses[0].sockaddr_length) < 0 ? -errno
											    : 0;
	umask(before);
	return r;
}

/* Stores the inode number of the socket file, so that listen_remove_socket_file() does not remove
   another file. */
static void store_socket_inode(struct bridge *b)
{
	const struct sockaddr_un *address = (const void *)sockaddr_at(b, 0);
	struct stat st;

	if (!b->socket_address.is_unix_socket || !*address->sun_path ||
	    lstat(address->sun_path, &st) < 0)
		return;
	b->socket_file_inode = st.st_ino;
	b->socket_file_device = st.st_dev;
}

static const char *listen_advice(const struct bridge *b, int error)
{
	bool is_unix = b->socket_address.is_unix_socket;

	switch (-error) {
	case EADDRINUSE:
		return is_unix ? "; remove it, or use another path"
			       : "; another program listens there";
	case EACCES:
	case EPERM:
		return is_unix ? "; the worker's user (worker.user) must be able to write to the "
				 "directory"
			       : "; ports below 1024 need root, use a higher one";
	case ENOENT:
		return "; the directory does not exist";
	}
	return "";
}

static int listen_peer_prepare(struct bridge *b)
{
	mode_t mode = SOCKET_MODE;
	int r, fd;

	r = address_parse(b, b->host->call->option_string(b->host, "listen"));
	if (r == 0)
		r = read_socket_mode(b, &mode);
	if (r == 0)
		r = address_look_up_and_wait(b);
	if (r < 0)
		return r;
	fd = make_socket(b, 0);
	r = fd < 0 ? fd : bind_listening_socket(b, fd, mode);
	if (r == -EADDRINUSE && remove_stale_socket(b))
		r = bind_listening_socket(b, fd, mode);
	if (r == 0)
		store_socket_inode(b);
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r < 0)
		return bridge_fail_start(b, "cannot listen on '%s': %s%s",
					 b->socket_address.option_text, strerror(-r),
					 listen_advice(b, r));
	b->listen_watch = (struct ffsctl_watch){ .fd = fd, .ready = on_client_waiting };
	b->retry_timer.fired = on_accept_timer;
	return 0;
}

/* Removes the socket file, unless another file has replaced it. */
static bool listen_remove_socket_file(struct bridge *b)
{
	const struct sockaddr_un *address = (const void *)sockaddr_at(b, 0);
	struct stat st;

	if (b->socket_file_inode && lstat(address->sun_path, &st) == 0 &&
	    st.st_ino == b->socket_file_inode && st.st_dev == b->socket_file_device)
		unlink(address->sun_path);
	return true;
}

const struct peer_type peer_type_listen = {
	.option_names = { "listen" },
	.check_options_and_prepare = listen_peer_prepare,
	.stop = listen_remove_socket_file,
	.allows_half_close = true,
};

/* --- connecting --- */

static void connect_next_address(struct bridge *b, int error);

static const char *connect_advice(int error)
{
	switch (-error) {
	case ECONNREFUSED:
		return "; no program listens there";
	case EACCES:
	case EPERM:
		return "; the worker's user (worker.user) must be able to write to the socket";
	case EPROTOTYPE:
		return "; framing \"packet\" needs a SOCK_SEQPACKET socket, other framings need "
		       "SOCK_STREAM";
	}
	return "";
}

static void finish_connect(struct bridge *b, int fd)
{
	int r = add_socket_peer(b, fd);

	if (r < 0)
		bridge_open_failed(b, r, "cannot connect to %s: %s", b->socket_address.option_text,
				   strerror(-r));
	else
		bridge_note_peer_opened(b, b->socket_address.option_text);
}

static void on_connect_ended(struct ffsctl_host *host, struct ffsctl_watch *w, uint32_t events)
{
	struct bridge *b = host->state;
	int error = 0, fd = w->fd;
	socklen_t length = sizeof(error);

	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		error = errno;
	host->call->unwatch(host, w);
	w->fd = -1;
	if (error) {
		close(fd);
		connect_next_address(b, -error);
	} else {
		finish_connect(b, fd);
	}
	bridge_move_data_and_watch(b);
}

/* Connects to the next of the addresses; if this fails, to the one after it. `error`: negative
   errno of the last attempt; 0: there was none. */
static void connect_next_address(struct bridge *b, int error)
{
	struct socket_address *a = &b->socket_address;
	int fd;

	while (a->next_address < a->n_addresses) {
		unsigned int i = a->next_address++;

		fd = make_socket(b, i);
		if (fd < 0) {
			error = fd;
			continue;
		}
		if (connect(fd, sockaddr_at(b, i), a->addresses[i].sockaddr_length) == 0) {
			finish_connect(b, fd);
			return;
		}
		if (errno == EINPROGRESS) {
			b->connect_watch =
				(struct ffsctl_watch){ .fd = fd, .ready = on_connect_ended };
			bridge_set_watch(b, &b->connect_watch, EPOLLOUT);
			return;
		}
		error = -errno;
		close(fd);
	}
	bridge_open_failed(b, error, "cannot connect to %s: %s%s", a->option_text, strerror(-error),
			   connect_advice(error));
}

static void on_look_up_ended(struct ffsctl_host *host, struct ffsctl_watch *w, uint32_t events)
{
	struct bridge *b = host->state;
	int r = address_read_look_up_result(b);

	(void)w;
	(void)events;
	if (r)
		bridge_open_failed(b, r, "cannot find the address of %s: %s",
				   b->socket_address.host_name, gai_strerror(r));
	else
		connect_next_address(b, 0);
	bridge_move_data_and_watch(b);
}

static void connect_peer_open(struct bridge *b)
{
	int r;

	b->socket_address.next_address = 0;
	if (!b->socket_address.needs_look_up) {
		connect_next_address(b, 0);
		return;
	}
	b->connect_watch = (struct ffsctl_watch){ .fd = -1, .ready = on_look_up_ended };
	r = address_start_look_up(b);
	if (r < 0)
		bridge_open_failed(b, r, "cannot find the address of %s: %s",
				   b->socket_address.host_name, strerror(-r));
	else
		bridge_set_watch(b, &b->connect_watch, EPOLLIN);
}

static int connect_peer_prepare(struct bridge *b)
{
	return address_parse(b, b->host->call->option_string(b->host, "connect"));
}

const struct peer_type peer_type_connect = {
	.option_names = { "connect" },
	.check_options_and_prepare = connect_peer_prepare,
	.open = connect_peer_open,
};
