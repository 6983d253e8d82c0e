/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* What a file holds over a restart, and files that are not what they should be. */

#include "core/kv-error.h"
#include "journal/sqlite/kv-sqlite-schema.h"
#include "opened.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND G_GINT64_CONSTANT (1000000)
#define HOUR (3600 * SECOND)

static void
set_up (Opened *opened, gconstpointer data)
{
  opened_set_up (opened);
}

/* What is named is a symbolic link to where the file will be. */
static void
set_up_link (Opened *opened, gconstpointer data)
{
  g_autofree char *place = NULL;

  opened_set_up (opened);
  place = g_build_filename (opened->directory, "place", NULL);
  g_assert_cmpint (g_mkdir (place, 0700), ==, 0);
  g_assert_cmpint (symlink ("place/real.db", opened->path), ==, 0);
}

/* It lies beside the file itself. */
static char *
name_log (Opened *opened)
{
  g_autofree char *target = g_file_read_link (opened->path, NULL);

  return target == NULL ? g_strconcat (opened->path, "-wal", NULL)
                        : g_strdup_printf ("%s/%s-wal", opened->directory, target);
}

static void
tear_down (Opened *opened, gconstpointer data)
{
  opened_tear_down (opened);
}

static void
reopen (Opened *opened)
{
  g_assert_true (opened_close (opened));
  opened_open (opened, KV_DURABILITY_STRICT);
}

static void
put (Opened *opened, const char *key, const char *value, gint64 ttl)
{
  g_autoptr (GError) error = NULL;

  kv_store_put (opened->store, key, value, ttl, &error);
  g_assert_no_error (error);
}

static void
assert_value (Opened *opened, const char *key, const char *expected)
{
  g_autofree char *value = kv_store_get (opened->store, key, NULL);

  g_assert_cmpstr (value, ==, expected);
}

static void
assert_refused (Opened *opened, KvError code, const char *part)
{
  g_autofree char *before = NULL, *after = NULL;
  g_autoptr (GError) error = NULL;
  gsize before_length, after_length;

  g_assert_true (g_file_get_contents (opened->path, &before, &before_length, NULL));
  g_assert_false (opened_try (opened, KV_DURABILITY_STRICT, &error));
  g_assert_error (error, KV_ERROR, (int) code);
  if (!g_str_has_prefix (error->message, opened->path) || strstr (error->message, part) == NULL)
    g_error ("“%s” does not tell of “%s”", error->message, part);
  g_assert_true (g_file_get_contents (opened->path, &after, &after_length, NULL));
  g_assert_cmpmem (before, before_length, after, after_length);
}

