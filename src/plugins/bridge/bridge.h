/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Declarations that the files of the plugin bridge share.
 *
 * The bridge moves data between the function's endpoints and the bridge's peers. If the bridge
 * listens on a socket, its peers are the clients of the socket. Otherwise it has one peer: a
 * server, a pair of FIFOs, a tty or a command. Each event handler changes the state of the bridge
 * and then calls bridge_move_data_and_watch(), which moves all data that can be moved, and watches
 * for the next events.
 */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4(), pipe2() */
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ffsctl/plugin.h>

enum framing {
	FRAMING_NONE,	/* a stream of bytes, without messages */
	FRAMING_LENGTH, /* a message is one or more pieces, each after a header with its length */
	FRAMING_PACKET, /* a message is one packet of a SOCK_SEQPACKET socket */
};

/* FRAMING_LENGTH: the header before each piece of a message is the length of the piece without the
   header, in bytes, as a little-endian number. HEADER_MORE is set if another piece of the message
   follows. */
#define HEADER_SIZE 4
#define HEADER_MORE 0x80000000u

struct bridge;
struct peer;

/* The reading side of a peer: the file descriptor from which the bridge reads the data for the
   host. */
struct peer_reader {
	struct ffsctl_watch watch; /* fd -1: the bridge does not read from the peer, or no longer */
	bool maybe_readable;	   /* read() may return data */
	bool hung_up;		   /* EPOLLRDHUP was reported: the peer sends no more data */
	/* The following members are for FRAMING_LENGTH. */
	struct ffsctl_transfer *transfer; /* receives the current message; NULL: none */
	uint8_t header[HEADER_SIZE];	  /* header of the current piece of the message */
	size_t header_bytes_read;
	bool inside_message_piece;
	uint32_t message_piece_bytes_left; /* bytes of the current piece that were not read yet */
	bool more_message_pieces_follow;   /* another piece of the current message follows */
	bool message_begun;		   /* a part of the current message was read */
	/* the current message began in an earlier session: discard the rest of it */
	bool message_is_of_earlier_session;
};

/* The writing side of a peer: the file descriptor to which the bridge writes the data of the host.
   The data is in the queue bridge.out_queue, which all peers share. */
struct peer_writer {
	struct ffsctl_watch watch; /* fd -1: the bridge does not write to the peer, or no longer */
	bool blocked;		   /* write() accepts no data until EPOLLOUT */
	/* all data of the queue's first n_transfers_to_write_together() transfers was written to
	   this peer */
	bool queue_head_written;
	bool waits_for_next_message; /* the peer gets no data until the next message begins */
	/* Bytes of the queue's first transfer, and of the header before it, that were written. */
	size_t queue_head_bytes_written;
};

/* What the bridge moves data from and to. The list of all peers begins with bridge.first_peer. */
struct peer {
	struct peer *next;
	struct peer_reader reader;
	struct peer_writer writer;
};

/* A type of peers. bridge.c has the table of all types. */
struct peer_type {
	/* Checks the options of this type and prepares the bridge for open(). On failure
	   it logs the reason and returns a negative errno; then the worker ends and is
	   not restarted. */
	int (*check_options_and_prepare)(struct bridge *b);
	/* Opens the peer. Calls bridge_note_peer_opened() or bridge_open_failed(), at once or
	   later. NULL for peers that are clients: they open the connection. */
	void (*open)(struct bridge *b);
	/* Returns whether the peer may be opened again, after its file descriptors were closed.
	   NULL: the peer may always be opened again. */
	bool (*may_open_again)(struct bridge *b);
	/* Stops the peer before the worker ends. Returns false if the worker must not end yet:
	   then the handler of a later event calls exit(). NULL: nothing needs to be done. */
	bool (*stop)(struct bridge *b);
	/* Whether the bridge can still write to a peer after the peer has sent end of file. */
	bool allows_half_close;
	/* Names of the options that select this type; NULL if there is only one. */
	const char *option_names[2];
};

extern const struct peer_type peer_type_listen, peer_type_connect, peer_type_tty, peer_type_fifo,
	peer_type_command;

#define ADDRESSES_MAX 8

/* The address that the bridge listens on or connects to. */
struct socket_address {
	const char *option_text; /* the address as in the gadget file */
	bool is_unix_socket;	 /* false: TCP */
	int socket_type;	 /* SOCK_STREAM or SOCK_SEQPACKET */
	bool needs_look_up;	 /* `host_name` is a name, not an IP address */
	char host_name[256], port_number[6];
	struct {
		_Alignas(8) uint8_t sockaddr[128]; /* a struct sockaddr_storage */
		uint32_t sockaddr_length;
	} addresses[ADDRESSES_MAX];
	unsigned int n_addresses;
	unsigned int next_address; /* index of the address to connect to next */
	int look_up_error;	   /* error of getaddrinfo(3); 0: none */
};

/* The values of the statistics that `ffsctl status` shows. */
struct bridge_statistics {
	uint64_t bytes_to_host, bytes_from_host, bytes_dropped;
	unsigned int n_peers;
};

struct bridge {
	struct ffsctl_host *host;
	const struct peer_type *peer_type;
	enum framing framing;
	unsigned int max_clients;  /* largest number of peers at the same time */
	bool discard_without_peer; /* discard the host's data while there is no peer */
	uint32_t in_endpoint_index, out_endpoint_index;
	bool has_in_endpoint, has_out_endpoint;
	bool link_up; /* the host has enabled the function */

	struct peer *first_peer; /* of the list of all peers */
	/* n_peers: number of peers; n_open_writers: number of peers to which the bridge can write,
	   because their writer is open */
	unsigned int n_peers, n_open_writers;

