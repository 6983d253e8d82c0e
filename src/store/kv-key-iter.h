/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-key-index.h"

G_BEGIN_DECLS

/**
 * KvKeyIter:
 * @key: (array length=length): the key at which it stands, not NUL-terminated
 * @length: its bytes
 *
 * A place in an index, on the stack and with nothing to be freed. Valid until the index is changed. The other fields
 * are its own.
 */
typedef struct {
  char key[KV_KEY_MAX_BYTES];
  gsize length;
  const KvKeyPage *leaf;
  guint place;
  guint height;
  struct {
    const void *branch;
    guint child;
  } path[KV_KEY_INDEX_MAX_HEIGHT];
} KvKeyIter;

/**
 * kv_key_iter_seek:
 * @iter: (out caller-allocates): where it stands before does not matter
 * @key: (array length=length): any bytes
 *
 * Goes to the first key that is @key or behind it.
 *
 * Returns: whether there is one
 */
gboolean kv_key_iter_seek (KvKeyIter *iter, const KvKeyIndex *index, const char *key, gsize length);

/**
 * kv_key_iter_next:
 *
 * Goes from a key to the one behind it.
 *
 * Returns: whether there is one; if not, the iterator stands nowhere
 */
gboolean kv_key_iter_next (KvKeyIter *iter);

G_END_DECLS
