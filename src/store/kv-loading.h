/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-store.h"

G_BEGIN_DECLS

/**
 * KvLoading:
 *
 * How a keeper fills a store with what an earlier run has written down, after kv_store_keeper_attach() and before
 * kv_store_keeper_start(). Nothing of it is a change. Entries are gathered before they are put into the table, many of one
 * stripe at a time, so they are not to be seen at once. One thread at a time.
 */
typedef struct _KvLoading KvLoading;

/**
 * kv_loading_new:
 * @store: (transfer none): outlives it
 *
 * Returns: (transfer full): a loading that has put nothing into @store
 */
KvLoading *kv_loading_new (KvStore *store);

/**
 * kv_loading_free:
 *
 * What is gathered and not in the store goes with it.
 */
void kv_loading_free (KvLoading *loading);

/**
 * kv_loading_add:
 * @entry: (transfer full): a draft
 * @revision: its revision, above 0 and below 2^53
 *
 * Returns: %FALSE when it has turned out that a key has come twice, with this entry or with an earlier one; nothing more may
 *   be added then
 */
gboolean kv_loading_add (KvLoading *loading, KvEntry *entry, guint64 revision);

/**
 * kv_loading_finish:
 *
 * Puts into the store what is still gathered.
 *
 * Returns: %FALSE when a key has come twice
 */
gboolean kv_loading_finish (KvLoading *loading);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvLoading, kv_loading_free)

G_END_DECLS
