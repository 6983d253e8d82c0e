/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "journal/sqlite/kv-sqlite-error.h"

#include "core/kv-error.h"
#include "journal/sqlite/kv-sqlite-lock.h"
#include "kv-config.h"

#include <glib/gi18n-lib.h>

/* What the system said, where SQLite asked it for something. */
static const char *
system_text (sqlite3 *db)
{
  int number = sqlite3_system_errno (db);

  return number != 0 ? g_strerror (number) : sqlite3_errmsg (db);
}

static gboolean
fail (GError **error, KvError code, const char *text)
{
  g_set_error_literal (error, KV_ERROR, code, text);
  return FALSE;
}

static gboolean
fail_for_holder (sqlite3 *db, GError **error)
{
  const char *path = sqlite3_db_filename (db, "main");
  int pid = path != NULL ? kv_sqlite_lock_find_holder (path) : 0;

  if (pid == 0)
    return fail (error, KV_ERROR_UNAVAILABLE, _ ("another program has the file open"));
  g_set_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE,
               _ ("another program has the file open, as process %d"), pid);
  return FALSE;
}

gboolean
kv_sqlite_error_set_damaged (const char *what, GError **error)
{
  g_set_error (
    error, KV_ERROR, KV_ERROR_FAILED,
    _ ("the file is damaged: %s. It has been left as it is. Put a copy of it in its place, or "
       "move it away to begin anew"),
    what);
  return FALSE;
}

gboolean
kv_sqlite_error_set (sqlite3 *db, GError **error)
{
  g_autofree char *text = NULL;

  switch (sqlite3_errcode (db) & 0xff)
    {
    case SQLITE_FULL:
      return fail (error, KV_ERROR_UNAVAILABLE, _ ("the disk is full"));
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return fail (error, KV_ERROR_UNAVAILABLE, _ ("the file may not be written"));
    case SQLITE_CANTOPEN:
      text = g_strdup_printf (
        _ ("the file, or what belongs beside it, cannot be opened for writing: %s"),
        system_text (db));
      return fail (error, KV_ERROR_UNAVAILABLE, text);
    case SQLITE_IOERR:
      text = g_strdup_printf (_ ("the disk reports an error: %s"), system_text (db));
      return fail (error, KV_ERROR_UNAVAILABLE, text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail_for_holder (db, error);
    case SQLITE_NOTADB:
      return kv_sqlite_error_set_damaged (_ ("it is no SQLite database"), error);
    case SQLITE_CORRUPT:
      return kv_sqlite_error_set_damaged (sqlite3_errmsg (db), error);
    default:
      text = g_strdup_printf (_ ("SQLite reports: %s"), sqlite3_errmsg (db));
      return fail (error, KV_ERROR_UNAVAILABLE, text);
    }
}
