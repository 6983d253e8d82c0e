/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-store.h"

G_BEGIN_DECLS

/**
 * KvSnapshot:
 *
 * The store as it was at one revision, to be read bit by bit while others write: every entry that was alive then, with the value
 * and the deadline that it had, and no other. What has expired since is in it.
 *
 * It goes through the table stripe by stripe, and holds references to the entries of one stripe at a time. A
 * change to a stripe that it has not reached yet leaves the entry that it replaces with the snapshot. So it takes the memory
 * of a stripe's references, and of what has been overwritten since; and no writer waits for longer than one stripe
 * takes. There may be any number of them.
 *
 * Used by one thread at a time, whichever it is.
 */
typedef struct _KvSnapshot KvSnapshot;

/**
 * kv_snapshot_new:
 *
 * Takes a snapshot of what everybody sees of @store now. Keeps @store alive. Any thread, no lock held.
 *
 * Returns: (transfer full): a snapshot
 */
KvSnapshot *kv_snapshot_new (KvStore *store);

/**
 * kv_snapshot_get_revision:
 *
 * Returns: the revision that it is of: no entry in it has a later one
 */
guint64 kv_snapshot_get_revision (const KvSnapshot *snapshot);

/**
 * kv_snapshot_next:
 *
 * Gives the entries one after the other, in no particular order.
 *
 * Returns: (transfer full) (nullable): an entry that has not been given yet, %NULL when all have been
 */
KvEntry *kv_snapshot_next (KvSnapshot *snapshot);

/**
 * kv_snapshot_free:
 *
 * Lets go of what has not been given. Any thread, no lock held.
 */
void kv_snapshot_free (KvSnapshot *snapshot);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvSnapshot, kv_snapshot_free)

G_END_DECLS
