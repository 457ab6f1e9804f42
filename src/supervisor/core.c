/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that the other files of supervisor/ use. */
#include "config.h"

#include <syslog.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "supervisor/supervisor.h"

void supervisor_say_line(struct supervisor *s, const char *label, int priority, const char *text)
{
	_cleanup_free_ char *line = strf("%s%s%s", label ? label : "", label ? ": " : "", text);

	if (s->live.foreground)
		log_about(s->name, label, priority, "%s: %s", s->name, line);
	else
		output_event(&s->output, line);
}

void supervisor_changed(struct supervisor *s)
{
	s->changed = true;
}

void supervisor_go_down(struct supervisor *s, struct error *why)
{
	_cleanup_error_ struct error ignored = { 0 };

	if (why && !s->failure.exit)
		error_move(&s->failure, why);
	else if (why)
		error_clear(why);
	/* Updates the status, so that an `up` which starts now does not wait for this gadget. */
	if (gadget_handle(s, GADGET_EV_DOWN))
		rundir_set_owner(&s->rundir, OWNER_STOPPING, &ignored);
	s->changed = true;
}

enum gadgetfile_trust supervisor_trust(const struct supervisor *s)
{
	return s->live.foreground ? GADGETFILE_TRUST_ROOT : GADGETFILE_TRUST_UNWRITABLE;
}

enum trust supervisor_program_trust(const struct supervisor *s, const char *dir)
{
	bool only_root = supervisor_trust(s) == GADGETFILE_TRUST_ROOT ||
			 (s->dirs && gadgetfile_is_among(s->dirs, dir));

	return only_root ? TRUST_ROOT : TRUST_OWNER;
}

int supervisor_write_record(struct supervisor *s, struct error *err)
{
	return record_write(&s->rundir, &s->record, &s->plan, err);
}
