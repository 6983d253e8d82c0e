/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-timestamp.h"

#include "core/kv-clock-private.h"

#include <string.h>

#define USEC_PER_MSEC (G_USEC_PER_SEC / 1000)

/* 9999-12-31T23:59:59.999Z */
#define LAST_TIME G_GINT64_CONSTANT (253402300799999000)

void
kv_timestamp_format (gint64 wall, char text[KV_TIMESTAMP_SIZE])
{
  gint64 told = CLAMP (wall, 0, LAST_TIME) + USEC_PER_MSEC / 2;
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (told / G_USEC_PER_SEC);

  g_snprintf (text, KV_TIMESTAMP_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
              g_date_time_get_year (time), g_date_time_get_month (time),
              g_date_time_get_day_of_month (time), g_date_time_get_hour (time),
              g_date_time_get_minute (time), g_date_time_get_second (time),
              (int) (told % G_USEC_PER_SEC / USEC_PER_MSEC));
}

/* Reads @digits digits, and @end behind them (any byte where that is NUL). */
static gboolean
take_number (const char **at, const char *stop, guint digits, char end, int *number)
{
  *number = 0;
  if ((gsize) (stop - *at) < digits + (end != '\0'))
    return FALSE;
  for (guint i = 0; i < digits; i++)
    {
      int digit = g_ascii_digit_value (*(*at)++);

      if (digit < 0)
        return FALSE;
      *number = *number * 10 + digit;
    }
  return end == '\0' || *(*at)++ == end;
}

static gboolean
take_fraction (const char **at, const char *stop, gint64 *microseconds)
{
  gint64 unit = G_USEC_PER_SEC;
  guint digits = 0;

  *microseconds = 0;
  if (*at == stop || **at != '.')
    return TRUE;
  for (++*at; *at < stop && g_ascii_isdigit (**at); ++*at, digits++)
    {
      unit /= 10;
      *microseconds += g_ascii_digit_value (**at) * unit;
    }
  return digits > 0;
}

/* Takes the offset from UTC in minutes, and there must be nothing behind it. */
static gboolean
take_offset (const char **at, const char *stop, int *minutes)
{
  int hour, minute, sign;

  *minutes = 0;
  if (*at < stop && (**at == 'Z' || **at == 'z'))
    return ++*at == stop;
  if (*at == stop || (**at != '+' && **at != '-'))
    return FALSE;
  sign = *(*at)++ == '-' ? -1 : 1;
  if (!take_number (at, stop, 2, ':', &hour) || !take_number (at, stop, 2, '\0', &minute)
      || hour > 23 || minute > 59)
    return FALSE;
  *minutes = sign * (hour * 60 + minute);
  return *at == stop;
}

gboolean
kv_timestamp_parse (const char *text, gsize length, gint64 *wall)
{
  const char *at = text, *stop = text + length;
  int year, month, day, hour, minute, second, offset;
  gint64 fraction;
  g_autoptr (GDateTime) time = NULL;

  if (!take_number (&at, stop, 4, '-', &year) || !take_number (&at, stop, 2, '-', &month)
      || !take_number (&at, stop, 2, '\0', &day) || at == stop || strchr ("Tt ", *at) == NULL
      || *at++ == '\0' || !take_number (&at, stop, 2, ':', &hour)
      || !take_number (&at, stop, 2, ':', &minute) || !take_number (&at, stop, 2, '\0', &second)
      || !take_fraction (&at, stop, &fraction) || !take_offset (&at, stop, &offset))
    return FALSE;

  /* A leap second is told as the end of the one before: our clocks know none. */
  time = g_date_time_new_utc (year, month, day, hour, minute, MIN (second, 59));
  if (time == NULL || second > 60)
    return FALSE;
  *wall = (g_date_time_to_unix (time) - (gint64) offset * 60) * G_USEC_PER_SEC + fraction;
  return TRUE;
}

gint64
kv_timestamp_to_deadline (gint64 wall)
{
  gint64 now, real, left;

  kv_clock_read_both (&now, &real);
  left = wall - real;
  return left < KV_NO_DEADLINE - now ? now + left : KV_NO_DEADLINE - 1;
}
