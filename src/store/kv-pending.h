/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-change.h"

G_BEGIN_DECLS

/**
 * KvPending:
 *
 * What has been decided but must not be seen yet, key by key: an overlay over the table, through which the next decisions
 * look. It knows the latest pending change of each key; the changes themselves, and the entries, are held by
 * the log, which keeps them as long as they are pending. Guarded by the store's commit lock.
 */
typedef struct _KvPending KvPending;

/**
 * kv_pending_new:
 *
 * Returns: (transfer full): an overlay that covers nothing
 */
KvPending *kv_pending_new (void);

void kv_pending_free (KvPending *pending);

/**
 * kv_pending_add:
 * @change: a change; its entries are borrowed until it has been removed or covered
 * @sequence: its place in the log
 *
 * Covers the key with what @change makes of it.
 */
void kv_pending_add (KvPending *pending, const KvChange *change, guint64 sequence);

/**
 * kv_pending_find:
 * @like: any entry with the key that is sought
 * @entry: (out) (transfer none) (nullable): what the key shall hold
 *
 * Returns: %FALSE when the key is not covered: the table has the last word on it
 */
gboolean kv_pending_find (KvPending *pending, const KvEntry *like, KvEntry **entry);

/**
 * kv_pending_remove:
 * @change: a change that is pending no more; one with a later change of its key leaves that in place
 */
void kv_pending_remove (KvPending *pending, const KvChange *change);

/**
 * kv_pending_clear:
 *
 * Uncovers everything.
 */
void kv_pending_clear (KvPending *pending);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvPending, kv_pending_free)

G_END_DECLS
