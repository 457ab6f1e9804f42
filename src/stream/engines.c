/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chooses an engine by its name from the list in engines.h. */
#include "stream/engines.h"

#include <errno.h>
#include <string.h>

#include "stream/stream.h"

#define ENGINE(NAME, name, needs, description) { &stream_engine_##name, needs },

static const struct {
	const struct stream_engine *engine;
	unsigned int needs;
} engines[] = { STREAM_ENGINES(ENGINE) };

int stream_choose_engine_and_open(struct stream *s, struct stream_config *config, const char *name,
				  struct stream_endpoint *eps, unsigned int n_eps)
{
	bool any = strcmp(name, "auto") == 0;
	size_t i = sizeof(engines) / sizeof(engines[0]);
	int r = -EINVAL;

	while (i-- > 0 && r < 0) {
		const struct stream_engine *engine = engines[i].engine;

		if (engines[i].needs & config->missing_features)
			continue;
		if (any ? engine->skipped_by_auto : strcmp(name, engine->name) != 0)
			continue;
		config->engine = engine;
		r = stream_open(s, config, eps, n_eps);
	}
	return r;
}
