/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "journal/sqlite/kv-sqlite-index.h"

#include "journal/sqlite/kv-sqlite-error.h"

#include <string.h>

/* How often it is asked whether to go on, in keys. */
#define KEYS_AT_A_TIME 4096

/* 2^64 divided by the golden ratio: odd, and its bits are well mixed. */
#define FACTOR G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)

static inline guint64
mix (guint64 digest, guint64 word)
{
  digest = (digest ^ word) * FACTOR;
  return digest ^ digest >> 32;
}

/* It is chance that is looked for here, and not malice. */
guint64
kv_sqlite_index_digest (const char *key, gsize length, gint64 row)
{
  guint64 digest = mix (length, (guint64) row);

  for (gsize i = 0; i < length; i += sizeof (guint64))
    {
      guint64 word = 0;

      memcpy (&word, key + i, MIN (sizeof word, length - i));
      digest = mix (digest, word);
    }
  return digest;
}

KvSqliteIndexVerdict
kv_sqlite_index_check (sqlite3 *db, guint64 sum, KvSqliteIndexGoOnFunc go_on, gpointer user_data)
{
  sqlite3_stmt *statement = NULL;
  guint64 found = 0, keys = 0;
  int code = sqlite3_prepare_v2 (db,
                                 "SELECT key, id FROM entries"
                                 " INDEXED BY sqlite_autoindex_entries_1 ORDER BY key",
                                 -1, &statement, NULL);

  if (code == SQLITE_OK)
    while ((code = sqlite3_step (statement)) == SQLITE_ROW)
      {
        const char *key = sqlite3_column_blob (statement, 0);

        found += kv_sqlite_index_digest (key, (gsize) sqlite3_column_bytes (statement, 0),
                                         sqlite3_column_int64 (statement, 1));
        if (++keys % KEYS_AT_A_TIME == 0 && !go_on (user_data))
          break;
      }
  sqlite3_finalize (statement);

  if (code == SQLITE_DONE)
    return found == sum ? KV_SQLITE_INDEX_SOUND : KV_SQLITE_INDEX_DAMAGED;
  return (code & 0xff) == SQLITE_CORRUPT ? KV_SQLITE_INDEX_DAMAGED : KV_SQLITE_INDEX_UNKNOWN;
}

gboolean
kv_sqlite_index_rebuild (sqlite3 *db, GError **error)
{
  return sqlite3_exec (db, "REINDEX entries", NULL, NULL, NULL) == SQLITE_OK
         || kv_sqlite_error_set (db, error);
}
