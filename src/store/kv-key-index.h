/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-key-page.h"

G_BEGIN_DECLS

/**
 * KvKeyIndex:
 *
 * A set of keys in byte order: a B+tree of pages (#KvKeyPage) that knows how many keys are below each of its branches. So it
 * finds a place, and tells how many keys are before it, in a time that hardly grows with the number of keys. It has copies of the keys and
 * knows nothing else of the store.
 *
 * Used by one thread at a time; looking from several at once is fine as long as none changes it.
 */
typedef struct _KvKeyIndex KvKeyIndex;

/**
 * KV_KEY_INDEX_MAX_HEIGHT:
 *
 * More levels of branches than memory has room for.
 */
#define KV_KEY_INDEX_MAX_HEIGHT 32

/**
 * kv_key_index_new:
 *
 * Returns: (transfer full): an index without keys
 */
KvKeyIndex *kv_key_index_new (void);

void kv_key_index_free (KvKeyIndex *index);

/**
 * kv_key_index_insert:
 * @key: (array length=length): 1 to %KV_KEY_MAX_BYTES bytes
 *
 * Returns: whether it is new
 */
gboolean kv_key_index_insert (KvKeyIndex *index, const char *key, gsize length);

/**
 * kv_key_index_remove:
 * @key: (array length=length): any bytes
 *
 * Returns: whether it was there
 */
gboolean kv_key_index_remove (KvKeyIndex *index, const char *key, gsize length);

/**
 * kv_key_index_get_length:
 *
 * Returns: the number of keys
 */
gsize kv_key_index_get_length (const KvKeyIndex *index);

/**
 * kv_key_index_get_rank:
 * @key: (array length=length): any bytes
 *
 * Returns: how many keys are before @key
 */
gsize kv_key_index_get_rank (const KvKeyIndex *index, const char *key, gsize length);

/**
 * kv_key_index_get_size:
 *
 * Walks through all of it.
 *
 * Returns: the bytes of memory that it takes, without what the allocator adds
 */
gsize kv_key_index_get_size (const KvKeyIndex *index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvKeyIndex, kv_key_index_free)

G_END_DECLS
