/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "opened.h"

#include "journal/sqlite/kv-sqlite-journal.h"

#include <glib/gstdio.h>
#include <sqlite3.h>

void
opened_set_up (Opened *self)
{
  *self = (Opened){ .directory = g_dir_make_tmp ("kv-journal-XXXXXX", NULL) };
  g_assert_nonnull (self->directory);
  self->path = g_build_filename (self->directory, "kv.db", NULL);
}

static void
remove_all (const char *directory)
{
  g_autoptr (GDir) files = g_dir_open (directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (files)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        remove_all (path);
      else
        g_unlink (path);
    }
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

void
opened_tear_down (Opened *self)
{
  if (self->journal != NULL)
    opened_close (self);
  remove_all (self->directory);
  g_free (self->directory);
  g_free (self->path);
}

typedef struct {
  gboolean done;
  gboolean ok;
  GError *error;
} Wait;

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Wait *wait = user_data;

  wait->ok = kv_journal_open_finish (KV_JOURNAL (source), result, &wait->error);
  wait->done = TRUE;
}

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Wait *wait = user_data;

  wait->ok = kv_journal_close_finish (KV_JOURNAL (source), result, &wait->error);
  wait->done = TRUE;
}

static void
run_until_done (Wait *wait)
{
  while (!wait->done)
    g_main_context_iteration (NULL, TRUE);
}

gboolean
opened_try (Opened *self, KvDurability durability, GError **error)
{
  Wait wait = { 0 };

  self->store = kv_store_new ();
  self->journal = kv_sqlite_journal_new (self->path, durability);
  kv_journal_open_async (self->journal, self->store, NULL, on_opened, &wait);
  run_until_done (&wait);
  if (wait.ok)
    return TRUE;

  g_propagate_error (error, wait.error);
  g_assert_finalize_object (self->journal);
  g_assert_finalize_object (self->store);
  self->journal = NULL;
  self->store = NULL;
  return FALSE;
}

void
opened_open (Opened *self, KvDurability durability)
{
  g_autoptr (GError) error = NULL;

  opened_try (self, durability, &error);
  g_assert_no_error (error);
}

gboolean
opened_close (Opened *self)
{
  Wait wait = { 0 };

  kv_journal_close_async (self->journal, on_closed, &wait);
  run_until_done (&wait);
  g_clear_error (&wait.error);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_clear_object (&self->journal);
  g_assert_finalize_object (self->store);
  self->store = NULL;
  return wait.ok;
}

void
opened_run_sql (Opened *self, const char *sql)
{
  sqlite3 *db;

  g_assert_cmpint (sqlite3_open (self->path, &db), ==, SQLITE_OK);
  if (sqlite3_exec (db, sql, NULL, NULL, NULL) != SQLITE_OK)
    g_error ("%s: %s", sql, sqlite3_errmsg (db));
  sqlite3_close (db);
}

static void
copy_file (const char *from, const char *to, const char *suffix, const char *kind)
{
  g_autofree char *source = g_strconcat (from, suffix, kind, NULL);
  g_autofree char *target = g_strconcat (to, suffix, NULL);
  g_autofree char *contents = NULL;
  gsize length;

  if (g_file_get_contents (source, &contents, &length, NULL))
    g_assert_true (g_file_set_contents (target, contents, (gssize) length, NULL));
}

static int
append_row (void *text, int columns, char **values, char **names)
{
  GString *string = text;

  g_string_append_printf (string, "%s%s=%s", string->len > 0 ? " " : "", values[0], values[1]);
  return 0;
}

static char *
read_copy (Opened *self, const char *kind)
{
  g_autofree char *directory = g_build_filename (self->directory, "copy", NULL);
  g_autofree char *copy = g_build_filename (directory, "kv.db", NULL);
  GString *text = g_string_new (NULL);
  sqlite3 *db;

  g_assert_cmpint (g_mkdir (directory, 0700), ==, 0);
  copy_file (self->path, copy, "", kind);
  copy_file (self->path, copy, "-wal", kind);
  /* Past the file system that may be set to fail. */
  g_assert_cmpint (sqlite3_open_v2 (copy, &db, SQLITE_OPEN_READWRITE, "unix"), ==, SQLITE_OK);
  if (sqlite3_exec (db, "SELECT key, value FROM entries ORDER BY key", append_row, text, NULL)
      != SQLITE_OK)
    g_error ("The copy cannot be read: %s", sqlite3_errmsg (db));
  sqlite3_close (db);
  remove_all (directory);
  return g_string_free (text, FALSE);
}

char *
opened_read_copy (Opened *self)
{
  return read_copy (self, "");
}

char *
opened_read_synced (Opened *self)
{
  return read_copy (self, ".synced");
}

char *
opened_describe (Opened *self, guint keys)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < keys; i++)
    {
      char key[16];
      g_autofree char *value = NULL;

      g_snprintf (key, sizeof key, "k%u", i);
      value = kv_store_get (self->store, key, NULL);
      if (value != NULL)
        g_string_append_printf (text, "%s%s=%s", text->len > 0 ? " " : "", key, value);
    }
  return g_string_free (text, FALSE);
}
