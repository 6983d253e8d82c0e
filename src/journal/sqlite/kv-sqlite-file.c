/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#define G_LOG_DOMAIN "kvstore"

#include "journal/sqlite/kv-sqlite-file.h"

#include "core/kv-clock.h"
#include "core/kv-error.h"
#include "journal/sqlite/kv-sqlite-error.h"
#include "journal/sqlite/kv-sqlite-index.h"
#include "journal/sqlite/kv-sqlite-lock.h"
#include "journal/sqlite/kv-sqlite-log-vfs.h"
#include "journal/sqlite/kv-sqlite-place.h"
#include "journal/sqlite/kv-sqlite-schema.h"
#include "kv-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes of pages in the write-ahead log at which it is emptied in the midst of work. Less would mean to write the same pages
 * more often, and to stop for the disk more often; more, to stop for longer. A little less than what its file is cut to. */
#define LONG_LOG (15 * 1024 * 1024)

/* A log of this length may have the last room that there is on a disk: what is written again and again goes on in it. */
#define SHORT_LOG (1024 * 1024)

/* What the log's file is cut to after a large transaction. */
#define LOG_FILE_LIMIT "16777216"

/* Of a new file. Most entries are small, and one that changes is a page to be written: a quarter of SQLite's default is less to
 * copy, to sum up and to sync. Still less would be more pages to read for a large value, and at a start. */
#define NEW_PAGE_SIZE "1024"

/* How exactly the clocks are known after the machine was switched off. */
#define CLOCKS_INTERVAL G_USEC_PER_SEC

typedef enum {
  BEGIN,
  COMMIT,
  ROLLBACK,
  PUT,
  REMOVE,
  NOTE_REVISION,
  NOTE_CLOCKS,
  N_STATEMENTS
} Statement;

static const char put_sql[] =
  "INSERT INTO entries (key, value, revision, deadline, boot) VALUES (?1, ?2, ?3, ?4, ?5)"
  " ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision,"
  " deadline = excluded.deadline, boot = excluded.boot";

static const char *const sql[N_STATEMENTS] = {
  [BEGIN] = "BEGIN IMMEDIATE",
  [COMMIT] = "COMMIT",
  [ROLLBACK] = "ROLLBACK",
  [PUT] = put_sql,
  [REMOVE] = "DELETE FROM entries WHERE key = ?1",
  [NOTE_REVISION] = "UPDATE state SET revision = ?1",
  [NOTE_CLOCKS] = "UPDATE boots SET boottime = ?2, wall = ?3 WHERE number = ?1",
};

struct _KvSqliteFile {
  char *path;                             /* (owned) */
  char *log_path;                         /* (owned) (nullable): of the write-ahead log */
  int lock_fd;                            /* (owned) -1 */
  KvSqlitePlace *place;                   /* (owned) (nullable): once begun */
  sqlite3 *db;                            /* (owned) (nullable) */
  sqlite3_stmt *statements[N_STATEMENTS]; /* (owned) */
  KvSqliteBoots *boots;                   /* (owned) */
  gboolean begun;                         /* whether there is writing at all */
  gboolean index_damaged;                 /* it is to be made anew before anything is written */
  gint64 boot;                            /* the number of the boot in which we run, once begun */
  gint64 clocks_noted;                    /* kv_clock_now() when they were written last */
  int page_size;                          /* in bytes */
  int log_pages;                          /* in the write-ahead log, since it was last emptied */
  int most_log_pages;                     /* at which it is emptied */
};

static int
on_log_written (void *user_data, sqlite3 *db, const char *name, int pages)
{
  ((KvSqliteFile *) user_data)->log_pages = pages;
  return SQLITE_OK;
}

static gboolean
run_sql (KvSqliteFile *self, const char *text, GError **error)
{
  return sqlite3_exec (self->db, text, NULL, NULL, NULL) == SQLITE_OK
         || kv_sqlite_error_set (self->db, error);
}

/* Nothing here writes to the file, but that a file of ours that was not closed in order gets its index of the log in memory:
 * an exclusive lock, which also keeps other programs from holding us up, needs no shared one. */
