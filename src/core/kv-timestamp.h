/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Times of the wall clock as text: RFC 3339, in microseconds since the Unix epoch. Any thread. */

/**
 * KV_TIMESTAMP_SIZE:
 *
 * Bytes of a timestamp that kv_timestamp_format() writes, with the NUL.
 */
#define KV_TIMESTAMP_SIZE sizeof "2026-01-02T03:04:05.678Z"

/**
 * kv_timestamp_format:
 * @wall: microseconds since the epoch, 0 or more
 * @text: (out caller-allocates) (array fixed-size=25): where it goes, NUL-terminated
 *
 * Writes a time in UTC, to the nearest millisecond: deadlines are kept by another clock, and the way there and back would show in
 * the microseconds. What lies past the year 9999 is told as the last time that RFC 3339 can tell.
 */
void kv_timestamp_format (gint64 wall, char text[KV_TIMESTAMP_SIZE]);

/**
 * kv_timestamp_parse:
 * @text: (array length=length): what may be a timestamp
 * @length: its bytes
 * @wall: (out): microseconds since the epoch; of a second's fraction what is finer is cut off
 *
 * Takes what RFC 3339, section 5.6, has, with any offset and any number of digits in a second's fraction.
 *
 * Returns: %FALSE when it is no timestamp
 */
gboolean kv_timestamp_parse (const char *text, gsize length, gint64 *wall);

/**
 * kv_timestamp_to_deadline:
 * @wall: microseconds since the epoch
 *
 * The other way round from kv_clock_to_wall(), by the wall clock as it is set now.
 *
 * Returns: a deadline, not later than the last that is not %KV_NO_DEADLINE
 */
gint64 kv_timestamp_to_deadline (gint64 wall);

G_END_DECLS
