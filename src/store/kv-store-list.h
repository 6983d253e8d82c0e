/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-page.h"
#include "store/kv-store.h"

G_BEGIN_DECLS

/* Listing the keys of a store in byte order, page by page. The first who lists has an index of the keys made; it takes a few bytes a
 * key and is kept up to date from then on. A page costs what it holds, wherever it begins. Any thread. */

/**
 * KV_LIST_MAX_LIMIT:
 *
 * The most items of a page.
 */
#define KV_LIST_MAX_LIMIT 1000

/**
 * KV_LIST_DEFAULT_LIMIT:
 *
 * The most items of a page for who does not say how many, over HTTP and over D-Bus.
 */
#define KV_LIST_DEFAULT_LIMIT 100

/**
 * KV_LIST_MAX_DELIMITER_BYTES:
 *
 * The longest delimiter, in bytes.
 */
#define KV_LIST_MAX_DELIMITER_BYTES 64

/**
 * KV_LIST_MANY_VALUE_BYTES:
 *
 * A page with values ends with the value by which all of them come to this many bytes (4 MiB), even if there are fewer items than
 * asked for.
 */
#define KV_LIST_MANY_VALUE_BYTES (4u * 1024 * 1024)

/**
 * KvListContent:
 * @KV_LIST_KEYS: the keys alone
 * @KV_LIST_ENTRIES: the entries, for their revisions and deadlines
 * @KV_LIST_VALUES: the entries, for their values too: there may be fewer of them, see %KV_LIST_MANY_VALUE_BYTES
 * @KV_LIST_COUNT: no items, but how many keys there are
 *
 * What a page shows.
 */
typedef enum {
  KV_LIST_KEYS,
  KV_LIST_ENTRIES,
  KV_LIST_VALUES,
  KV_LIST_COUNT,
} KvListContent;

/**
 * kv_store_list_async:
 * @prefix: (nullable): what the keys begin with; %NULL or "" for all
 * @delimiter: (nullable): folds all keys that have it behind the prefix into one item, a folder, up to where it ends; %NULL
 *   for none
 * @cursor: (nullable): from kv_page_get_cursor(), to go on from there; %NULL to begin
 * @limit: the most items, 1 to %KV_LIST_MAX_LIMIT
 * @content: not %KV_LIST_COUNT
 *
 * Reads a page of keys that are alive. All of it is of one revision. Between two pages keys may come and go; one that
 * stays is listed once.
 *
 * Only when expiries cannot be carried out, as nothing can be written down now, a page may have fewer items than @limit, or none,
 * and a cursor nevertheless.
 */
void kv_store_list_async (KvStore *store,
                          const char *prefix,
                          const char *delimiter,
                          const char *cursor,
                          guint limit,
                          KvListContent content,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data);

/**
 * kv_store_list_finish:
 * @error: set to %KV_ERROR_INVALID_KEY for a prefix that no key can begin with, to %KV_ERROR_INVALID_ARGUMENT for
 *   what else is wrong, or to %G_IO_ERROR_CANCELLED
 *
 * Returns: (transfer full): a page
 */
KvPage *kv_store_list_finish (KvStore *store, GAsyncResult *result, GError **error);

/**
 * kv_store_list:
 *
 * As kv_store_list_async(), for programs without a main loop.
 *
 * Returns: (transfer full): a page
 */
KvPage *kv_store_list (KvStore *store,
                       const char *prefix,
                       const char *delimiter,
                       const char *cursor,
                       guint limit,
                       KvListContent content,
                       GError **error);

/**
 * kv_store_count_prefix_async:
 * @prefix: (nullable): what the keys begin with; %NULL or "" for all
 *
 * Counts keys that are alive, without looking at each.
 */
void kv_store_count_prefix_async (KvStore *store,
                                  const char *prefix,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);

/**
 * kv_store_count_prefix_finish:
 * @count: (out): how many there are
 * @error: set to %KV_ERROR_INVALID_KEY or %G_IO_ERROR_CANCELLED
 */
gboolean
kv_store_count_prefix_finish (KvStore *store, GAsyncResult *result, guint64 *count, GError **error);

/**
 * kv_store_count_prefix:
 * @count: (out): how many there are
 * @error: set to %KV_ERROR_INVALID_KEY
 *
 * As kv_store_count_prefix_async(), for programs without a main loop.
 */
gboolean kv_store_count_prefix (KvStore *store, const char *prefix, guint64 *count, GError **error);

G_END_DECLS
