/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-key-index.h"
#include "store/kv-store-private.h"

G_BEGIN_DECLS

/* The keys of a store in byte order. The first who asks has the index made; from then on it follows the table. It has every key that
 * the table has, but for those whose expiry is decided and not settled (kv-store-keeper.h): so without a keeper that is in
 * trouble, once what is due has been taken away, it has exactly what is alive. A store that nobody has asked has no index, which costs a
 * comparison for each change. */

/**
 * KvStoreIndexFunc:
 *
 * The index is there. No lock is held.
 */
typedef void (*KvStoreIndexFunc) (KvStore *store, gpointer user_data);

/**
 * kv_store_index_prepare:
 * @func: called once when the index is there, if it is not there yet
 * @anywhere: whether @func may be called in any thread, as the caller waits for it; it is called in the caller's thread-default
 *   main context otherwise
 *
 * Sees to it that there is an index. That of a small store is made before this returns. That of a large one is made by a thread of its own,
 * for all who ask meanwhile. Writers go on: they wait at most while the pointers of a stripe are copied. Any thread, no lock held.
 *
 * Returns: whether it is there, and @func will not be called
 */
gboolean kv_store_index_prepare (KvStore *store,
                                 KvStoreIndexFunc func,
                                 gpointer user_data,
                                 gboolean anywhere);

/**
 * kv_store_index_get:
 *
 * Under the commit lock, when the index is there.
 *
 * Returns: (transfer none): the keys
 */
const KvKeyIndex *kv_store_index_get (KvStore *store);

/**
 * kv_store_index_free:
 *
 * When nobody has a reference to the store.
 */
void kv_store_index_free (KvStoreIndex *index);

G_END_DECLS
