/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes over a gadget that was up when its supervisor died. Keepers and workers continue for the
 * time of --hold without a supervisor, and the host does not see a disconnect.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct binding;
struct control_server;
struct live_gadget;

/* The component that takes over a gadget, and prepares its keepers for a later takeover. */
struct takeover {
	struct live_gadget *live;
	struct binding *binding;
	struct control_server *control;
	/* --hold: seconds that keepers wait for a takeover after the supervisor died */
	double keeper_takeover_wait_seconds;
	/* the keeper_takeover_wait_seconds last sent to the keepers; 0: they do not wait */
	double keeper_takeover_wait_seconds_sent;
	bool took_over; /* this supervisor took the gadget over */
};

void take_over_init(struct takeover *takeover, struct live_gadget *live, struct binding *binding,
		    struct control_server *control);

/*
 * Takes the gadget over. The caller must have set live->rundir, and live->record except for its
 * plan. Returns 0 if the gadget is up with the same keepers and workers. Returns -ESTALE, and
 * changes nothing, if there is no record to take over or if the recorded plan does not match the
 * gadget file. Then
 * the caller undoes what the dead supervisor left, and brings the gadget up.
 */
int take_over_if_plan_matches_record(struct takeover *takeover);

/*
 * Takes the gadget over without comparing the record with the gadget file, even if this version of
 * ffsctl would make another plan from that file. Returns 0 or -ESTALE as
 * take_over_if_plan_matches_record does.
 */
int take_over_without_comparing_plans(struct takeover *takeover);

/* Returns whether another supervisor could take over now. */
bool take_over_is_possible(const struct takeover *takeover);
/* Sends the keepers how many seconds to wait for another supervisor if this one dies now. */
void take_over_send_wait_seconds_to_keepers(struct takeover *takeover);
