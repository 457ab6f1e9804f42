/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/features.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "probe/scratch_gadget.h"

int features_probe(const struct paths *paths, struct ffs_features *features, struct error *err)
{
	_cleanup_scratch_gadget_ struct scratch_gadget scratch;
	int r = scratch_gadget_init(&scratch, paths, err);

	if (r == 0)
		r = scratch_gadget_apply(&scratch, err);
	if (r == 0)
		r = ffs_probe(scratch.name, features, err);
	r = scratch_gadget_remove(&scratch, r, err);
	return r < 0 ? error_wrap(err, "probing the kernel's FunctionFS") : 0;
}

/* The bit of enum stream_needed_feature for each feature of FunctionFS that an engine can need. */
static const unsigned int engine_needs[FFS_FEATURE_COUNT] = {
	[FFS_MMAP] = STREAM_NEEDS_MMAP,
	[FFS_DMABUF] = STREAM_NEEDS_DMABUF,
};

/*
 * Returns whether the gadget uses a feature of FunctionFS. If so, sets *at to the first position in
 * the gadget file that uses the feature.
 */
static bool gadget_uses_feature(const struct gadget *gadget, int feature, struct position *at)
{
	for (size_t i = 0; i < gadget->n_functions; i++) {
		const struct function *f = &gadget->functions[i];

		if (f->ffs && ffs_needs_feature(f->ffs, feature, at))
			return true;
		if (f->worker && worker_engine_needs[f->worker->engine] & engine_needs[feature]) {
			*at = f->worker->engine_at;
			return true;
		}
	}
	return false;
}

int features_require_for_gadget(const struct paths *paths, const struct gadget *gadget,
				struct error *err)
{
	struct ffs_features features;
	bool probed = false;

	for (int f = 0; f < FFS_FEATURE_COUNT; f++) {
		const struct ffs_feature *feature = ffs_feature_by_number(f);
		_cleanup_free_ char *since = NULL;
		struct position at;
		int r = 0;

		if (!feature || !gadget_uses_feature(gadget, f, &at))
			continue;
		if (!probed)
			r = features_probe(paths, &features, err);
		if (r < 0)
			return r;
		probed = true;
		if (features.has[f])
			continue;
		error_set(err, EX_UNAVAILABLE, EOPNOTSUPP, NULL,
			  "this kernel's FunctionFS has no '%s' (%s)", feature->name,
			  feature->description);
		since = ffs_feature_kernels(feature);
		error_add_detail(err, "it needs %s", since);
		error_add_hint(err, "see 'ffsctl features'");
		return error_set_position(err, &at);
	}
	return 0;
}
