// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes generated gadget files (gadget_files.h), for tests that need files.
 *
 *   write_gadget_files [--seed S] [--types TYPE,TYPE...] FIRST LAST DIRECTORY
 *
 * Writes the files FIRST to LAST as DIRECTORY/N/gen.conf, or gen.scheme, with their drop-ins. Paths
 * in them are relative to DIRECTORY/N. Prints the paths of the files. With --types, the files have
 * functions of these types, and only settings that change what a host sees.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "gadget_files.h"
#include "gadgetfile/gadgetfile.h"

static bool write_text(const char *path, const char *text)
{
	FILE *to = fopen(path, "we");

	if (!to || fputs(text, to) < 0) {
		perror(path);
		return false;
	}
	return fclose(to) == 0;
}

static bool write_file(uint64_t seed, uint64_t number, const struct function_type *const *types,
		       const char *directory)
{
	_cleanup_free_ char *dir = strf("%s/%llu", directory, (unsigned long long)number);
	_cleanup_free_ char *conf = strf("%s/gen.conf", dir), *scheme = strf("%s/gen.scheme", dir),
			    *drop_ins = strf("%s/gen.conf.d", dir);
	uint8_t data[GADGET_FILE_BYTES];
	struct choices choices = { data, sizeof(data) };
	struct gadget_file file;
	bool ok = true;

	gadget_file_bytes(seed, number, data);
	if (types ? gadget_file_make_for_hosts(&file, &choices, conf, types)
		  : gadget_file_make(&file, &choices, conf)) {
		const char *path = file.is_scheme ? scheme : conf;

		mkdir(dir, 0755);
		ok = write_text(path, file.text[0]);
		if (file.n_texts > 1)
			mkdir(drop_ins, 0755);
		for (size_t i = 1; ok && i < file.n_texts; i++) {
			_cleanup_free_ char *drop_in = strf("%s/%zu.conf", drop_ins, i);

			ok = write_text(drop_in, file.text[i]);
		}
		puts(path);
	}
	gadget_file_free(&file);
	return ok;
}

/* Sets `types`, which ends with NULL, to the types in a list. */
static bool find_types(char *list, const struct function_type *types[GADGET_FILE_MAX_FUNCTIONS + 1])
{
	size_t n = 0;

	for (const char *name; (name = strsep(&list, ","));) {
		if (n == GADGET_FILE_MAX_FUNCTIONS || !(types[n++] = function_type_find(name))) {
			fprintf(stderr, "unknown type '%s', or too many\n", name);
			return false;
		}
	}
	types[n] = NULL;
	return true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "seed", required_argument, NULL, 's' },
						 { "types", required_argument, NULL, 't' },
						 { 0 } };
	const struct function_type *types[GADGET_FILE_MAX_FUNCTIONS + 1];
	bool has_types = false;
	uint64_t seed = 1;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c != 's' && (c != 't' || !find_types(optarg, types)))
			return 64;
		if (c == 's')
			seed = strtoull(optarg, NULL, 10);
		has_types |= c == 't';
	}
	if (argc - optind != 3) {
		fprintf(stderr, "usage: %s [--seed S] [--types TYPE,...] FIRST LAST DIRECTORY\n",
			argv[0]);
		return 64;
	}
	for (uint64_t n = strtoull(argv[optind], NULL, 10),
		      last = strtoull(argv[optind + 1], NULL, 10);
	     n <= last; n++)
		if (!write_file(seed, n, has_types ? types : NULL, argv[optind + 2]))
			return 1;
	return 0;
}
