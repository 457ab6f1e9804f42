/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a host has configured the gadget. FunctionFS tells of its own functions (ENABLE,
 * DISABLE), exactly; where a configuration has none the UDC's `state` in sysfs must do.
 */
#pragma once

#include <stdbool.h>

struct supervisor;

/*
 * Before each bind to the UDC: from now on changes of its state count, and none of before. Without
 * effect where FunctionFS tells all. A state that cannot be read costs knowing of the host.
 */
void host_watch(struct supervisor *s, const char *udc);
/* The same where a supervisor has died: `configured` is what it knew. */
void host_take_over(struct supervisor *s, const char *udc, bool configured);
/*
 * The gadget has left the bus, and may be on it again. The events that say so come later, and
 * whoever asks meanwhile must not be told of the old host.
 */
void host_left(struct supervisor *s);
/* Off the bus, and nothing is watched. */
void host_forget(struct supervisor *s);
bool host_is_there(const struct supervisor *s);