static gboolean
connect_to_file (KvSqliteFile *self, GError **error)
{
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;

  if (sqlite3_open_v2 (self->path, &self->db, flags, kv_sqlite_log_vfs_get_name ()) != SQLITE_OK)
    return kv_sqlite_error_set (self->db, error);
  sqlite3_extended_result_codes (self->db, 1);
  sqlite3_db_config (self->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  sqlite3_db_config (self->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  return run_sql (self,
                  "PRAGMA page_size = " NEW_PAGE_SIZE ";"
                  "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cell_size_check = ON;"
                  "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;",
                  error);
}

static gboolean
read_page_size (KvSqliteFile *self, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gboolean ok = sqlite3_prepare_v2 (self->db, "PRAGMA page_size", -1, &statement, NULL) == SQLITE_OK
                && sqlite3_step (statement) == SQLITE_ROW;

  if (ok)
    self->page_size = sqlite3_column_int (statement, 0);
  else
    kv_sqlite_error_set (self->db, error);
  sqlite3_finalize (statement);
  return ok;
}

static guint64
get_file_size (const char *path)
{
  struct stat info;

  return stat (path, &info) == 0 ? (guint64) info.st_size : 0;
}

/* Settles how long the log may become. With little room on the disk it would take all of that, and what is in it could not be moved
 * to its place, which takes as much again at most; the transaction that it is too long with may be a large one. */
static void
bound_log (KvSqliteFile *self)
{
  guint64 room = get_file_size (self->log_path) + kv_sqlite_place_get_room (self->path);

  self->most_log_pages = (int) MIN (LONG_LOG, room / 4) / self->page_size;
}

/* A commit is on the disk when it returns, in relaxed mode too: there it is one a second at most, which costs nothing. */
static gboolean
set_up_log (KvSqliteFile *self, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gboolean ok =
    sqlite3_prepare_v2 (self->db, "PRAGMA journal_mode = WAL", -1, &statement, NULL) == SQLITE_OK
    && sqlite3_step (statement) == SQLITE_ROW
    && g_strcmp0 ((const char *) sqlite3_column_text (statement, 0), "wal") == 0;

  if (!ok)
    kv_sqlite_error_set (self->db, error);
  sqlite3_finalize (statement);
  if (!ok
      || !run_sql (self,
                   "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
                   "PRAGMA journal_size_limit = " LOG_FILE_LIMIT ";"
                   "PRAGMA cache_size = -8192;",
                   error))
    return FALSE;
  sqlite3_wal_hook (self->db, on_log_written, self);
  return read_page_size (self, error);
}

static gboolean
prepare (KvSqliteFile *self, GError **error)
{
  for (guint i = 0; i < N_STATEMENTS; i++)
    if (sqlite3_prepare_v3 (self->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &self->statements[i],
                            NULL)
        != SQLITE_OK)
      return kv_sqlite_error_set (self->db, error);
  return TRUE;
}

static gboolean
open_all (KvSqliteFile *self, GError **error)
{
  g_autofree char *resolved = NULL;
  int version;

  if (!kv_sqlite_place_create_directories (self->path, error))
    return FALSE;
  resolved = kv_sqlite_place_resolve (self->path);
  if (!kv_sqlite_place_check_kind (resolved, error))
    return FALSE;
  self->lock_fd = kv_sqlite_lock_take (resolved, error);
  if (self->lock_fd < 0 || !kv_sqlite_place_create_file (self->path, error))
    return FALSE;
  self->log_path = kv_sqlite_place_name_log (self->path);
  if (kv_sqlite_place_is_remote (self->path))
    g_warning (
      _ ("%s is on another machine: after a crash, what was answered as done may be missing, "
         "or the file be damaged"),
      self->path);
  return connect_to_file (self, error) && kv_sqlite_schema_check (self->db, &version, error)
         && set_up_log (self, error)
         && kv_sqlite_schema_upgrade (self->db, version, kv_sqlite_schema_steps,
                                      kv_sqlite_schema_n_steps, error)
         && prepare (self, error);
}

KvSqliteFile *
kv_sqlite_file_open (const char *path, GError **error)
{
  KvSqliteFile *self = g_new0 (KvSqliteFile, 1);

  self->path = g_strdup (path);
  self->lock_fd = -1;
  self->boots = kv_sqlite_boots_new ();
  if (open_all (self, error))
    return self;

  g_prefix_error (error, "%s: ", path);
  kv_sqlite_file_close (self);
  return NULL;
}

void
kv_sqlite_file_close (KvSqliteFile *self)
{
  for (guint i = 0; i < N_STATEMENTS; i++)
    sqlite3_finalize (self->statements[i]);
  sqlite3_close (self->db);
  if (self->lock_fd >= 0)
    close (self->lock_fd);
  kv_sqlite_boots_free (self->boots);
  g_clear_pointer (&self->place, kv_sqlite_place_free);
  g_free (self->path);
  g_free (self->log_path);
  g_free (self);
}

const char *
kv_sqlite_file_get_path (KvSqliteFile *self)
{
  return self->path;
}

sqlite3 *
kv_sqlite_file_get_db (KvSqliteFile *self)
{
  return self->db;
}

KvSqliteBoots *
kv_sqlite_file_get_boots (KvSqliteFile *self)
{
  return self->boots;
}

/* Runs a statement that gives no rows, and makes it ready for the next time. */
static gboolean
run (KvSqliteFile *self, Statement which)
{
  sqlite3_stmt *statement = self->statements[which];
  gboolean done = sqlite3_step (statement) == SQLITE_DONE;

  /* That resets with the same error, which stays the connection's. */
  sqlite3_reset (statement);
  return done;
}

static gboolean
note_clocks (KvSqliteFile *self)
{
  sqlite3_stmt *statement = self->statements[NOTE_CLOCKS];

  self->clocks_noted = kv_clock_now ();
  sqlite3_bind_int64 (statement, 1, self->boot);
  sqlite3_bind_int64 (statement, 2, self->clocks_noted);
  sqlite3_bind_int64 (statement, 3, g_get_real_time ());
  return run (self, NOTE_CLOCKS);
}

static gboolean
put (KvSqliteFile *self, const KvEntry *entry)
{
  sqlite3_stmt *statement = self->statements[PUT];
  gint64 deadline = kv_entry_get_deadline (entry);
  gsize key_length, value_length;
  const char *key = kv_entry_get_key (entry, &key_length);
  const char *value = kv_entry_get_value (entry, &value_length);

  sqlite3_bind_text64 (statement, 1, key, key_length, SQLITE_STATIC, SQLITE_UTF8);
  if (sqlite3_bind_text64 (statement, 2, value, value_length, SQLITE_STATIC, SQLITE_UTF8)
      != SQLITE_OK)
    return FALSE;
  sqlite3_bind_int64 (statement, 3, (gint64) kv_entry_get_revision (entry));
  if (deadline != KV_NO_DEADLINE)
    {
      sqlite3_bind_int64 (statement, 4, deadline);
      sqlite3_bind_int64 (statement, 5, self->boot);
    }
  else
    {
      sqlite3_bind_null (statement, 4);
      sqlite3_bind_null (statement, 5);
    }
  return run (self, PUT);
}

static gboolean
remove_key (KvSqliteFile *self, const KvEntry *entry)
{
  gsize length;
  const char *key = kv_entry_get_key (entry, &length);

  sqlite3_bind_text64 (self->statements[REMOVE], 1, key, length, SQLITE_STATIC, SQLITE_UTF8);
  return run (self, REMOVE);
}

static gboolean
note_revision (KvSqliteFile *self, guint64 revision)
{
  sqlite3_bind_int64 (self->statements[NOTE_REVISION], 1, (gint64) revision);
  return run (self, NOTE_REVISION);
}

static gboolean
write_changes (KvSqliteFile *self, GArray *changes, guint64 revision)
{
  gboolean noted = FALSE;

  for (guint i = 0; i < changes->len; i++)
    {
      const KvChange *change = &g_array_index (changes, KvChange, i);

      if (change->entry == NULL ? !remove_key (self, change->previous) : !put (self, change->entry))
        return FALSE;
      noted = noted || (change->entry != NULL && change->revision == revision);
    }
  return noted || note_revision (self, revision);
}

/* The write-ahead log counts as far as its last whole record of a commit goes. When writing fails that record is not whole.
 * When all was written and it is the disk that does not confirm it, whoever reads the file next would find it. */
static KvSqliteOutcome
judge (int code)
{
  switch (code)
    {
    case SQLITE_FULL:
    case SQLITE_IOERR_WRITE:
      return KV_SQLITE_NOT_WRITTEN;
    default:
      return KV_SQLITE_IN_DOUBT;
    }
}

/* Ends a transaction in which @ok says whether everything went well so far. */
static KvSqliteOutcome
finish (KvSqliteFile *self, gboolean ok, GError **error)
{
  KvSqliteOutcome outcome = KV_SQLITE_NOT_WRITTEN;

  if (ok)
    {
      if (run (self, COMMIT))
        return KV_SQLITE_WRITTEN;
      outcome = judge (sqlite3_extended_errcode (self->db));
    }
  kv_sqlite_error_set (self->db, error);
  if (!sqlite3_get_autocommit (self->db))
    run (self, ROLLBACK);
  self->clocks_noted = 0;
  return outcome;
}

static gboolean
forget_boots (KvSqliteFile *self)
{
  g_autoptr (GArray) unused = kv_sqlite_boots_list_unused (self->boots);

  for (guint i = 0; i < unused->len; i++)
    {
      g_autofree char *text = g_strdup_printf ("DELETE FROM boots WHERE number = %" G_GINT64_FORMAT,
                                               g_array_index (unused, gint64, i));

      if (sqlite3_exec (self->db, text, NULL, NULL, NULL) != SQLITE_OK)
        return FALSE;
    }
  return TRUE;
}

/* Gives the boot in which we run a number, if it has none yet. */
static gboolean
number_boot (KvSqliteFile *self)
{
  sqlite3_stmt *statement = NULL;
  gboolean ok = sqlite3_prepare_v2 (self->db,
                                    "INSERT INTO boots (id, boottime, wall) VALUES (?1, 0, 0)"
                                    " ON CONFLICT (id) DO UPDATE SET id = id RETURNING number",
                                    -1, &statement, NULL)
                == SQLITE_OK;

  if (ok)
    {
      sqlite3_bind_text (statement, 1, kv_sqlite_boots_get_id (self->boots), -1, SQLITE_STATIC);
      ok = sqlite3_step (statement) == SQLITE_ROW;
      self->boot = ok ? sqlite3_column_int64 (statement, 0) : 0;
      ok = ok && sqlite3_step (statement) == SQLITE_DONE;
    }
  sqlite3_finalize (statement);
  return ok;
}

static KvSqliteOutcome
begin (KvSqliteFile *self, GError **error)
{
  gboolean ok =
    run (self, BEGIN) && forget_boots (self) && number_boot (self) && note_clocks (self);
  KvSqliteOutcome outcome = finish (self, ok, error);

  if (outcome != KV_SQLITE_WRITTEN)
    return outcome;
  self->begun = TRUE;
  bound_log (self);
  self->place = kv_sqlite_place_new (self->path, self->log_path);
  /* From here on it is ours to put in order. */
  sqlite3_db_config (self->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
  return outcome;
}

gboolean
kv_sqlite_file_begin (KvSqliteFile *self, GError **error)
{
  return begin (self, error) == KV_SQLITE_WRITTEN;
}

void
kv_sqlite_file_rebuild_index (KvSqliteFile *self)
{
  self->index_damaged = TRUE;
}

static gboolean
mend_index (KvSqliteFile *self, GError **error)
{
  if (!self->index_damaged)
    return TRUE;
  self->index_damaged = !kv_sqlite_index_rebuild (self->db, error);
  return !self->index_damaged;
}

KvSqliteOutcome
kv_sqlite_file_write (KvSqliteFile *self, GArray *changes, guint64 revision, GError **error)
{
  gboolean ok;

  if (!self->begun && !kv_sqlite_file_begin (self, error))
    return KV_SQLITE_NOT_WRITTEN;
  if (!kv_sqlite_place_check (self->place, error) || !mend_index (self, error))
    return KV_SQLITE_NOT_WRITTEN;

  ok = run (self, BEGIN) && write_changes (self, changes, revision);
  if (ok && kv_clock_now () - self->clocks_noted >= CLOCKS_INTERVAL)
    ok = note_clocks (self);
  return finish (self, ok, error);
}

KvSqliteOutcome
kv_sqlite_file_probe (KvSqliteFile *self, GError **error)
{
  if (!self->begun)
    return begin (self, error);
  if (!kv_sqlite_place_check (self->place, error) || !mend_index (self, error))
    return KV_SQLITE_NOT_WRITTEN;
  return finish (self, run (self, BEGIN) && note_clocks (self), error);
}

guint64
kv_sqlite_file_measure (KvSqliteFile *self)
{
  return get_file_size (self->path) + get_file_size (self->log_path);
}

gboolean
kv_sqlite_file_needs_checkpoint (KvSqliteFile *self)
{
  return self->log_pages >= self->most_log_pages;
}

gboolean
kv_sqlite_file_has_log (KvSqliteFile *self)
{
  /* What an earlier run may have left is not counted. */
  return self->log_pages > 0 || !self->begun;
}

/* Whether the log's file leaves the database too little room to grow by what the log may hold. */
static gboolean
is_log_in_the_way (KvSqliteFile *self)
{
  guint64 size = get_file_size (self->log_path);

  return size > SHORT_LOG && size > kv_sqlite_place_get_room (self->path);
}

gboolean
kv_sqlite_file_checkpoint (KvSqliteFile *self, GError **error)
{
  int mode = is_log_in_the_way (self) ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  int code = sqlite3_wal_checkpoint_v2 (self->db, NULL, mode, NULL, NULL);
  int pages = self->log_pages;

  self->log_pages = 0;
  bound_log (self);
  if (code == SQLITE_OK)
    return TRUE;
  /* It is tried again after as much more work, and not at once. */
  self->most_log_pages += pages;
  return kv_sqlite_error_set (self->db, error);
}
