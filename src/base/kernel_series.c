/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/kernel_series.h"

#include <stdio.h>
#include <sys/utsname.h>

#include "base/util.h"

#define WORD(constant, major, minor) [constant] = #major "." #minor,
const char *const kernel_series_words[KERNEL_SERIES_COUNT] = { KERNEL_SERIES(WORD) };

#define NUMBERS(constant, major, minor) [constant] = { major, minor },
static const struct version {
	unsigned int major, minor;
} versions[KERNEL_SERIES_COUNT] = { KERNEL_SERIES(NUMBERS) };

static bool is_at_least(const struct version *version, const struct version *other)
{
	return version->major > other->major ||
	       (version->major == other->major && version->minor >= other->minor);
}

bool kernel_series_find(unsigned int major, unsigned int minor, enum kernel_series *series)
{
	for (*series = 0; *series < KERNEL_SERIES_COUNT; ++*series)
		if (versions[*series].major == major && versions[*series].minor == minor)
			return true;
	return false;
}

bool kernel_series_of_release(const char *release, enum kernel_series *series)
{
	struct version version;

	if (sscanf(release, "%u.%u", &version.major, &version.minor) != 2)
		return false;
	*series = KERNEL_SERIES_COUNT - 1;
	while (*series > 0 && !is_at_least(&version, &versions[*series]))
		--*series;
	return true;
}

bool kernel_series_has_release(enum kernel_series series, const char *release)
{
	const char *rest = str_after(release, kernel_series_words[series]);

	return rest && (*rest < '0' || *rest > '9');
}

enum kernel_series kernel_series_running(void)
{
	enum kernel_series series = KERNEL_SERIES_COUNT - 1;
	struct utsname system;

	if (uname(&system) == 0)
		kernel_series_of_release(system.release, &series);
	return series;
}
