/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-clock.h"

#include <time.h>

gint64
kv_clock_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_BOOTTIME, &now);
  return (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

gint64
kv_clock_deadline_after (gint64 microseconds)
{
  gint64 now = kv_clock_now ();

  if (microseconds <= 0)
    return now;
  if (microseconds >= KV_NO_DEADLINE - now)
    return KV_NO_DEADLINE;
  return now + microseconds;
}

gint64
kv_clock_to_wall (gint64 deadline)
{
  gint64 now = kv_clock_now (), wall = g_get_real_time ();

  /* The wall clock is ahead of the time since the machine started: the sum could leave the range. */
  return deadline - now <= G_MAXINT64 - wall ? wall + (deadline - now) : G_MAXINT64;
}
