/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>
#include <string.h>

G_BEGIN_DECLS

/* Looking at eight bytes at a time. What comes from clients is looked at byte for byte otherwise, and that is what much of the
 * time of a short request goes into. */

#define KV_EACH_BYTE(byte) (G_GUINT64_CONSTANT (0x0101010101010101) * (byte))

/**
 * kv_bytes_may_hold_control:
 *
 * Any thread.
 *
 * Returns: whether one of the eight bytes may be a control character, U+007F included; never wrong when it says no
 */
static inline gboolean
kv_bytes_may_hold_control (guint64 word)
{
  guint64 against_delete = word ^ KV_EACH_BYTE (0x7f);
  guint64 below_space = (word - KV_EACH_BYTE (0x20)) & ~word;
  guint64 is_delete = (against_delete - KV_EACH_BYTE (1)) & ~against_delete;

  return ((below_space | is_delete) & KV_EACH_BYTE (0x80)) != 0;
}

/**
 * kv_bytes_are_ascii:
 *
 * Any thread.
 *
 * Returns: whether none of the eight bytes has its high bit set
 */
static inline gboolean
kv_bytes_are_ascii (guint64 word)
{
  return (word & KV_EACH_BYTE (0x80)) == 0;
}

/**
 * kv_bytes_are_plain:
 *
 * Any thread.
 *
 * Returns: whether each of the eight bytes is ASCII and no control character
 */
static inline gboolean
kv_bytes_are_plain (guint64 word)
{
  return kv_bytes_are_ascii (word) && !kv_bytes_may_hold_control (word);
}

/**
 * kv_bytes_load_tail:
 * @length: up to seven
 *
 * Reads nothing beyond them. Any thread.
 *
 * Returns: the bytes as a little-endian number
 */
static inline guint64
kv_bytes_load_tail (const char *bytes, gsize length)
{
  guint32 low, high;
  guint16 two;

  if (length >= 4)
    {
      /* Two halves that overlap in the middle, where they agree. */
      memcpy (&low, bytes, 4);
      memcpy (&high, bytes + length - 4, 4);
      return GUINT32_FROM_LE (low) | (guint64) GUINT32_FROM_LE (high) << (8 * (length - 4));
    }
  if (length >= 2)
    {
      memcpy (&two, bytes, 2);
      return GUINT16_FROM_LE (two) | (guint64) (guchar) bytes[length - 1] << (8 * (length - 1));
    }
  return length == 1 ? (guchar) bytes[0] : 0;
}

G_END_DECLS
