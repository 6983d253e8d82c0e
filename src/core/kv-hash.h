/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * kv_key_hash:
 * @key: (array length=length): the bytes
 * @length: their number
 *
 * SipHash-1-3 (Aumasson and Bernstein) of @key under a secret drawn once when the process starts, folded to 32
 * bits: clients choose the keys, so a hash that they could compute would let them choose the collisions too.
 * Any thread.
 */
guint32 kv_key_hash (const char *key, gsize length);

G_END_DECLS
