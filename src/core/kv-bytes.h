/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

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

G_END_DECLS
