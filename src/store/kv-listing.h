/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-store-list.h"

G_BEGIN_DECLS

/**
 * KvListQuery:
 * @prefix: (array length=prefix_length) (nullable): what the keys begin with
 * @prefix_length: its bytes, or -1 when NUL-terminated
 * @delimiter: (array length=delimiter_length) (nullable): by what deeper keys are folded; %NULL for none, and not empty
 * @delimiter_length: its bytes, or -1 when NUL-terminated
 * @cursor: (nullable): where to go on, from kv_page_get_cursor()
 * @limit: the most items, 1 to %KV_LIST_MAX_LIMIT
 * @content: what the page shows. To count there is neither delimiter nor cursor, and @limit is not looked at
 *
 * Which page is asked for, as kv_store_list_async() has it. The texts are borrowed.
 */
typedef struct {
  const char *prefix;
  gssize prefix_length;
  const char *delimiter;
  gssize delimiter_length;
  const char *cursor;
  guint limit;
  KvListContent content;
} KvListQuery;

/**
 * KvListFunc:
 * @page: (transfer none) (nullable): take a reference to keep it
 * @error: (nullable): why there is no page: the query is wrong, and the message begins with what is wrong with it
 *
 * Receives what came of kv_store_submit_listing().
 */
typedef void (*KvListFunc) (KvStore *store, KvPage *page, const GError *error, gpointer user_data);

/**
 * kv_store_submit_listing:
 * @query: nothing of it is needed after the call
 * @func: called exactly once
 *
 * The way of every listing. When there is an index of the keys, and also when the store is small, @func is called before this returns;
 * while the index is being made it is called later, in the thread-default main context of the caller. A page is read under one hold
 * of the commit lock.
 */
void kv_store_submit_listing (KvStore *store,
                              const KvListQuery *query,
                              KvListFunc func,
                              gpointer user_data);

/**
 * kv_store_submit_listing_waiting:
 *
 * As kv_store_submit_listing(), for one who blocks until @func is called: that may be in any thread.
 */
void kv_store_submit_listing_waiting (KvStore *store,
                                      const KvListQuery *query,
                                      KvListFunc func,
                                      gpointer user_data);

G_END_DECLS
