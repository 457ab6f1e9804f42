/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Endpoint I/O for one FunctionFS function. An engine (engines.h lists them) allocates the buffers
 * of the transfers. Several transfers are in flight on each endpoint and complete in order. A
 * stream can be used again after the host has disabled and enabled the function.
 *
 * All engines share stream.c, sessions.c and transfers.c, which handle queues, order, the ends of
 * messages, changes of the link state, and memory shortage in the kernel. The file of an engine
 * only moves single requests.
 *
 * Only one thread may use a stream. The owner of the stream watches the file descriptor
 * stream_completion_fd() with EPOLLET, calls stream_handle_completions() when it is readable, and
 * calls stream_submit_queued_requests() before it waits for events.
 *
 * The link is "up" while the function is enabled by the host. A session is the time from the event
 * ENABLE to the next DISABLE. A transfer is outstanding from stream_submit_transfer() until
 * transfer_done() is called.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ffsctl/plugin.h"
#include "stream/engines.h"

struct stream;
struct stream_endpoint;
struct stream_transfer;

/* Size of stream_request.engine_data, in bytes: enough for a struct iocb. */
#define STREAM_REQUEST_PRIVATE 64

/* One request to the kernel: the data of a transfer, a part of this data, or the ZLP after it. */
struct stream_request {
	struct stream_transfer *transfer;
	struct stream_endpoint *ep;
	void *data;
	size_t length;
	bool no_cpu_access; /* FFSCTL_NO_CPU_ACCESS of the transfer */
	bool in_flight;
	_Alignas(8) unsigned char engine_data[STREAM_REQUEST_PRIVATE]; /* private to the engine */
};

/* A row of the table of messages for failures of open(): "cannot ACTION: REASON", and a hint. */
struct stream_open_failure {
	int errno_value; /* positive errno of open(); 0, in the last row: every other errno */
	const char *failed_action; /* ACTION in "cannot ACTION" */
	const char *hint;	   /* what the user can do; NULL: no hint */
};

struct stream_engine {
	const char *name;	   /* name of the engine in engines.h */
	bool skipped_by_auto;	   /* io.engine = "auto" does not try this engine */
	bool page_aligned_buffers; /* each buffer begins at a page boundary */
	const struct stream_open_failure *open_failures;
	/* Opens the engine and sets stream->completion_fd. `requests`: the largest number of
	   requests in flight. Returns 0 or a negative errno: -ENODEV if this kernel or machine
	   lacks a feature that the engine needs. */
	int (*open)(struct stream *s, unsigned int requests);
	void (*close)(struct stream *s);
	/* Returns page-aligned memory filled with zeros for all buffers of an endpoint, which the
	   caller frees with free_buffers(). Returns NULL and sets errno on failure. */
	void *(*alloc_buffers)(struct stream *s, struct stream_endpoint *ep, size_t length);
	void (*free_buffers)(struct stream *s, struct stream_endpoint *ep, void *data,
			     size_t length);
	/* Passes the first requests of the array to the kernel. Returns the number of requests that
	   the kernel accepted, or a negative errno if it refused the first one. */
	int (*submit)(struct stream *s, struct stream_request **requests, unsigned int n);
	/* Asks the kernel to cancel the request. The engine still calls stream_complete_request()
	   for this request. */
	void (*cancel)(struct stream *s, struct stream_request *r);
	/* Returns whether the host has enabled the endpoint. The caller uses the result after
	   submit() has returned -EAGAIN: if the endpoint is disabled, the link is down; if it is
	   enabled, the endpoint is busy, or the UDC is suspended. */
	bool (*endpoint_is_enabled)(struct stream *s, struct stream_endpoint *ep);
	/* Returns whether the controller supports scatterlists; false if this is unknown. The
	   caller calls it at the beginning of each session, because the gadget may be bound to
	   another controller between two sessions. */
	bool (*has_scatterlists)(struct stream *s);
	/*
	 * Accepts the current session and returns its number. When this session is over, all
	 * requests of the function end with -ESHUTDOWN, until the next session is accepted. Returns
	 * -EAGAIN if there is no session, -ENOTTY if the kernel does not number sessions.
	 */
	int (*accept_session)(struct stream *s);
	/* Returns true if reap_completions() would find a completion. Makes no system call, and so
	   may return false although there is a completion. */
	bool (*has_completions)(struct stream *s);
	/* Calls stream_complete_request() for every completion; never waits. */
	void (*reap_completions)(struct stream *s);
};