static void
test_round_trip (Opened *opened, gconstpointer data)
{
  g_autoptr (KvEntry) entry = NULL, kept = NULL;
  KvJournalStatus counted;
  guint64 revision;
  struct stat status;
  KvOperation operation;
  gsize length;

  opened_open (opened, KV_DURABILITY_STRICT);
  g_assert_cmpint (g_stat (opened->path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0600);
  put (opened, "k", "1", -1);
  put (opened, "k", "2", -1);
  put (opened, "ünï", "", -1);
  put (opened, "gone", "x", -1);
  g_assert_cmpuint (kv_store_delete (opened->store, "gone", NULL), >, 0);
  g_assert_true (kv_operation_init_put (&operation, "nul", -1, "a\0b", 3, KV_NO_DEADLINE, NULL));
  {
    g_autoptr (KvTransaction) transaction = kv_transaction_new (FALSE);

    kv_transaction_add (transaction, &operation);
    kv_outcome_unref (kv_store_commit (opened->store, transaction, NULL));
  }
  entry = kv_store_lookup (opened->store, "k", -1);
  revision = kv_store_get_revision (opened->store);

  reopen (opened);
  kept = kv_store_lookup (opened->store, "k", -1);
  g_assert_cmpstr (kv_entry_get_value (kept, NULL), ==, "2");
  g_assert_cmpuint (kv_entry_get_revision (kept), ==, kv_entry_get_revision (entry));
  g_assert_cmpint (kv_entry_get_deadline (kept), ==, KV_NO_DEADLINE);
  g_clear_pointer (&kept, kv_entry_unref);
  kept = kv_store_lookup (opened->store, "nul", -1);
  g_assert_cmpmem (kv_entry_get_value (kept, &length), 3, "a\0b", 3);
  g_assert_cmpuint (length, ==, 3);
  g_assert_cmpuint (kv_store_count (opened->store), ==, 3);
  g_assert_cmpuint (kv_store_get_revision (opened->store), >, revision);

  put (opened, "more", "x", -1);
  kv_journal_get_status (opened->journal, &counted);
  g_assert_false (counted.failing);
  g_assert_cmpuint (counted.keys, ==, 3);
  g_assert_cmpuint (counted.changes, ==, 1);
  g_assert_cmpstr (kv_journal_get_location (opened->journal), ==, opened->path);
}

/* The wall clock says less than the highest revision, which belonged to a key that is gone. */
static void
test_revisions_go_on (Opened *opened, gconstpointer data)
{
  const guint64 high = (G_GUINT64_CONSTANT (1) << 52) + 7;

  opened_open (opened, KV_DURABILITY_STRICT);
  put (opened, "k", "1", -1);
  g_assert_true (opened_close (opened));
  opened_run_sql (opened, "UPDATE entries SET revision = (1 << 52) + 6");
  opened_open (opened, KV_DURABILITY_STRICT);
  g_assert_cmpuint (kv_store_delete (opened->store, "k", NULL), ==, high);
  reopen (opened);
  g_assert_cmpuint (kv_store_get_revision (opened->store), ==, high);
}

static gint64
get_time_left (Opened *opened, const char *key)
{
  g_autoptr (KvEntry) entry = kv_store_lookup (opened->store, key, -1);

  return entry != NULL ? kv_entry_get_deadline (entry) - kv_clock_now () : -1;
}

static void
test_deadlines_in_the_same_boot (Opened *opened, gconstpointer data)
{
  g_autoptr (KvEntry) before = NULL, after = NULL;

  opened_open (opened, KV_DURABILITY_STRICT);
  put (opened, "k", "v", HOUR);
  before = kv_store_lookup (opened->store, "k", -1);
  g_assert_true (opened_close (opened));
  /* Whatever was done to the wall clock: it does not come into it. */
  opened_run_sql (opened, "UPDATE boots SET wall = 5");
  opened_open (opened, KV_DURABILITY_STRICT);
  after = kv_store_lookup (opened->store, "k", -1);
  g_assert_cmpint (kv_entry_get_deadline (after), ==, kv_entry_get_deadline (before));
}

static void
test_deadlines_in_another_boot (Opened *opened, gconstpointer data)
{
  opened_open (opened, KV_DURABILITY_STRICT);
  put (opened, "long", "v", 3 * HOUR);
  put (opened, "short", "v", HOUR / 2);
  put (opened, "ever", "v", -1);
  g_assert_true (opened_close (opened));
  /* The machine was off for an hour. */
  opened_run_sql (opened, "UPDATE boots SET id = 'earlier', wall = wall - 3600000000");
  opened_open (opened, KV_DURABILITY_STRICT);
  g_assert_cmpint (ABS (get_time_left (opened, "long") - 2 * HOUR), <, 60 * SECOND);
  g_assert_cmpint (get_time_left (opened, "short"), ==, -1);
  g_assert_cmpuint (kv_store_count (opened->store), ==, 2);

  /* Twice more, and set back by a year in between: never longer than what was left. */
  g_assert_true (opened_close (opened));
  opened_run_sql (opened, "UPDATE boots SET wall = wall + 31536000000000");
  opened_open (opened, KV_DURABILITY_STRICT);
  g_assert_cmpint (get_time_left (opened, "long"), <=, 3 * HOUR + 2 * SECOND);
  put (opened, "long", "w", 7 * HOUR);
  reopen (opened);
  g_assert_cmpint (get_time_left (opened, "long"), >, 6 * HOUR);
}

/* What expired while nobody ran is told as expired, and is gone from the file then. */
static void
test_expired_while_stopped (Opened *opened, gconstpointer data)
{
  g_autofree char *kept = NULL;
  KvStoreStatus status;

  opened_open (opened, KV_DURABILITY_STRICT);
  put (opened, "k0", "v", HOUR / 2);
  put (opened, "k1", "v", -1);
  g_assert_true (opened_close (opened));
  /* The machine was off for an hour: a short life might have ended before. */
  opened_run_sql (opened, "UPDATE boots SET id = 'earlier', wall = wall - 3600000000");
  opened_open (opened, KV_DURABILITY_STRICT);
  g_assert_cmpuint (kv_store_count (opened->store), ==, 1);
  do
    {
      g_main_context_iteration (NULL, FALSE);
      kv_store_get_status (opened->store, &status);
    }
  while (status.expirations == 0);
  kept = opened_read_copy (opened);
  g_assert_cmpstr (kept, ==, "k1=v");
}

static void
test_directories_are_made (Opened *opened, gconstpointer data)
{
  struct stat status;
  g_autofree char *directory = g_build_filename (opened->directory, "a", "b", NULL);

  g_free (opened->path);
  opened->path = g_build_filename (directory, "kv.db", NULL);
  opened_open (opened, KV_DURABILITY_STRICT);
  g_assert_cmpint (g_stat (directory, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0700);
}

static void
test_no_directory (Opened *opened, gconstpointer data)
{
  g_autofree char *file = g_build_filename (opened->directory, "file", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  g_free (opened->path);
  opened->path = g_build_filename (file, "sub", "kv.db", NULL);
  g_assert_false (opened_try (opened, KV_DURABILITY_STRICT, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (error->message, "directory"));
}

/* A device would get something beside it, and a pipe would be written to. */
static void
test_no_regular_file (Opened *opened, gconstpointer data)
{
  g_autoptr (GDir) directory = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (mkfifo (opened->path, 0600), ==, 0);
  g_assert_false (opened_try (opened, KV_DURABILITY_STRICT, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (error->message, "no regular file"));
  directory = g_dir_open (opened->directory, 0, NULL);
  g_assert_cmpstr (g_dir_read_name (directory), ==, "kv.db");
  g_assert_null (g_dir_read_name (directory));
}

static void
test_second_one_is_refused (Opened *opened, gconstpointer data)
{
  Opened second = *opened;
  g_autofree char *expected = g_strdup_printf ("process %d serves", (int) getpid ());
  g_autoptr (GError) error = NULL;

  opened_open (opened, KV_DURABILITY_STRICT);
  g_assert_false (opened_try (&second, KV_DURABILITY_STRICT, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (error->message, expected));
  put (opened, "k", "v", -1);
  reopen (opened);
}

/* Another program that has the file open. */
static void
test_busy (Opened *opened, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  sqlite3 *db;

  opened_open (opened, KV_DURABILITY_STRICT);
  g_assert_true (opened_close (opened));
  g_assert_cmpint (sqlite3_open (opened->path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_false (opened_try (opened, KV_DURABILITY_STRICT, &error));
  g_assert_nonnull (strstr (error->message, "another program"));
  sqlite3_close (db);
  opened_open (opened, KV_DURABILITY_STRICT);
}

static void
test_newer_schema (Opened *opened, gconstpointer data)
{
  opened_open (opened, KV_DURABILITY_STRICT);
  put (opened, "k", "v", -1);
  g_assert_true (opened_close (opened));
  opened_run_sql (opened, "PRAGMA user_version = 99");
  assert_refused (opened, KV_ERROR_FAILED, "newer kvstored");
}

static void
test_foreign (Opened *opened, gconstpointer data)
{
  opened_run_sql (opened, "CREATE TABLE bookmarks (url)");
  assert_refused (opened, KV_ERROR_FAILED, "another program");
  g_unlink (opened->path);
  opened_run_sql (opened, "PRAGMA application_id = 77; CREATE TABLE t (x)");
  assert_refused (opened, KV_ERROR_FAILED, "another program");
  g_unlink (opened->path);
  g_assert_true (g_file_set_contents (opened->path, "This is no database at all.", -1, NULL));
  assert_refused (opened, KV_ERROR_FAILED, "no SQLite database");
}

static void
test_bad_rows (Opened *opened, gconstpointer data)
{
  static const char *const rows[] = {
    "'', 'empty key', 5, NULL, NULL",
    "'k' || char(10), 'control', 5, NULL, NULL",
    "CAST (x'ff' AS TEXT), 'no UTF-8', 5, NULL, NULL",
    "'k', CAST (x'ff' AS TEXT), 5, NULL, NULL",
    "'k', x'00', 5, NULL, NULL",
    "'k', 'v', 'r', NULL, NULL",
    "'k', 'v', 0, NULL, NULL",
    "'k', 'v', 1 << 53, NULL, NULL",
    "'k', 'v', 5, 5, 77",
    "'k', 'v', 5, 'x', 1",
    "hex (zeroblob (600)), 'long', 5, NULL, NULL",
  };

  opened_open (opened, KV_DURABILITY_STRICT);
  g_assert_true (opened_close (opened));
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *sql = g_strdup_printf ("DELETE FROM entries; INSERT INTO entries (key, "
                                              "value, revision, deadline, boot) VALUES (%s)",
                                              rows[i]);

      opened_run_sql (opened, sql);
      assert_refused (opened, KV_ERROR_FAILED, "damaged");
    }
  opened_run_sql (opened, "DELETE FROM entries; DELETE FROM state");
  assert_refused (opened, KV_ERROR_FAILED, "damaged");
}

/* Puts another one in its place, which is empty. */
static void
damage_index (Opened *opened)
{
  opened_run_sql (opened, "CREATE TABLE other (x UNIQUE); PRAGMA writable_schema = ON;"
                          "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master"
                          " WHERE name = 'sqlite_autoindex_other_1')"
                          " WHERE name = 'sqlite_autoindex_entries_1'");
}

/* Only a damaged index lets that happen. */
static void
test_key_twice (Opened *opened, gconstpointer data)
{
  opened_open (opened, KV_DURABILITY_STRICT);
  put (opened, "k", "v", -1);
  g_assert_true (opened_close (opened));
  damage_index (opened);
  opened_run_sql (opened, "INSERT INTO entries (key, value, revision) VALUES ('k', 'w', 5)");
  assert_refused (opened, KV_ERROR_FAILED, "twice");
}

/* A key that is not found cannot be removed, and one that is put would be there twice. */
static void
test_damaged_index (Opened *opened, gconstpointer data)
{
  opened_open (opened, KV_DURABILITY_STRICT);
  put (opened, "removed", "v", -1);
  put (opened, "replaced", "v", -1);
  put (opened, "left", "v", -1);
  g_assert_true (opened_close (opened));
  damage_index (opened);
  opened_open (opened, KV_DURABILITY_STRICT);
  g_assert_cmpuint (kv_store_count (opened->store), ==, 3);
  g_assert_cmpuint (kv_store_delete (opened->store, "removed", NULL), >, 0);
  put (opened, "replaced", "w", -1);
  reopen (opened);
  g_assert_cmpuint (kv_store_count (opened->store), ==, 2);
  assert_value (opened, "replaced", "w");
  assert_value (opened, "left", "v");
}

static char *
fill (Opened *opened, gsize *length)
{
  char *contents;

  opened_open (opened, KV_DURABILITY_RELAXED);
  for (guint i = 0; i < 500; i++)
    {
      g_autofree char *key = g_strdup_printf ("key-%u", i);

      put (opened, key, "a value of some length, to fill pages with", i % 3 ? -1 : HOUR);
    }
  g_assert_true (opened_close (opened));
  g_assert_true (g_file_get_contents (opened->path, &contents, length, NULL));
  return contents;
}

/* Opens what may be damaged: it may be refused, and must not crash. */
static gboolean
try_damaged (Opened *opened, const char *contents, gsize length)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (opened->path, contents, (gssize) length, NULL));
  if (opened_try (opened, KV_DURABILITY_STRICT, &error))
    {
      kv_store_put (opened->store, "key-7", "another", -1, NULL);
      opened_close (opened);
      return TRUE;
    }
  g_assert_true (g_str_has_prefix (error->message, opened->path));
  return FALSE;
}

static void
test_truncated (Opened *opened, gconstpointer data)
{
  gsize length;
  g_autofree char *contents = fill (opened, &length);

  for (gsize cut = 4096; cut < length; cut += 4096)
    g_assert_false (try_damaged (opened, contents, cut));
  g_assert_false (try_damaged (opened, contents, length - 1000));
  g_assert_false (try_damaged (opened, contents, 60));
  g_assert_true (try_damaged (opened, contents, length));
}

static void
test_flipped_bits (Opened *opened, gconstpointer data)
{
  gsize length;
  g_autofree char *contents = fill (opened, &length);
  guint refused = 0;

  for (gsize i = 0; i < 200; i++)
    {
      /* The heads of the pages, where it hurts, and anywhere. */
      gsize place = i % 2 ? (i / 2 * 4096 + i % 64) % length : (i * 7919) % length;

      contents[place] ^= (char) (1 << i % 8);
      refused += !try_damaged (opened, contents, length);
      contents[place] ^= (char) (1 << i % 8);
    }
  g_assert_cmpuint (refused, >, 20);
  g_assert_true (try_damaged (opened, contents, length));
}

static int
read_version (sqlite3 *db)
{
  sqlite3_stmt *statement;
  int version;

  sqlite3_prepare_v2 (db, "PRAGMA user_version", -1, &statement, NULL);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  version = sqlite3_column_int (statement, 0);
  sqlite3_finalize (statement);
  return version;
}

static void
test_migrations (Opened *opened, gconstpointer data)
{
  static const char *const steps[] = { "CREATE TABLE a (x); INSERT INTO a VALUES (1)",
                                       "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1",
                                       "CREATE TABLE b AS SELECT x + y AS z FROM a" };
  const char *const broken[] = { steps[0], steps[1], "DROP TABLE a; CREATE TABLE (" };
  g_autoptr (GError) error = NULL;
  sqlite3 *db;

  g_assert_cmpint (sqlite3_open (opened->path, &db), ==, SQLITE_OK);
  g_assert_true (kv_sqlite_schema_upgrade (db, 0, steps, 1, NULL));
  g_assert_cmpint (read_version (db), ==, 1);

  /* All or nothing: what went well before the failure is undone too. */
  g_assert_false (kv_sqlite_schema_upgrade (db, 1, broken, 3, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
  g_assert_cmpint (read_version (db), ==, 1);
  g_assert_cmpint (sqlite3_exec (db, "SELECT y FROM a", NULL, NULL, NULL), ==, SQLITE_ERROR);

  g_assert_true (kv_sqlite_schema_upgrade (db, 1, steps, 3, NULL));
  g_assert_cmpint (read_version (db), ==, 3);
  g_assert_true (kv_sqlite_schema_upgrade (db, 3, steps, 3, NULL));
  sqlite3_exec (db, "CREATE TABLE ok AS SELECT 1 / (z = 3) FROM b", NULL, NULL, NULL);
  g_assert_cmpint (sqlite3_exec (db, "SELECT * FROM ok", NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (db);
}

/* The first version, as its first release wrote it. */
static void
test_version_1 (Opened *opened, gconstpointer data)
{
  g_autofree char *value = NULL;

  opened_run_sql (
    opened, "PRAGMA application_id = 1263948628; PRAGMA user_version = 1;"
            "CREATE TABLE entries (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,"
            " value TEXT NOT NULL, revision INTEGER NOT NULL, deadline INTEGER, boot INTEGER);"
            "CREATE TABLE boots (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
            " boottime INTEGER NOT NULL, wall INTEGER NOT NULL);"
            "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1),"
            " revision INTEGER NOT NULL);"
            "INSERT INTO state VALUES (1, 41);"
            "INSERT INTO entries VALUES (1, 'k', 'v', 40, NULL, NULL)");
  opened_open (opened, KV_DURABILITY_STRICT);
  value = kv_store_get (opened->store, "k", NULL);
  g_assert_cmpstr (value, ==, "v");
}

static void
assert_not_written (Opened *opened)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (kv_store_put (opened->store, "k", "lost", -1, &error), ==, 0);
  g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (error->message, "not there any more"));
  assert_value (opened, "k", "v");
}

/* Writes go on into what has no name any more, and would be gone with the process. */
static void
test_file_taken_away (Opened *opened, gconstpointer data)
{
  g_autofree char *elsewhere = g_strconcat (opened->path, ".moved", NULL);
  gint64 end = g_get_monotonic_time () + 30 * SECOND;

  opened_open (opened, KV_DURABILITY_STRICT);
  put (opened, "k", "v", -1);
  g_assert_cmpint (g_rename (opened->path, elsewhere), ==, 0);
  assert_not_written (opened);
  /* Nor into what is put in its place. */
  g_assert_true (g_file_set_contents (opened->path, "", 0, NULL));
  assert_not_written (opened);

  g_assert_cmpint (g_rename (elsewhere, opened->path), ==, 0);
  while (kv_store_put (opened->store, "k", "w", -1, NULL) == 0)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      g_usleep (10000);
    }
  reopen (opened);
  assert_value (opened, "k", "w");
}

/* What was in it is put into its place before that is too late. */
static void
test_log_taken_away (Opened *opened, gconstpointer data)
{
  g_autofree char *log = name_log (opened);

  opened_open (opened, KV_DURABILITY_STRICT);
  put (opened, "k", "v", -1);
  g_assert_cmpint (g_unlink (log), ==, 0);
  assert_not_written (opened);
  opened_close (opened);
  opened_open (opened, KV_DURABILITY_STRICT);
  assert_value (opened, "k", "v");
  put (opened, "k", "w", -1);
}

/* SQLite would throw the log away, as one that belongs to nothing. */
static void
test_log_without_file (Opened *opened, gconstpointer data)
{
  g_autofree char *log = name_log (opened);
  g_autofree char *contents = NULL, *after = NULL;
  gsize length, after_length;
  int fd;

  opened_open (opened, KV_DURABILITY_STRICT);
  put (opened, "k", "v", -1);
  g_assert_true (g_file_get_contents (log, &contents, &length, NULL));
  g_assert_true (opened_close (opened));
  g_assert_true (g_file_set_contents (log, contents, (gssize) length, NULL));
  /* In place: g_file_set_contents() would replace a link. */
  fd = g_open (opened->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
  assert_refused (opened, KV_ERROR_FAILED, "nothing in the file");
  g_assert_true (g_file_get_contents (log, &after, &after_length, NULL));
  g_assert_cmpmem (contents, length, after, after_length);
}

static gint64
get_log_size (Opened *opened)
{
  g_autofree char *path = g_strconcat (opened->path, "-wal", NULL);
  struct stat status;

  g_assert_cmpint (stat (path, &status), ==, 0);
  return status.st_size;
}

/* A file that grows with each write takes longer to be synced. */
static void
test_log_grows_in_steps (Opened *opened, gconstpointer data)
{
  gint64 size;

  opened_open (opened, KV_DURABILITY_STRICT);
  put (opened, "k", "v", -1);
  size = get_log_size (opened);
  for (guint i = 0; i < 50; i++)
    put (opened, "k", "v", -1);
  g_assert_cmpint (get_log_size (opened), ==, size);
  for (guint i = 0; i < 1000; i++)
    put (opened, "k", "v", -1);
  g_assert_cmpint (get_log_size (opened), >, size);
}

/* A journal on a damaged file has warnings to write. */
static GLogWriterOutput
swallow (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if ((level & G_LOG_LEVEL_MASK) >= G_LOG_LEVEL_WARNING)
    return G_LOG_WRITER_HANDLED;
  return g_log_writer_default (level, fields, n_fields, user_data);
}

#define ADD(name, func) g_test_add ("/journal/sqlite/" name, Opened, NULL, set_up, func, tear_down)
#define ADD_LINK(name, func)                                                                       \
  g_test_add ("/journal/sqlite/link/" name, Opened, NULL, set_up_link, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_log_set_writer_func (swallow, NULL, NULL);
  ADD ("round-trip", test_round_trip);
  ADD ("revisions-go-on", test_revisions_go_on);
  ADD ("deadlines-in-the-same-boot", test_deadlines_in_the_same_boot);
  ADD ("deadlines-in-another-boot", test_deadlines_in_another_boot);
  ADD ("expired-while-stopped", test_expired_while_stopped);
  ADD ("directories-are-made", test_directories_are_made);
  ADD ("no-directory", test_no_directory);
  ADD ("no-regular-file", test_no_regular_file);
  ADD ("second-one-is-refused", test_second_one_is_refused);
  ADD ("busy", test_busy);
  ADD ("newer-schema", test_newer_schema);
  ADD ("foreign", test_foreign);
  ADD ("bad-rows", test_bad_rows);
  ADD ("key-twice", test_key_twice);
  ADD ("damaged-index", test_damaged_index);
  ADD ("truncated", test_truncated);
  ADD ("flipped-bits", test_flipped_bits);
  ADD ("migrations", test_migrations);
  ADD ("version-1", test_version_1);
  ADD ("file-taken-away", test_file_taken_away);
  ADD ("log-taken-away", test_log_taken_away);
  ADD ("log-without-file", test_log_without_file);
  ADD_LINK ("log-taken-away", test_log_taken_away);
  ADD_LINK ("log-without-file", test_log_without_file);
  ADD ("log-grows-in-steps", test_log_grows_in_steps);
  return g_test_run ();
}
