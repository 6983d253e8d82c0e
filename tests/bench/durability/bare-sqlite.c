/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* What SQLite itself takes for what the journal asks of it: the yardstick for the journal.
 *
 *   bare-sqlite write FILE SECONDS   one row a transaction, each synced to the disk
 *   bare-sqlite load FILE            a scan of a kvstored's database into a GHashTable
 *
 * Prints a line of JSON: transactions or rows, and microseconds. */

#include <glib.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 1000
#define VALUE "0123456789abcdef0123456789abcdef"

static void
check (sqlite3 *db, int code)
{
  if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW)
    return;
  fprintf (stderr, "bare-sqlite: %s\n", sqlite3_errmsg (db));
  exit (1);
}

static void
run_sql (sqlite3 *db, const char *sql)
{
  check (db, sqlite3_exec (db, sql, NULL, NULL, NULL));
}

static sqlite3_stmt *
prepare (sqlite3 *db, const char *sql)
{
  sqlite3_stmt *statement;

  check (db, sqlite3_prepare_v2 (db, sql, -1, &statement, NULL));
  return statement;
}

static void
step (sqlite3 *db, sqlite3_stmt *statement)
{
  check (db, sqlite3_step (statement));
  sqlite3_reset (statement);
}

static void
report (guint n, gint64 start)
{
  printf ("{\"count\": %u, \"microseconds\": %" G_GINT64_FORMAT "}\n", n,
          g_get_monotonic_time () - start);
}

static void
write_rows (sqlite3 *db, double seconds)
{
  sqlite3_stmt *begin, *insert, *commit;
  gint64 start, end;
  guint n = 0;

  run_sql (db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
               "CREATE TABLE entries (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,"
               " value TEXT NOT NULL, revision INTEGER NOT NULL, deadline INTEGER, boot INTEGER)");
  begin = prepare (db, "BEGIN IMMEDIATE");
  insert = prepare (db, "INSERT INTO entries (key, value, revision) VALUES (?1, ?2, ?3)"
                        " ON CONFLICT (key) DO UPDATE SET value = ?2, revision = ?3");
  commit = prepare (db, "COMMIT");
  start = g_get_monotonic_time ();
  end = start + (gint64) (seconds * G_USEC_PER_SEC);
  for (; g_get_monotonic_time () < end; n++)
    {
      char key[32];

      g_snprintf (key, sizeof key, "key-%09d", g_random_int_range (0, KEYS));
      step (db, begin);
      sqlite3_bind_text (insert, 1, key, -1, SQLITE_STATIC);
      sqlite3_bind_text (insert, 2, VALUE, -1, SQLITE_STATIC);
      sqlite3_bind_int64 (insert, 3, n);
      step (db, insert);
      step (db, commit);
    }
  report (n, start);
  sqlite3_finalize (begin);
  sqlite3_finalize (insert);
  sqlite3_finalize (commit);
}

static char *
copy_column (sqlite3_stmt *statement, int column)
{
  return g_strndup ((const char *) sqlite3_column_text (statement, column),
                    (gsize) sqlite3_column_bytes (statement, column));
}

static void
load_rows (sqlite3 *db)
{
  g_autoptr (GHashTable) table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  gint64 start = g_get_monotonic_time ();
  sqlite3_stmt *select = prepare (db, "SELECT key, value, revision, deadline FROM entries");
  int code;

  while ((code = sqlite3_step (select)) == SQLITE_ROW)
    g_hash_table_insert (table, copy_column (select, 0), copy_column (select, 1));
  check (db, code);
  report (g_hash_table_size (table), start);
  sqlite3_finalize (select);
}

int
main (int argc, char *argv[])
{
  sqlite3 *db;

  if (argc < 3)
    {
      fprintf (stderr, "usage: bare-sqlite write FILE SECONDS | load FILE\n");
      return 1;
    }
  check (NULL, sqlite3_open (argv[2], &db));
  if (g_str_equal (argv[1], "write"))
    write_rows (db, argc > 3 ? g_ascii_strtod (argv[3], NULL) : 1);
  else
    load_rows (db);
  sqlite3_close (db);
  return 0;
}
