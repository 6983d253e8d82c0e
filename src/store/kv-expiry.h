/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-entry.h"

G_BEGIN_DECLS

/**
 * KvExpiry:
 *
 * Which entry expires next: a heap of the deadlines, and one GSource over a CLOCK_BOOTTIME timerfd (timerfd_create(2))
 * that is armed for the earliest of them. Nothing polls: without a deadline near there is no wake-up. Each entry
 * knows its place in the heap, so that overwriting one takes it out again and leaves nothing behind.
 *
 * The heap is guarded by the store's commit lock; the entries are borrowed from the table.
 */
typedef struct _KvExpiry KvExpiry;

/**
 * KvExpiryFunc:
 *
 * Deadlines have come: take them with kv_expiry_pop_due(). Called in the context, without the commit lock.
 */
typedef void (*KvExpiryFunc) (gpointer user_data);

/**
 * kv_expiry_new:
 * @context: (nullable): where @func is called; %NULL for the default one
 * @notify: (nullable): called with @user_data when @func cannot be called any more, which may be some time after
 *   kv_expiry_free() when another thread runs the context
 *
 * Returns: (transfer full): an empty heap, and its source attached to the context
 */
KvExpiry *
kv_expiry_new (GMainContext *context, KvExpiryFunc func, gpointer user_data, GDestroyNotify notify);

/**
 * kv_expiry_free:
 *
 * Any thread. A call of the function that another thread has begun may still be under way.
 */
void kv_expiry_free (KvExpiry *expiry);

/**
 * kv_expiry_add:
 * @entry: (transfer none): an entry with a deadline, that is about to enter the table
 *
 * Under the commit lock. Arms the timer when this is the earliest.
 */
void kv_expiry_add (KvExpiry *expiry, KvEntry *entry);

/**
 * kv_expiry_remove:
 * @entry: an entry that is leaving the table; one without a deadline is not there, and that is fine
 *
 * Under the commit lock.
 */
void kv_expiry_remove (KvExpiry *expiry, KvEntry *entry);

/**
 * kv_expiry_pop_due:
 * @now: kv_clock_now()
 *
 * Under the commit lock.
 *
 * Returns: (transfer none) (nullable): the entry with the earliest deadline, taken out of the heap, if that has come
 */
KvEntry *kv_expiry_pop_due (KvExpiry *expiry, gint64 now);

/**
 * kv_expiry_count_due:
 * @now: kv_clock_now()
 *
 * Looks at no more of the heap than what is due. Under the commit lock.
 *
 * Returns: how many deadlines in the heap have come
 */
guint kv_expiry_count_due (KvExpiry *expiry, gint64 now);

/**
 * kv_expiry_count_due_below:
 * @prefix: (array length=prefix_length): any bytes
 *
 * As kv_expiry_count_due(), of the keys that begin with @prefix. Under the commit lock.
 *
 * Returns: how many deadlines in the heap have come
 */
guint
kv_expiry_count_due_below (KvExpiry *expiry, gint64 now, const char *prefix, gsize prefix_length);

/**
 * kv_expiry_rearm:
 *
 * Arms the timer for what is the earliest deadline now, however close. Under the commit lock.
 */
void kv_expiry_rearm (KvExpiry *expiry);

/**
 * kv_expiry_get_length:
 *
 * Returns: how many deadlines are in the heap. Under the commit lock.
 */
guint kv_expiry_get_length (KvExpiry *expiry);

G_END_DECLS
