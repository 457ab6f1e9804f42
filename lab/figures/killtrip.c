/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measures the time from a worker's SIGKILL to the next correct round trip, on the host.
 *
 *   killtrip KILLS STATUS_FILE   (RUN/NAME/status of a loopback gadget 1d6b:0104)
 *
 * Between two kills it measures T, the time of /bin/true. Prints `T NANOSECONDS` and `trip
 * NANOSECONDS`, and fails if the device disconnects or an echo is wrong.
 */
#include <errno.h>
#include <jansson.h>
#include <libusb.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE 512 /* bytes; a short packet at SuperSpeed, which ends the message */
#define TIMEOUT_MS 1000

struct link {
	libusb_device_handle *handle;
	uint8_t in, out;
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "killtrip: %s: %s\n", what, why);
	exit(1);
}

/* Runs /bin/true in a small process: a fork of this one would take longer. */
static void time_true(void)
{
	uint64_t start = now();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		die("/bin/true", "failed");
	printf("T %llu\n", (unsigned long long)(now() - start));
	fflush(stdout);
}

/* Forks that small process, before libusb is started; each byte written to the socket starts a run.
 */
static int start_timer(void)
{
	int pair[2];
	char order;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair", strerror(errno));
	if (fork() == 0) {
		close(pair[0]);
		while (read(pair[1], &order, 1) == 1) {
			time_true();
			if (write(pair[1], &order, 1) != 1)
				break;
		}
		_exit(0);
	}
	close(pair[1]);
	return pair[0];
}

static void true_once(int timer)
{
	char order = 1;

	if (write(timer, &order, 1) != 1 || read(timer, &order, 1) != 1)
		die("timer", "it has ended");
}

/* Returns the worker's pid if its state is "ready", else 0. */
static pid_t worker_pid(const char *path)
{
	json_t *status = json_load_file(path, 0, NULL), *worker;
	const char *state;
	pid_t pid;

	worker = json_object_get(json_array_get(json_object_get(status, "functions"), 0), "worker");
	state = json_string_value(json_object_get(worker, "state"));
	pid = state && strcmp(state, "ready") == 0
		      ? (pid_t)json_integer_value(json_object_get(worker, "pid"))
		      : 0;
	json_decref(status);
	return pid;
}

static void find_endpoints(struct link *l)
{
	struct libusb_config_descriptor *config;
	const struct libusb_interface_descriptor *interface;

	if (libusb_get_active_config_descriptor(libusb_get_device(l->handle), &config) < 0)
		die("configuration", "cannot read it");
	interface = config->interface[0].altsetting;
	for (int i = 0; i < interface->bNumEndpoints; i++) {
		uint8_t address = interface->endpoint[i].bEndpointAddress;

		*(address & LIBUSB_ENDPOINT_IN ? &l->in : &l->out) = address;
	}
	libusb_free_config_descriptor(config);
}

/* Tries a round trip; after an error it clears both halts, as a host would. */
static int round_trip(const struct link *l, uint32_t serial)
{
	unsigned char out[MESSAGE], in[MESSAGE * 2];
	int n = 0, r;

	memset(out, (int)serial, sizeof(out));
	memcpy(out, &serial, sizeof(serial));
	r = libusb_bulk_transfer(l->handle, l->out, out, sizeof(out), &n, TIMEOUT_MS);
	/* The echo of an earlier attempt may still arrive. */
	while (r == 0) {
		r = libusb_bulk_transfer(l->handle, l->in, in, sizeof(in), &n, TIMEOUT_MS);
		if (r == 0 && n == MESSAGE && memcmp(in, out, sizeof(out)) == 0)
			return 0;
		if (r == 0 && (n != MESSAGE || memcmp(in, &serial, sizeof(serial)) == 0))
			die("echo", "it is not what was sent");
	}
	if (r == LIBUSB_ERROR_NO_DEVICE)
		die("device", "it has disconnected");
	if (libusb_clear_halt(l->handle, l->in) < 0 || libusb_clear_halt(l->handle, l->out) < 0)
		die("halt", "cannot clear it");
	return -1;
}

int main(int argc, char **argv)
{
	int kills = argc == 3 ? atoi(argv[1]) : 0;
	uint32_t serial = 0;
	struct link l = { 0 };
	int timer = start_timer();
	uint8_t address;

	if (kills <= 0 || libusb_init(NULL) < 0)
		die("usage", "killtrip KILLS STATUS_FILE");
	l.handle = libusb_open_device_with_vid_pid(NULL, 0x1d6b, 0x0104);
	if (!l.handle || libusb_claim_interface(l.handle, 0) < 0)
		die("1d6b:0104", "cannot open it");
	find_endpoints(&l);
	address = libusb_get_device_address(libusb_get_device(l.handle));
	while (round_trip(&l, ++serial) < 0)
		;
	for (int i = 0; i < kills; i++) {
		uint64_t start;
		pid_t pid;

		/* The status file is replaced soon after the worker's READY. */
		while (!(pid = worker_pid(argv[2])) || kill(pid, 0) < 0)
			sched_yield();
		true_once(timer);
		start = now();
		if (kill(pid, SIGKILL) < 0)
			die("kill", strerror(errno));
		serial++;
		while (round_trip(&l, serial) < 0)
			;
		printf("trip %llu\n", (unsigned long long)(now() - start));
		fflush(stdout);
	}
	if (libusb_get_device_address(libusb_get_device(l.handle)) != address)
		die("device", "it has another address");
	libusb_close(l.handle);
	libusb_exit(NULL);
	return 0;
}
