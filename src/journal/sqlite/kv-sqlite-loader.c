/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#define G_LOG_DOMAIN "kvstore"

#include "journal/sqlite/kv-sqlite-loader.h"

#include "core/kv-error.h"
#include "journal/sqlite/kv-sqlite-error.h"
#include "journal/sqlite/kv-sqlite-index.h"
#include "kv-config.h"
#include "store/kv-loading.h"

#include <glib/gi18n-lib.h>

#define LAST_REVISION ((G_GINT64_CONSTANT (1) << 53) - 1)

/* How often it is looked whether to go on, in rows, and how often somebody who waits wants to know. */
#define ROWS_AT_A_TIME 4096
#define PROGRESS_INTERVAL (2 * G_USEC_PER_SEC)

typedef struct {
  KvSqliteFile *file;
  KvLoading *loading;
  guint64 revision;
  guint64 keys;
  guint64 digest; /* the sum over the entries, for kv_sqlite_index_check() */
} Load;

/* Takes the next row. FALSE at the end too, without an error. */
static gboolean
step (Load *load, sqlite3_stmt *statement, GError **error)
{
  int code = sqlite3_step (statement);

  if (code == SQLITE_ROW)
    return TRUE;
  if (code != SQLITE_DONE)
    kv_sqlite_error_set (kv_sqlite_file_get_db (load->file), error);
  return FALSE;
}

static sqlite3_stmt *
prepare (Load *load, const char *sql, GError **error)
{
  sqlite3 *db = kv_sqlite_file_get_db (load->file);
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (db, sql, -1, &statement, NULL) != SQLITE_OK)
    kv_sqlite_error_set (db, error);
  return statement;
}

static gboolean
load_boots (Load *load, GError **error)
{
  g_autoptr (GError) step_error = NULL;
  sqlite3_stmt *statement = prepare (load, "SELECT number, id, boottime, wall FROM boots", error);

  if (statement == NULL)
    return FALSE;
  while (step (load, statement, &step_error))
    {
      const char *id = (const char *) sqlite3_column_text (statement, 1);

      kv_sqlite_boots_add (kv_sqlite_file_get_boots (load->file),
                           sqlite3_column_int64 (statement, 0), id != NULL ? id : "",
                           sqlite3_column_int64 (statement, 2),
                           sqlite3_column_int64 (statement, 3));
    }
  sqlite3_finalize (statement);
  if (step_error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&step_error));
  return FALSE;
}

static gboolean
load_revision (Load *load, GError **error)
{
  g_autoptr (GError) step_error = NULL;
  sqlite3_stmt *statement = prepare (load, "SELECT revision FROM state", error);
  gint64 revision = -1;

  if (statement == NULL)
    return FALSE;
  if (step (load, statement, &step_error))
    revision = sqlite3_column_int64 (statement, 0);
  sqlite3_finalize (statement);
  if (step_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&step_error));
      return FALSE;
    }
  if (revision < 0 || revision > LAST_REVISION)
    return kv_sqlite_error_set_damaged (_ ("it does not say which revision it is at"), error);
  load->revision = (guint64) revision;
  return TRUE;
}

static gboolean
read_deadline (Load *load, sqlite3_stmt *row, gint64 *deadline)
{
  *deadline = KV_NO_DEADLINE;
  if (sqlite3_column_type (row, 3) == SQLITE_NULL)
    return TRUE;
  return sqlite3_column_type (row, 3) == SQLITE_INTEGER
         && kv_sqlite_boots_convert (kv_sqlite_file_get_boots (load->file),
                                     sqlite3_column_int64 (row, 4), sqlite3_column_int64 (row, 3),
                                     deadline);
}

/* The bytes are taken as they are, without the copy that a NUL behind them would need. */
static KvEntry *
read_entry (Load *load, sqlite3_stmt *row, gint64 *revision, GError **error)
{
  const char *key = sqlite3_column_blob (row, 0);
  const char *value = sqlite3_column_blob (row, 1);
  g_autoptr (GError) entry_error = NULL;
  KvEntry *entry = NULL;
  gint64 deadline;
  int length;

  *revision = sqlite3_column_int64 (row, 2);
  if (sqlite3_column_type (row, 0) != SQLITE_TEXT || sqlite3_column_type (row, 1) != SQLITE_TEXT
      || sqlite3_column_type (row, 2) != SQLITE_INTEGER || *revision <= 0
      || *revision > LAST_REVISION || !read_deadline (load, row, &deadline))
    {
      kv_sqlite_error_set_damaged (_ ("a row of it is no entry"), error);
      return NULL;
    }

  length = sqlite3_column_bytes (row, 0);
  entry = kv_entry_new (key != NULL ? key : "", length, value != NULL ? value : "",
                        sqlite3_column_bytes (row, 1), deadline, &entry_error);
  if (entry == NULL)
    kv_sqlite_error_set_damaged (entry_error->message, error);
  load->digest += kv_sqlite_index_digest (key, (gsize) length, sqlite3_column_int64 (row, 5));
  return entry;
}

static gboolean
refuse_twice (GError **error)
{
  return kv_sqlite_error_set_damaged (_ ("a key is there twice"), error);
}

static gboolean
load_row (Load *load, sqlite3_stmt *row, GError **error)
{
  gint64 revision;
  KvEntry *entry = read_entry (load, row, &revision, error);

  if (entry == NULL)
    return FALSE;
  if (!kv_loading_add (load->loading, entry, (guint64) revision))
    return refuse_twice (error);
  load->revision = MAX (load->revision, (guint64) revision);
  load->keys++;
  return TRUE;
}

static gboolean
load_entries (Load *load, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) row_error = NULL;
  gint64 told = g_get_monotonic_time ();
  sqlite3_stmt *statement =
    prepare (load, "SELECT key, value, revision, deadline, boot, id FROM entries", error);

  if (statement == NULL)
    return FALSE;
  while (step (load, statement, &row_error) && load_row (load, statement, &row_error))
    {
      if (load->keys % ROWS_AT_A_TIME != 0)
        continue;
      if (g_cancellable_set_error_if_cancelled (cancellable, &row_error))
        break;
      if (g_get_monotonic_time () - told < PROGRESS_INTERVAL)
        continue;
      told = g_get_monotonic_time ();
      g_message (_ ("Loading %s: %" G_GUINT64_FORMAT " keys so far"),
                 kv_sqlite_file_get_path (load->file), load->keys);
    }
  sqlite3_finalize (statement);
  if (row_error == NULL)
    return kv_loading_finish (load->loading) || refuse_twice (error);
  g_propagate_error (error, g_steal_pointer (&row_error));
  return FALSE;
}

gboolean
kv_sqlite_loader_run (KvSqliteFile *file,
                      KvStore *store,
                      GCancellable *cancellable,
                      guint64 *revision,
                      guint64 *keys,
                      guint64 *digest,
                      GError **error)
{
  g_autoptr (KvLoading) loading = kv_loading_new (store);
  Load load = { .file = file, .loading = loading };
  gboolean ok = load_boots (&load, error) && load_revision (&load, error)
                && load_entries (&load, cancellable, error);

  *revision = load.revision;
  *keys = load.keys;
  *digest = load.digest;
  if (!ok)
    g_prefix_error (error, "%s: ", kv_sqlite_file_get_path (file));
  return ok;
}
