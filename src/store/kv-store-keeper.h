/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-store.h"

G_BEGIN_DECLS

/* What a store offers to its keeper: to whoever writes its changes down, so that they outlive the process. The store knows
 * no more of it than the function that wakes it.
 *
 * A keeper fills the store (kv-loading.h), opens it (kv_store_keeper_start()), and then goes round: it takes
 * what has been decided (kv_store_keeper_take()), reads it (kv_store_keeper_collect()), writes it down as one, and says so
 * (kv_store_keeper_settle()). One thread at a time does all of that, whichever it is. */

/**
 * KvDurability:
 * @KV_DURABILITY_STRICT: a change is seen, and the one who made it answered, when it has been written down
 * @KV_DURABILITY_RELAXED: a change is seen and answered at once, and written down soon
 */
typedef enum {
  KV_DURABILITY_STRICT,
  KV_DURABILITY_RELAXED,
} KvDurability;

/**
 * KvKeeperLimits:
 * @many_changes: RELAXED: with more than these not written down, answers are held back until it has caught up
 * @many_bytes: the same for the memory that they hold
 * @most_changes: with more than these not written down, writes are refused
 * @most_bytes: the same for the memory that they hold; one batch may go beyond it
 */
typedef struct {
  guint64 many_changes;
  gsize many_bytes;
  guint64 most_changes;
  gsize most_bytes;
} KvKeeperLimits;

/**
 * KvKeeperWakeFunc:
 * @urgent: whether answers are being held back
 *
 * There is something to write down. Called in the writer's thread, under the commit lock: it may only leave word. Not called again,
 * but for once with @urgent, before the next kv_store_keeper_take().
 */
typedef void (*KvKeeperWakeFunc) (gboolean urgent, gpointer user_data);

/**
 * kv_store_keeper_attach:
 * @limits: copied
 * @wake: called until the store is gone, or refuses writes for good
 *
 * Gives the store a keeper, for good. An empty store, that nobody has written to: writes are refused until
 * kv_store_keeper_start(), and nothing expires.
 */
void kv_store_keeper_attach (KvStore *store,
                             KvDurability durability,
                             const KvKeeperLimits *limits,
                             KvKeeperWakeFunc wake,
                             gpointer user_data);

/**
 * kv_store_keeper_start:
 * @revision: the highest that has been written down; the store goes on above it
 *
 * Opens the store. What has expired since it was written down goes now, as changes.
 */
void kv_store_keeper_start (KvStore *store, guint64 revision);

/**
 * kv_store_keeper_take:
 * @from: (out): the first change that is not settled
 * @to: (out): the end of what has been decided: never amid a revision, and in strict mode never amid a batch
 *
 * Says what is to be written down next.
 *
 * Returns: %FALSE when there is nothing
 */
gboolean kv_store_keeper_take (KvStore *store, guint64 *from, guint64 *to);

/**
 * kv_store_keeper_collect:
 * @from: the first change
 * @to: the end
 * @revision: (out): of the last change
 *
 * Reads what kv_store_keeper_take() said, of several changes of one key only the last.
 *
 * Returns: (transfer full) (element-type KvChange): the changes, in order
 */
GArray *kv_store_keeper_collect (KvStore *store, guint64 from, guint64 to, guint64 *revision);

/**
 * kv_store_keeper_settle:
 * @to: everything before it has been written down
 *
 * Shows in strict mode what was pending, and gives the answers that waited for it.
 */
void kv_store_keeper_settle (KvStore *store, guint64 to);

/**
 * kv_store_keeper_refuse:
 * @reason: a %KV_ERROR_UNAVAILABLE, for those who want to write
 *
 * Nothing can be written down at present: new writes are refused, and nothing expires. What is pending stays so, as it is
 * not known what has become of it.
 */
void kv_store_keeper_refuse (KvStore *store, const GError *reason);

/**
 * kv_store_keeper_fail:
 * @reason: a %KV_ERROR_UNAVAILABLE
 *
 * As kv_store_keeper_refuse(), when what was to be written down has certainly not been. In strict mode everything pending is
 * undone as if it had never been asked for, and answered with @reason. In relaxed mode it has been seen and
 * stays to be written down.
 */
void kv_store_keeper_fail (KvStore *store, const GError *reason);

/**
 * kv_store_keeper_resume:
 *
 * Writing works again.
 */
void kv_store_keeper_resume (KvStore *store);

G_END_DECLS
