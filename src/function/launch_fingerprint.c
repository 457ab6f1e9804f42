/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The `value` of the steps of a worker, from which a reload finds out whether to restart it: what
 * it is started with, and the files with its code, which may have changed since the start of its
 * process.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "function/function.h"
#include "function/launch.h"

/* Adds what differs if another file is at this path, or if the file was written. */
static uint64_t digest_add_file(uint64_t digest, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return digest;
	digest = digest_add(digest, &st.st_dev, sizeof(st.st_dev));
	digest = digest_add(digest, &st.st_ino, sizeof(st.st_ino));
	digest = digest_add(digest, &st.st_mtim.tv_sec, sizeof(st.st_mtim.tv_sec));
	digest = digest_add(digest, &st.st_mtim.tv_nsec, sizeof(st.st_mtim.tv_nsec));
	return digest_add(digest, &st.st_size, sizeof(st.st_size));
}

/* Returns whether the program runs the script that its first argument without a hyphen names. */
static bool runs_script(const char *program)
{
	static const char *const interpreters[] = { "ash",   "bash",   "dash",	  "env",
						    "ksh",   "lua",    "node",	  "perl",
						    "php",   "python", "ruby",	  "sh",
						    "tclsh", "zsh",    "busybox", "micropython" };
	const char *name = path_last_component(program);

	for (size_t i = 0; i < ARRAY_SIZE(interpreters); i++) {
		const char *version = str_after(name, interpreters[i]);

		/* "python3.11", "lua5.4" */
		if (version && version[strspn(version, "0123456789.")] == '\0')
			return true;
	}
	return false;
}

/*
 * Returns the path of the script that an interpreter runs; NULL: none. Other arguments can be files
 * that the worker writes, so they do not count. The caller frees the path.
 */
static char *script_path(const struct spawn_settings *s)
{
	size_t i = 1;

	if (!s->argv[0] || !runs_script(s->program_path))
		return NULL;
	while (s->argv[i] && (*s->argv[i] == '-' || runs_script(s->argv[i])))
		i++;
	if (!s->argv[i])
		return NULL;
	return *s->argv[i] == '/' ? xstrdup(s->argv[i])
				  : strf("%s/%s", s->working_directory, s->argv[i]);
}

/* Returns a digest of the files with the worker's code, as they are now. */
static uint64_t files_digest(const struct live_worker *worker)
{
	const struct spawn_settings *s = &worker->spawn;
	uint64_t digest = digest_add_file(DIGEST_EMPTY, s->program_path);
	_cleanup_free_ char *script = script_path(s);

	if (worker->model->kind == WORKER_PLUGIN)
		return digest_add_file(digest, s->argv[1]);
	return script ? digest_add_file(digest, script) : digest;
}

/* --- the value of start-worker and await-ready: "GADGET FUNCTION DIGEST-FILES DIRECTORY" --- */

char *launch_make_fingerprint(const struct live_function *function)
{
	_cleanup_free_ char *directory = function_mount_or_configfs_path(function);

	return strf("%s %s %016" PRIx64 "-%016" PRIx64 " %s", function->functions->gadget_name,
		    function->model->label, launch_digest(function->worker),
		    files_digest(function->worker), directory);
}

/* Returns the part of the value that follows its first `n` words; "" if nothing follows. */
static const char *skip_words(const char *value, int n)
{
	for (; n > 0; n--) {
		value += strcspn(value, " ");
		value += *value == ' ';
	}
	return value;
}

/* Returns the length of "GADGET FUNCTION DIGEST". */
static size_t length_without_files(const char *value)
{
	const char *digest = skip_words(value, 2);

	return (size_t)(digest - value) + strcspn(digest, "- ");
}

bool function_steps_differ_only_in_files(const struct step *a, const struct step *b)
{
	const char *ours = a->value ? a->value : "", *theirs = b->value ? b->value : "";
	size_t length = length_without_files(ours);

	return length == length_without_files(theirs) && strncmp(ours, theirs, length) == 0 &&
	       streq(skip_words(ours, 3), skip_words(theirs, 3));
}

void worker_update_launch_fingerprint(struct live_worker *worker)
{
	const struct functions *all = worker->function->functions;
	_cleanup_free_ char *old = worker->launch_fingerprint;

	worker->launch_fingerprint = strf("%.*s-%016" PRIx64 " %s", (int)length_without_files(old),
					  old, files_digest(worker), skip_words(old, 3));
	if (!streq(old, worker->launch_fingerprint))
		all->callbacks->launch_fingerprint_changed(all->callback_data, old,
							   worker->launch_fingerprint);
}

const char *function_directory_of_worker_step(const struct step *step)
{
	return skip_words(step->value ? step->value : "", 3);
}

bool function_steps_name_same_worker(const struct step *a, const struct step *b)
{
	const char *ours = a->value ? a->value : "", *theirs = b->value ? b->value : "";
	size_t names = (size_t)(skip_words(ours, 2) - ours);

	return strncmp(ours, theirs, names) == 0 &&
	       streq(function_directory_of_worker_step(a), function_directory_of_worker_step(b));
}
