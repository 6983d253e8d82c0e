/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "journal/sqlite/kv-sqlite-schema.h"

#include "core/kv-error.h"
#include "journal/sqlite/kv-sqlite-error.h"
#include "kv-config.h"

#include <glib/gi18n-lib.h>

/* A table by row number with an index of the keys, rather than one WITHOUT ROWID: new keys go to its end, so that its pages are
 * full and a load reads the file from one end to the other; and a row may fill a page before it needs others, where
 * without row numbers it may fill a quarter.
 *
 * boots: for each start of the machine that a deadline refers to, what both clocks said when we last looked. state: the
 * highest revision, if no entry has it because it was a removal. */
const char *const kv_sqlite_schema_steps[] = {
  "CREATE TABLE entries ("
  "  id INTEGER PRIMARY KEY,"
  "  key TEXT NOT NULL UNIQUE,"
  "  value TEXT NOT NULL,"
  "  revision INTEGER NOT NULL,"
  "  deadline INTEGER," /* microseconds of CLOCK_BOOTTIME; NULL for none */
  "  boot INTEGER"      /* in which boot that clock ran */
  ");"
  "CREATE TABLE boots ("
  "  number INTEGER PRIMARY KEY,"
  "  id TEXT NOT NULL UNIQUE,"
  "  boottime INTEGER NOT NULL,"
  "  wall INTEGER NOT NULL"
  ");"
  "CREATE TABLE state ("
  "  id INTEGER PRIMARY KEY CHECK (id = 1),"
  "  revision INTEGER NOT NULL"
  ");"
  "INSERT INTO state VALUES (1, 0);",
};
const int kv_sqlite_schema_n_steps = G_N_ELEMENTS (kv_sqlite_schema_steps);

static gboolean
query_number (sqlite3 *db, const char *sql, int *number, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gboolean ok = sqlite3_prepare_v2 (db, sql, -1, &statement, NULL) == SQLITE_OK
                && sqlite3_step (statement) == SQLITE_ROW;

  if (ok)
    *number = sqlite3_column_int (statement, 0);
  else
    kv_sqlite_error_set (db, error);
  sqlite3_finalize (statement);
  return ok;
}

gboolean
kv_sqlite_schema_check (sqlite3 *db, int *version, GError **error)
{
  int application, objects;

  if (!query_number (db, "PRAGMA application_id", &application, error)
      || !query_number (db, "PRAGMA user_version", version, error)
      || !query_number (db, "SELECT count(*) FROM sqlite_master", &objects, error))
    return FALSE;

  /* An empty file is one that we were about to fill, or that somebody has made for us. */
  if (application == 0 && *version == 0 && objects == 0)
    return TRUE;
  if (application != KV_SQLITE_APPLICATION_ID)
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_FAILED,
                           _ ("this is the database of another program"));
      return FALSE;
    }
  if (*version > kv_sqlite_schema_n_steps)
    {
      g_set_error (
        error, KV_ERROR, KV_ERROR_FAILED,
        _ ("the file was written by a newer kvstored (its version is %d, and this one knows %d)"),
        *version, kv_sqlite_schema_n_steps);
      return FALSE;
    }
  return TRUE;
}

gboolean
kv_sqlite_schema_upgrade (sqlite3 *db,
                          int version,
                          const char *const *steps,
                          int n_steps,
                          GError **error)
{
  g_autofree char *marks = g_strdup_printf ("PRAGMA application_id = %d; PRAGMA user_version = %d",
                                            KV_SQLITE_APPLICATION_ID, n_steps);
  gboolean ok =
    version >= n_steps || sqlite3_exec (db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;

  if (ok && version >= n_steps)
    return TRUE;
  for (int i = version; ok && i < n_steps; i++)
    ok = sqlite3_exec (db, steps[i], NULL, NULL, NULL) == SQLITE_OK;
  ok = ok && sqlite3_exec (db, marks, NULL, NULL, NULL) == SQLITE_OK
       && sqlite3_exec (db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
  if (ok)
    return TRUE;

  kv_sqlite_error_set (db, error);
  if (!sqlite3_get_autocommit (db))
    sqlite3_exec (db, "ROLLBACK", NULL, NULL, NULL);
  return FALSE;
}