/*
 * Declares the engines of engines.h: stream_engine_copy and so on. open() of the mmap engine
 * returns -ENODEV if the kernel's FunctionFS has no mmap(). open() of the dmabuf engine returns
 * -ENODEV if dmabuf_device_fd is -1.
 */
#define STREAM_DECLARE(NAME, name, needs, description)                                             \
	extern const struct stream_engine stream_engine_##name;
STREAM_ENGINES(STREAM_DECLARE)
#undef STREAM_DECLARE

struct stream_callbacks {
	/* Reports that the link is up and that no transfer of an earlier session is outstanding. */
	void (*link_up)(void *callback_data);
	/* Reports that the link is down. Outstanding transfers end with -ESHUTDOWN. */
	void (*link_down)(void *callback_data);
	/* Passes a transfer that has ended to the owner of the stream. */
	void (*transfer_done)(void *callback_data, struct ffsctl_transfer *t);
	/* Logs a line without a newline. */
	void (*log)(void *callback_data, const char *text);
};

struct stream_endpoint {
	struct ffsctl_endpoint public;
	int fd;		/* endpoint file; the caller of stream_open() closes it */
	uint32_t index; /* in stream.eps */
	uint32_t packet_size[FFSCTL_SPEED_SUPER_PLUS +
			     1]; /* wMaxPacketSize for each enum ffsctl_speed, in bytes */

	/* Only the files in src/stream/ use the members below. */
	/* Bytes; reduced when the kernel lacks memory, or its driver takes no longer ones. */
	size_t max_request_length;
	/* Bytes, of those that have completed in this session; 0: none yet. */
	size_t longest_request_taken;
	/* number of requests that the kernel refused in a row */
	unsigned int n_consecutive_refusals;
	/* array, allocated by the first stream_get_free_transfer() */
	struct stream_transfer *transfers;
	struct stream_transfer *free_transfers; /* list of the transfers that the owner of the
						   stream can get */
	void *buffers;				/* memory of the buffers of all transfers */
	void *engine_data;			/* private to the engine */
	bool kernel_copies_buffers; /* set by alloc_buffers(): the kernel copies the data of
				       `buffers` */
	bool fell_back_to_copy; /* set by an engine that cannot avoid the copies of this endpoint */
	struct stream_transfer
		*outstanding_transfers; /* list of the outstanding transfers, in order */
	/* where the next transfer must be appended: the `next` of the last one, or
	   `outstanding_transfers` */
	struct stream_transfer **outstanding_transfers_tail;
	bool may_have_requests_to_submit; /* requests of outstanding transfers */
	/* an IN endpoint of which the host has cleared a halt: no request is submitted until none
	   is in flight, so that those which were given back are submitted again in their order */
	bool is_repeating;
	bool saw_eshutdown; /* a request ended with ESHUTDOWN after the link went down */
	bool awaits_resume; /* the UDC has refused a request while the host has suspended it: none
			       is submitted before the host resumes it */
};

struct stream_config {
	const struct stream_engine *engine;
	const struct stream_callbacks *callbacks;
	void *callback_data; /* first argument of each callback */
	enum ffsctl_framing framing;
	size_t buffer_size; /* bytes of the buffer of one transfer */
	unsigned int transfers_per_endpoint;
	size_t out_transfer_length;    /* bytes of each OUT request; 0: the size of the buffer */
	unsigned int missing_features; /* bits of enum stream_needed_feature; an engine that needs
					  one of these features is not tried */
	int dmabuf_device_fd; /* /dev/udmabuf or a DMA heap, which the caller closes; -1: none */
	bool dmabuf_device_is_heap; /* the device is a DMA heap */
};

/* The endpoint I/O of one FunctionFS function. */
struct stream {
	struct stream_config config;
	struct stream_endpoint *eps;
	unsigned int n_eps;
	size_t buffer_stride; /* distance between the buffers of an endpoint, in bytes */
	int completion_fd; /* readable when there are completions; the engine opens and closes it */
	void *engine_data; /* private to the engine */

