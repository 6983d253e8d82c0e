/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-entry.h"

G_BEGIN_DECLS

/* What the store's files tell the index of keys. All under the commit lock, and only when there is an index or one is being
 * made. */

typedef struct _KvStoreIndex KvStoreIndex;

/**
 * kv_store_index_follow:
 * @old: (nullable): what is about to leave the table, still in the heap if it is there
 * @entry: (nullable): what comes in its place
 */
void kv_store_index_follow (KvStoreIndex *index, KvEntry *old, const KvEntry *entry);

/**
 * kv_store_index_set:
 * @entry: what the table holds
 * @listed: whether its key is to be found: %FALSE when its expiry has been decided, %TRUE when that has come to nothing
 */
void kv_store_index_set (KvStoreIndex *index, const KvEntry *entry, gboolean listed);

G_END_DECLS