	/* The following members are for data to the host. */
	/* The peer whose message is incomplete; other peers wait until the message ends. */
	struct peer *message_sender;
	struct peer *last_read_peer; /* the peer from which data was read last */
	/* The sender of a message was closed before the end of the message, which an empty
	   transfer must still end. */
	bool sender_closed_inside_message;
	struct ffsctl_transfer **transfers_of_one_packet; /* array */

	/* The following members are for data from the host. The queue holds the received transfers
	   whose data was not written yet. */
	struct ffsctl_transfer **out_queue; /* a ring of host->transfers_per_endpoint elements */
	unsigned int queue_first_index, n_queued_transfers;
	/* FRAMING_NONE: number of bytes of the queue's first transfer that were written to a peer
	   before the bridge had no peer left. The next peer continues there. */
	size_t queue_head_resume_offset;
	/* The queue's first transfer is not the first of its message. */
	bool queue_head_continues_message;
	bool dropping_too_long_message; /* drop the rest of a message that was too long */

	/* The following members are for opening a peer again. */
	struct ffsctl_timer retry_timer;
	uint32_t retry_delay_ms, first_retry_delay_ms, max_retry_delay_ms;
	/* Time of the last bridge_note_peer_opened(); 0: the peer is being opened again. */
	uint64_t opened_at_ms;
	int last_logged_error; /* negative errno; 0: none */
	const char *peer_name; /* name of the peer in messages */

	/* The following members are each for only some types of peers. */
	struct socket_address socket_address;
	struct ffsctl_watch listen_watch;  /* of the listening socket; fd -1: none */
	struct ffsctl_watch connect_watch; /* reports the end of connect() or of the name look-up */
	int child_pid; /* process id of the command or of the name look-up; 0: none */
	struct ffsctl_watch command_end_watch; /* reports that the command has ended: its pidfd */
	char **command_argv;
	/* Inode number and device of the socket file; inode 0: there is no file. */
	uint64_t socket_file_inode, socket_file_device;
	bool stopping; /* stop() was called */

	struct bridge_statistics statistics;
	struct bridge_statistics reported_statistics; /* values of the last STATS message */
	struct ffsctl_timer stats_timer;
};

/* --- bridge.c --- */
/* Logs why the plugin cannot start. Returns -EINVAL. */
int bridge_fail_start(struct bridge *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- peer.c --- */
/* Sets the callbacks of the timers; starts none. */
void bridge_set_timer_callbacks(struct bridge *b);
/* Moves all data that can be moved, removes closed peers, and watches for the next events. */
void bridge_move_data_and_watch(struct bridge *b);
/* Adds a peer. `read_fd` and `write_fd` are file descriptors, which the peer owns from now on; -1
   if the bridge does not read from the peer or does not write to it. */
void bridge_add_peer(struct bridge *b, int read_fd, int write_fd);
/* These functions close the reader or the writer of a peer. They also close the other one of the
   two if the bridge cannot use it any more. */
void bridge_close_reader(struct bridge *b, struct peer *p);
void bridge_close_writer(struct bridge *b, struct peer *p);
/* Watches the file descriptor for `events` and for errors. If `events` is -1, the file
   descriptor is not watched any more, not even for errors. */
void bridge_set_watch(struct bridge *b, struct ffsctl_watch *w, int events);
/* Stops watching the file descriptor and closes it. */
void bridge_close_watch(struct bridge *b, struct ffsctl_watch *w);
/* Stores when the peer was opened. The code of a type of peers calls this function after it has
   opened and added the peer. `name` is the name of the peer in messages. */
void bridge_note_peer_opened(struct bridge *b, const char *name);
/* The code of a type of peers calls this function if the peer cannot be opened. `error` is a
   negative errno. The formatted text is logged unless `error` is the error that was logged last.
   open() is called again later. */
void bridge_open_failed(struct bridge *b, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* --- in.c: from peers to the host --- */
/* Moves all data that can be moved. */
void in_move_data(struct bridge *b);
/* Drops the messages that were begun in the previous session. */
void in_drop_unfinished_messages(struct bridge *b);
/* These two functions are called after an event: an IN transfer has ended, the reader of a peer was
   closed. */
void in_transfer_done(struct bridge *b, struct ffsctl_transfer *t);
void in_reader_closed(struct bridge *b, struct peer *p);

/* --- out.c: from the host to peers --- */
/* Moves all data that can be moved. */
void out_move_data(struct bridge *b);
/* Drops a message whose end was lost when the previous session ended. */
void out_drop_unfinished_message(struct bridge *b);
/* These three functions are called after an event: an OUT transfer has ended, the writer of a peer
   was added or closed. */
void out_transfer_done(struct bridge *b, struct ffsctl_transfer *t);
void out_writer_added(struct bridge *b, struct peer *p);
void out_writer_closed(struct bridge *b, struct peer *p);

/* --- address.c: b->socket_address --- */
/* Parses `text` and stores the address. On failure logs the reason and returns -EINVAL. */
int address_parse(struct bridge *b, const char *text);
/* Looks up the host name, if the address has one, and waits for the result. On failure logs the
   reason and returns a negative errno. */
int address_look_up_and_wait(struct bridge *b);
/* Starts a child process that looks up the host name, because a name server may answer late.
   b->connect_watch becomes readable when the child process has ended. Returns 0 or a negative
   errno. */
int address_start_look_up(struct bridge *b);
/* Stores the addresses that the child process has found. Returns 0 or an error of
   getaddrinfo(3). */
int address_read_look_up_result(struct bridge *b);

/* --- socket.c --- */
/* Returns whether the bridge can accept one more client. */
bool can_accept_client(const struct bridge *b);

/* --- command.c --- */
/* Forks a child process. It has the default signal handling, and the kernel kills it when this
   process ends. Returns as fork(2) does. */
int bridge_fork_child(void);
