/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-key.h"

G_BEGIN_DECLS

/**
 * KV_KEY_PAGE_KEYS:
 *
 * How many keys a page holds, and one more while its owner is about to split it. What that many of the longest keys take can still be
 * counted in 16 bits.
 */
#define KV_KEY_PAGE_KEYS 60

G_STATIC_ASSERT ((KV_KEY_PAGE_KEYS + 2) * KV_KEY_MAX_BYTES <= G_MAXUINT16);

/**
 * KvKeyPage:
 * @length: the number of keys
 * @prefix_length: bytes that all of them begin with; at the start of @bytes
 * @used: bytes of @bytes that are in use
 * @capacity: bytes of @bytes that there are
 * @ends: where in @bytes the rest of each key ends; it begins where the one before it ends
 * @bytes: what the keys have in common, and then what they do not
 *
 * Some different keys in byte order, in one block of memory: a node of #KvKeyIndex. Neighbours in a large store have most
 * of their bytes in common, which stand here once; and a search finds all that it looks at in a few cache lines.
 *
 * A plain value without a lock. The functions that may move it take the address of the pointer. g_free() frees it.
 */
typedef struct {
  guint16 length;
  guint16 prefix_length;
  guint16 used;
  guint16 capacity;
  guint16 ends[KV_KEY_PAGE_KEYS + 1];
  char bytes[];
} KvKeyPage;

/**
 * kv_key_page_new:
 *
 * Returns: (transfer full): a page without keys
 */
KvKeyPage *kv_key_page_new (void);

/**
 * kv_key_page_get_rest:
 * @index: of a key
 * @length: (out): the bytes of what is returned
 *
 * Returns: (transfer none): what that key has behind the bytes that all have in common; not NUL-terminated
 */
static inline const char *
kv_key_page_get_rest (const KvKeyPage *page, guint index, gsize *length)
{
  guint start = index > 0 ? page->ends[index - 1] : page->prefix_length;

  *length = page->ends[index] - start;
  return page->bytes + start;
}

/**
 * kv_key_page_copy:
 * @index: of a key
 * @key: (out caller-allocates): filled in with the key, not NUL-terminated
 *
 * Returns: its bytes
 */
gsize kv_key_page_copy (const KvKeyPage *page, guint index, char key[KV_KEY_MAX_BYTES]);

/**
 * kv_key_page_find:
 * @key: (array length=length): any bytes
 * @found: (out): whether that key is there
 *
 * Returns: the index of @key, or of the first key behind it, or the number of keys
 */
guint kv_key_page_find (const KvKeyPage *page, const char *key, gsize length, gboolean *found);

/**
 * kv_key_page_insert:
 * @index: what kv_key_page_find() said, when it has not found @key
 * @key: (array length=length): at most %KV_KEY_MAX_BYTES
 *
 * Puts a key into a page that has %KV_KEY_PAGE_KEYS at most.
 */
void kv_key_page_insert (KvKeyPage **page, guint index, const char *key, gsize length);

/**
 * kv_key_page_remove:
 * @index: of the key that shall go
 */
void kv_key_page_remove (KvKeyPage *page, guint index);

/**
 * kv_key_page_split:
 * @index: neither 0 nor the number of keys
 *
 * Takes the keys from @index on out of the page.
 *
 * Returns: (transfer full): a page with these
 */
KvKeyPage *kv_key_page_split (KvKeyPage **page, guint index);

/**
 * kv_key_page_append:
 * @other: keys that are all behind those of the page
 *
 * Adds copies of the keys of @other, as many as fit by kv_key_page_get_joined_size() and %KV_KEY_PAGE_KEYS.
 */
void kv_key_page_append (KvKeyPage **page, const KvKeyPage *other);

/**
 * kv_key_page_get_joined_size:
 *
 * Returns: the bytes that the keys of both would use in one page
 */
gsize kv_key_page_get_joined_size (const KvKeyPage *page, const KvKeyPage *other);

G_END_DECLS
