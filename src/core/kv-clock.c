/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-clock-private.h"

#include <time.h>

/* In microseconds: a good deal less than the millisecond to which deadlines are told. */
#define CLOSE_TOGETHER 100

/* On a machine so busy that this is not enough, a time that is a little off is better than none. */
#define MOST_ATTEMPTS 10

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

/* Whoever is interrupted between the two clocks asks again, or one and the same deadline would be told as two times. */
void
kv_clock_read_both (gint64 *now, gint64 *wall)
{
  gint64 after;

  for (guint i = 0; i < MOST_ATTEMPTS; i++)
    {
      *now = kv_clock_now ();
      *wall = g_get_real_time ();
      after = kv_clock_now ();
      if (after - *now <= CLOSE_TOGETHER)
        return;
    }
}

gint64
kv_clock_to_wall (gint64 deadline)
{
  gint64 now, wall;

  kv_clock_read_both (&now, &wall);
  /* The wall clock is ahead of the time since the machine started: the sum could leave the range. */
  return deadline - now <= G_MAXINT64 - wall ? wall + (deadline - now) : G_MAXINT64;
}
