/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * KV_NO_DEADLINE:
 *
 * The deadline of an entry that never expires. It is later than every clock, so that a comparison suffices.
 */
#define KV_NO_DEADLINE G_MAXINT64

/**
 * kv_clock_now:
 *
 * Microseconds of CLOCK_BOOTTIME, the clock of every deadline: it goes on through suspend ("one hour" means an
 * hour on the wall) and never jumps. Any thread.
 */
gint64 kv_clock_now (void);

/**
 * kv_clock_deadline_after:
 * @microseconds: a time to live; 0 or less expires at once
 *
 * Returns: the deadline that lies @microseconds from now, or %KV_NO_DEADLINE when it is past the clock's range.
 * Any thread.
 */
gint64 kv_clock_deadline_after (gint64 microseconds);

/**
 * kv_clock_to_wall:
 * @deadline: a deadline, not %KV_NO_DEADLINE
 *
 * Returns: @deadline by the wall clock as it is set now, in microseconds since the Unix epoch; at most G_MAXINT64. Any
 * thread.
 */
gint64 kv_clock_to_wall (gint64 deadline);

G_END_DECLS
