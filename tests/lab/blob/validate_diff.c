/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compares ffs_validate_as_kernel() with the kernel: writes generated and mutated blobs to ep0 of
 * its own FunctionFS instance, and fails at the first write with another result than the finding.
 * Then it prints how often each branch of the parser was taken and not taken.
 *
 *   validate_diff -k 6.12-patched [-s SEED] [-f FIRST] [-n COUNT] [-b] [-c] [-d] [-v] [-w]
 *
 *   -s  the seed of the generator (default: $SOAK_SEED, or 1)
 *   -f  the first session's number, -n how many (default: 0, 100000)
 *   -b  also fail if a branch was not seen from both sides
 *   -c  close after each refusal: with a second blob in the same open the kernel leaks the eventfd
 * of the first one, which kmemleak reports -d  dry: validate only, write nothing -v  print a line
 * per write -w  also write blobs that make the kernel print a WARNING
 *
 * Only for the lab: it lowers the kernel's console level, because FunctionFS logs each write.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../fuzz/blobs.h"
#include "../errno_name.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"
#include "blob/uapi.h"
#include "functionfs/mount.h"

#define INSTANCE "validate_diff"
#define GADGET "/sys/kernel/config/usb_gadget/" INSTANCE
#define FUNCTION GADGET "/functions/ffs." INSTANCE
#define MOUNT "/run/" INSTANCE
#define EP0 MOUNT "/ep0"
/* Prints warnings, but not "read descriptors": proc_sys_kernel(5), printk. */
#define CONSOLE_LEVEL "5"
#define DUMP_MAX 2048
/* Sessions per count of the files, which takes as long as a session. */
#define COUNT_FILES_EVERY 16

struct compare {
	struct ffs_validation_options options;
	struct ffs_instance in;
	struct ffs_rule_coverage count[FFS_RULE_COUNT];
	uint64_t seed, first, sessions;
	bool need_branches, close, dry, verbose, dare;

