/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Counters that one thread at a time writes and any thread reads. To the writer they cost no more than a plain variable: on
 * most processors the loads and stores are the same, and nothing is locked. */

/**
 * kv_counter_raise:
 *
 * For the one thread that counts.
 */
static inline void
kv_counter_raise (guint64 *counter, guint64 by)
{
  __atomic_store_n (counter, __atomic_load_n (counter, __ATOMIC_RELAXED) + by, __ATOMIC_RELAXED);
}

/**
 * kv_counter_read:
 *
 * Any thread.
 */
static inline guint64
kv_counter_read (const guint64 *counter)
{
  return __atomic_load_n (counter, __ATOMIC_RELAXED);
}

G_END_DECLS
