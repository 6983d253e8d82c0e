/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/* The index of keys, by which entries are found that are replaced or removed. A load reads the entries and not the index: were a
 * bit of it flipped, a key would not be found that is to be removed, and be there again after the next start. */

/**
 * KvSqliteIndexVerdict:
 * @KV_SQLITE_INDEX_SOUND: it leads to each entry
 * @KV_SQLITE_INDEX_DAMAGED: it does not
 * @KV_SQLITE_INDEX_UNKNOWN: it could not be read, or somebody did not want to wait for the end
 */
typedef enum {
  KV_SQLITE_INDEX_SOUND,
  KV_SQLITE_INDEX_DAMAGED,
  KV_SQLITE_INDEX_UNKNOWN,
} KvSqliteIndexVerdict;

/**
 * KvSqliteIndexGoOnFunc:
 *
 * Returns: whether to go on
 */
typedef gboolean (*KvSqliteIndexGoOnFunc) (gpointer user_data);

/**
 * kv_sqlite_index_digest:
 * @key: (array length=length): a key
 * @row: the number of its row
 *
 * Returns: a number whose sum over all entries tells, in whatever order they come, whether others are the same
 */
guint64 kv_sqlite_index_digest (const char *key, gsize length, gint64 row);

/**
 * kv_sqlite_index_check:
 * @sum: of kv_sqlite_index_digest() over the entries
 * @go_on: called now and then
 *
 * Reads the index from one end to the other. The connection's thread.
 */
KvSqliteIndexVerdict
kv_sqlite_index_check (sqlite3 *db, guint64 sum, KvSqliteIndexGoOnFunc go_on, gpointer user_data);

/**
 * kv_sqlite_index_rebuild:
 * @error: as kv_sqlite_error_set() sets it
 *
 * Makes the index anew of the entries, in a transaction of its own. The connection's thread.
 */
gboolean kv_sqlite_index_rebuild (sqlite3 *db, GError **error);

G_END_DECLS