	/* Results */
	uint64_t writes, accepted, first_accepted, whole, left_out, by_standard;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "validate_diff: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* --- the instance --- */

static void make_instance(void)
{
	if (mkdir(GADGET, 0755) < 0 || mkdir(FUNCTION, 0755) < 0)
		die(FUNCTION);
	if (mkdir(MOUNT, 0755) < 0 || mount(INSTANCE, MOUNT, FFS_FILE_SYSTEM, 0, NULL) < 0)
		die(MOUNT);
	if (file_write(AT_FDCWD, "/proc/sys/kernel/printk", CONSOLE_LEVEL, strlen(CONSOLE_LEVEL)) <
	    0)
		die("/proc/sys/kernel/printk");
}

static void remove_instance(void)
{
	if (umount(MOUNT) < 0 || rmdir(MOUNT) < 0 || rmdir(FUNCTION) < 0 || rmdir(GADGET) < 0)
		die("removing " GADGET);
}

/* Moves `fd` to this number. */
static void move_file(int fd, int number)
{
	if (fd < 0 || dup2(fd, number) < 0)
		die("files for the blobs");
	close(fd);
}

/* The files whose numbers are in blobs. */
static void open_files(void)
{
	fd_close_from(3);
	move_file(eventfd(0, 0), BLOBS_EVENTFD);
	move_file(open("/dev/null", O_RDWR), BLOBS_OTHER_FD);
	close(BLOBS_CLOSED_FD);
}

/* No other file of this program is an eventfd. */
static enum ffs_fd_kind fd_kind(int fd)
{
	if (fd == BLOBS_EVENTFD)
		return FFS_FD_EVENTFD;
	return fcntl(fd, F_GETFD) < 0 ? FFS_FD_CLOSED : FFS_FD_OTHER;
}

/* Returns the number of files of an active instance, with ep0 and those for both directions. */
static unsigned int count_files(void)
{
	DIR *d = opendir(MOUNT);
	unsigned int n = 0;

	if (!d)
		die(MOUNT);
	for (const struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static unsigned int expected_files(const struct ffs_instance *in)
{
	return 1U + in->n_endpoints +
	       (in->flags & FUNCTIONFS_RW_PROXY_EPS ? in->n_endpoints / 2U : 0U);
}

/* --- a disagreement --- */

static void dump(const struct blob *b)
{
	for (size_t i = 0; i < b->size && i < DUMP_MAX; i++) {
		if (i % 16 == 0)
			printf("%s  %06zx", i ? "\n" : "", i);
		printf(" %02x", b->data[i]);
	}
	printf("%s%s\n", b->size ? "\n" : "", b->size > DUMP_MAX ? "  ..." : "");
}

static void disagree(const struct compare *c, const struct blobs *b, uint64_t index, size_t write,
		     const char *kernel, const struct ffs_finding *v)
{
	_cleanup_free_ char *text = ffs_finding_text(v);

	printf("DISAGREEMENT: seed %" PRIu64 ", session %" PRIu64 " (%s), write %zu on %s\n"
	       "  the kernel:  %s\n"
	       "  the finding: %s: %s (%s)\n"
	       "  again:       validate_diff -k %s -s %" PRIu64 " -f %" PRIu64 " -n 1 -v\n",
	       c->seed, index, b->what, write, c->options.kernel->name, kernel,
	       v->kernel_error ? errno_name(-v->kernel_error) : "taken", text,
	       ffs_rule_info(v->rule)->name, c->options.kernel->name, c->seed, index);
	for (size_t i = 0; i <= write; i++) {
		printf("  write %zu, %zu bytes:\n", i, b->write[i].size);
		dump(&b->write[i]);
	}
}

/* --- one session --- */

/* Returns the result of write(): 0 or -errno. A short write is a bug. */
static int ask(int ep0, const struct blob *b)
{
	ssize_t n = write(ep0, b->data, b->size);

	if (n >= 0 && (size_t)n != b->size)
		return -EIO;
	return n < 0 ? -errno : 0;
}

static void note(struct compare *c, const struct blobs *b, uint64_t index, size_t write,
		 const struct ffs_finding *v)
{
	_cleanup_free_ char *text = NULL;

	c->writes++;
	c->accepted += v->kernel_error == 0;
	if (!c->verbose)
		return;
	text = ffs_finding_text(v);
	printf("%" PRIu64 ".%zu %s, %zu bytes: %s\n", index, write, b->what, b->write[write].size,
	       text);
}

/* The same write by the standards, only for the count; unit tests check the findings. */
static void validate_by_standard(struct compare *c, struct ffs_instance *in, const struct blob *b,
				 bool *good)
{
	const struct ffs_validation_options options = { .kernel = c->options.kernel,
							.fd_kind = c->options.fd_kind };

	*good = *good && ffs_validate_usb(&options, in, b->data, b->size).rule == FFS_ACCEPTED;
}

/* False: they disagree. */
static bool compare_writes(struct compare *c, const struct blobs *b, uint64_t index, int ep0)
{
	struct ffs_instance by_standard = c->in;
	bool good = true;

	for (size_t i = 0; i < b->n && c->in.state != FFS_ACTIVE; i++) {
		struct ffs_finding v = ffs_validate_as_kernel(&c->options, &c->in, b->write[i].data,
							      b->write[i].size);
		int r;

		if (v.rule == FFS_STRINGS_MEMORY && !c->dare) {
			c->left_out++;
			return true;
		}
		r = c->dry ? v.kernel_error : ask(ep0, &b->write[i]);
		note(c, b, index, i, &v);
		if (r != v.kernel_error) {
			disagree(c, b, index, i, r ? errno_name(-r) : "taken", &v);
			return false;
		}
		if (i == 0)
			c->first_accepted += r == 0;
		validate_by_standard(c, &by_standard, &b->write[i], &good);
		if (r < 0 && (!b->retry || c->close))
			return true;
	}
	c->whole += c->in.state == FFS_ACTIVE;
	c->by_standard += c->in.state == FFS_ACTIVE && good;
	return true;
}

static bool files_agree(const struct compare *c, const struct blobs *b, uint64_t index)
{
	unsigned int got;

	if (c->dry || c->in.state != FFS_ACTIVE || index % COUNT_FILES_EVERY)
		return true;
	got = count_files();
	if (got == expected_files(&c->in))
		return true;
	disagree(c, b, index, b->n - 1, "another number of files",
		 &(struct ffs_finding){ .rule = FFS_ACCEPTED });
	printf("  %u files, not %u\n", got, expected_files(&c->in));
	return false;
}

static bool compare_session(struct compare *c, struct blobs *b, uint64_t index)
{
	int ep0 = c->dry ? -1 : open(EP0, O_RDWR | O_CLOEXEC);
	bool agreed;

	if (ep0 < 0 && !c->dry)
		die(EP0);
	blobs_make(b, c->seed, index);
	agreed = compare_writes(c, b, index, ep0) && files_agree(c, b, index);
	if (ep0 >= 0)
		close(ep0);
	ffs_instance_simulate_close(&c->in);
	return agreed;
}

/* --- the report --- */

/* Returns why a branch need not be seen from both sides, or NULL. */
static const char *excuse(const struct compare *c, enum ffs_rule rule)
{
	if (ffs_rule_info(rule)->why_unreachable)
		return ffs_rule_info(rule)->why_unreachable;
	if (rule == FFS_STRINGS_MEMORY && !c->dare)
		return "not written: the kernel WARNs of the size it asks kmalloc() for";
	return NULL;
}

/* Returns the number of branches that were not seen as required. */
static unsigned int report_branches(const struct compare *c)
{
	unsigned int bad = 0;

	printf("# %-24s %12s %12s  %s\n", "branch", "taken", "not taken", "in f_fs.c");
	for (enum ffs_rule r = FFS_ACCEPTED + 1; r < FFS_RULE_COUNT; r++) {
		const struct ffs_rule_info *info = ffs_rule_info(r);
		const struct ffs_rule_coverage *n = &c->count[r];
		const char *why = excuse(c, r), *mark = "";
		bool both = n->n_true > 0 && n->n_false > 0;

		if (info->kind == FFS_STANDARD || !ffs_rule_exists(c->options.kernel, r))
			continue;
		if (info->why_unreachable && n->n_true > 0)
			mark = " NOT UNREACHABLE";
		else if (!both && !why)
			mark = " ONE SIDE ONLY";
		bad += *mark != 0;
		printf("# %-24s %12" PRIu64 " %12" PRIu64 "  %s%s%s%s%s\n", info->name, n->n_true,
		       n->n_false, info->reference, why ? " (" : "", why ? why : "", why ? ")" : "",
		       mark);
	}
	return bad;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double percent(uint64_t part, uint64_t of)
{
	return of ? 100.0 * (double)part / (double)of : 0;
}

static void report(const struct compare *c, double took)
{
	printf("# %" PRIu64 " sessions, %" PRIu64 " writes in %.1f s: %.0f sessions a second\n",
	       c->sessions, c->writes, took, (double)c->sessions / took);
	printf("# taken: %" PRIu64 " writes (%.1f %%), descriptors of %" PRIu64
	       " sessions (%.1f %%), all of %" PRIu64 " (%.1f %%), by the standards %" PRIu64
	       " (%.1f %%); left out %" PRIu64 "\n",
	       c->accepted, percent(c->accepted, c->writes), c->first_accepted,
	       percent(c->first_accepted, c->sessions), c->whole, percent(c->whole, c->sessions),
	       c->by_standard, percent(c->by_standard, c->sessions), c->left_out);
}

static int compare_all(struct compare *c)
{
	struct blobs b = { 0 };
	double start = seconds();
	unsigned int bad;

	printf("# validate_diff: %s, seed %" PRIu64 ", sessions %" PRIu64 " to %" PRIu64 "\n",
	       c->options.kernel->name, c->seed, c->first, c->first + c->sessions - 1);
	fflush(stdout);
	for (uint64_t i = 0; i < c->sessions; i++)
		if (!compare_session(c, &b, c->first + i))
			return 1;
	report(c, seconds() - start);
	blobs_free(&b);
	bad = report_branches(c);
	printf("# no disagreement; %u branches not seen from both sides\n", bad);
	return bad > 0 && c->need_branches;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (*text && !*end)
		return n;
	fprintf(stderr, "validate_diff: %s is not a number\n", text);
	exit(64);
}

static void parse_options(struct compare *c, int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "k:s:f:n:bcdvw")) >= 0) {
		if (o == 'k')
			c->options.kernel = ffs_kernel_rules_find(optarg);
		else if (o == 's')
			c->seed = number(optarg);
		else if (o == 'f')
			c->first = number(optarg);
		else if (o == 'n')
			c->sessions = number(optarg);
		c->need_branches |= o == 'b';
		c->close |= o == 'c';
		c->dry |= o == 'd';
		c->verbose |= o == 'v';
		c->dare |= o == 'w';
		if (o == '?')
			exit(64);
	}
	if (!c->options.kernel) {
		fprintf(stderr, "validate_diff: -k names a kernel: 6.12-patched, 6.1-stock, ...\n");
		exit(64);
	}
}

int main(int argc, char **argv)
{
	const char *seed = getenv("SOAK_SEED");
	struct compare c = { .options = { .fd_kind = fd_kind },
			     .seed = seed ? number(seed) : 1,
			     .sessions = 100000 };
	int r;

	parse_options(&c, argc, argv);
	c.options.rule_coverage = c.count;
	open_files();
	if (!c.dry)
		make_instance();
	r = compare_all(&c);
	if (!c.dry)
		remove_instance();
	return r;
}