	int session_number; /* number that the kernel gives to the current session; 0: the kernel
			       does not number sessions */
	enum ffsctl_speed speed; /* argument of the last call of stream_link_up() */
	/* Length in bytes of the longest request that goes right with the driver of the UDC; 0: no
	   limit is known. The owner sets it before stream_link_up(). */
	size_t max_transfer;
	bool link_is_up;
	bool is_suspended;     /* by the host; some drivers of UDCs (dwc2) take no requests then */
	bool has_scatterlists; /* result of the engine's has_scatterlists() in this session */
	bool session_is_pending;      /* the host has enabled the function, but a transfer of an
					 earlier session is still outstanding */
	bool inside_stream_link_down; /* stream_link_down() is running */
	bool is_submitting_batch;     /* stream_submit_queued_requests() is running and uses
					 `request_batch` */
	/* a request of an earlier session was submitted again in this session */
	bool resubmitted_request_of_earlier_session;
	uint64_t n_link_ups; /* number of calls of stream_link_up() */
	unsigned int n_requests_in_flight;
	unsigned int n_outstanding_transfers; /* number of outstanding transfers */
	/* the requests that stream_submit_queued_requests() submits together */
	struct stream_request **request_batch;
};

/*
 * Opens a stream with the engine of `config`, and tries no other one. The caller fills in `public`,
 * `fd` and `packet_size` of each element of `eps`, and keeps this array until stream_close().
 * Returns 0, or the negative errno of the engine's open().
 */
int stream_open(struct stream *s, const struct stream_config *config, struct stream_endpoint *eps,
		unsigned int n_eps);
/*
 * Opens a stream with the engine `name`. The name "auto" tries the engines from the fastest to the
 * slowest until one of them can be opened. Stores in config->engine the engine that was tried last.
 * Returns -EINVAL and stores nothing if no engine has that name.
 */
int stream_choose_engine_and_open(struct stream *s, struct stream_config *config, const char *name,
				  struct stream_endpoint *eps, unsigned int n_eps);
void stream_close(struct stream *s);

/* Returns a file descriptor that is readable when there are completions. */
static inline int stream_completion_fd(const struct stream *s)
{
	return s->completion_fd;
}

/*
 * The owner of the stream calls this function when the host has enabled the function. The link may
 * be up already, because the kernel drops a pending DISABLE when ENABLE follows. Returns 0, or
 * -EINVAL if an endpoint has no packet size for that speed.
 */
int stream_link_up(struct stream *s, enum ffsctl_speed speed);
/* The owner of the stream calls this function when the host has disabled the function or has
   disconnected. */
void stream_link_down(struct stream *s);
/* The owner of the stream calls this function when the host has suspended the function (true) or
   has resumed it (false). */
void stream_set_suspended(struct stream *s, bool is_suspended);

/* The next four functions do what get_transfer(), release_transfer(), submit() and cancel() of
 * struct ffsctl_calls do. */
struct ffsctl_transfer *stream_get_free_transfer(struct stream *s, uint32_t endpoint);
void stream_release_transfer(struct stream *s, struct ffsctl_transfer *t);
int stream_submit_transfer(struct stream *s, uint32_t endpoint, struct ffsctl_transfer *t);
void stream_cancel_transfers(struct stream *s, uint32_t endpoint);

/* Returns the method that moves the data: "copy" if the engine fell back to copies on all
   endpoints, "mixed" if it fell back on some endpoints, else the name of the engine. */
const char *stream_engine_in_use(const struct stream *s);

/* Submits the requests of submitted transfers to the kernel. Returns true if the caller must call
   it again before it waits for events. */
bool stream_submit_queued_requests(struct stream *s);
/* Returns true if stream_handle_completions() would find a completion. Makes no system call. */
bool stream_has_completions(struct stream *s);
/* Calls transfer_done() for every transfer that has ended. */
void stream_handle_completions(struct stream *s);

/* The engine calls this function when a request has ended. `result`: number of bytes moved, or a
   negative errno. */
void stream_complete_request(struct stream *s, struct stream_request *r, long result);
