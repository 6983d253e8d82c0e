/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
/* The thread that writes.
 *
 *   loading --> writing <--> failing --> closed
 *         \             \--> in doubt --/
 *          \--> failing (the disk can be read, and not be written to)
 *
 * writing    takes all that has been decided, writes it in one transaction, and tells the store that it is kept
 * failing    a transaction was not written: the store has undone it (strict) or holds it still (relaxed), and refuses
 *            writes; it is tried again every second
 * in doubt   (strict) a transaction was written and the disk did not confirm it: it may turn up after a crash. Nobody is
 *            told anything until another transaction has taken its place in the file, and then that it failed
 *
 * The lock is never held when the store is called: the store calls on_wake() under its own. */
#define G_LOG_DOMAIN "kvstore"

#include "journal/sqlite/kv-sqlite-journal.h"

#include "core/kv-error.h"
#include "journal/sqlite/kv-sqlite-file.h"
#include "journal/sqlite/kv-sqlite-index.h"
#include "journal/sqlite/kv-sqlite-loader.h"
#include "journal/sqlite/kv-sqlite-return.h"
#include "kv-config.h"

#include <glib/gi18n-lib.h>

/* Relaxed: how long changes are gathered. Half of the second that is promised, so that the other half is for the disk. */
#define GATHER_TIME (G_USEC_PER_SEC / 2)

#define RETRY_INTERVAL G_USEC_PER_SEC

/* A quiet moment: the write-ahead log is emptied. */
#define QUIET_TIME (5 * G_USEC_PER_SEC)

/* How often the file is measured while it is written to. */
#define MEASURE_INTERVAL G_USEC_PER_SEC

/* A disk that fails for every other write is not to fill the log. */
#define COMPLAINT_INTERVAL (10 * G_USEC_PER_SEC)

static const KvKeeperLimits limits = {
  .many_changes = 64 * 1024,
  .many_bytes = 32 * 1024 * 1024,
  .most_changes = 1024 * 1024,
  .most_bytes = 256 * 1024 * 1024,
};

struct _KvSqliteJournal {
  GObject parent_instance;

  char *path; /* (owned) */
  KvDurability durability;
  KvStore *store;  /* (owned) (nullable): from the opening on */
  GThread *thread; /* (owned) (nullable) */

  /* The thread's own. */
  KvSqliteFile *file; /* (owned) (nullable) */
  gboolean failing;
  gboolean in_doubt;
  gboolean finishing;
  GError *reason;     /* (owned) (nullable): why it fails */
  gint64 complained;  /* when that was last logged */
  gboolean is_logged; /* whether it was this time */
  gint64 measured;    /* when the file was last measured */
  guint64 digest;     /* of what was loaded, for kv_sqlite_index_check() */

  GMutex lock; /* guards all below */
  GCond changed;
  gboolean has_work;
  gboolean urgent;
  gint64 gathered; /* relaxed: when what has come is to be written, in monotonic microseconds */
  gboolean closing;
  GTask *closing_task; /* (owned) (nullable): returned when that is done */
  KvJournalStatus status;
};

static void kv_sqlite_journal_implement (KvJournalInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE (KvSqliteJournal,
                               kv_sqlite_journal,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (KV_TYPE_JOURNAL, kv_sqlite_journal_implement))

/* In a writer's thread, under the store's commit lock. */
static void
on_wake (gboolean urgent, gpointer user_data)
{
  KvSqliteJournal *self = user_data;

  g_mutex_lock (&self->lock);
  if (!self->has_work)
    self->gathered = g_get_monotonic_time () + GATHER_TIME;
  self->has_work = TRUE;
  self->urgent = self->urgent || urgent;
  g_mutex_unlock (&self->lock);
  g_cond_signal (&self->changed);
}

static void
note_failing (KvSqliteJournal *self, gboolean failing)
{
  self->failing = failing;
  g_mutex_lock (&self->lock);
  self->status.failing = failing;
  g_mutex_unlock (&self->lock);
}

static void
note_failure (KvSqliteJournal *self)
{
  g_mutex_lock (&self->lock);
  self->status.failures++;
  g_mutex_unlock (&self->lock);
}

/* Whoever asks for the size is not to wait for a disk. */
static void
measure (KvSqliteJournal *self, gint64 now)
{
  guint64 size = kv_sqlite_file_measure (self->file);

  self->measured = now;
  g_mutex_lock (&self->lock);
  self->status.size = size;
  g_mutex_unlock (&self->lock);
}

static void
note_commit (KvSqliteJournal *self, guint64 changes, gint64 began)
{
  gint64 now = g_get_monotonic_time ();

  g_mutex_lock (&self->lock);
  self->status.commits++;
  self->status.changes += changes;
  kv_histogram_observe (&self->status.commit_times, now - began);
  g_mutex_unlock (&self->lock);
  if (now - self->measured >= MEASURE_INTERVAL)
    measure (self, now);
}

static void
complain (KvSqliteJournal *self, const char *message)
{
  gint64 now = g_get_monotonic_time ();

  self->is_logged = self->complained == 0 || now - self->complained >= COMPLAINT_INTERVAL;
  if (!self->is_logged)
    return;
  self->complained = now;
  g_warning (_ ("Cannot write to %s: %s"), self->path, message);
}

static void
heal (KvSqliteJournal *self)
{
  note_failing (self, FALSE);
  g_clear_error (&self->reason);
  if (!self->finishing)
    kv_store_keeper_resume (self->store);
  if (self->is_logged)
    g_message (_ ("Writing to %s works"), self->path);
}

static void
empty_log (KvSqliteJournal *self)
{
  g_autoptr (GError) error = NULL;

  if (!kv_sqlite_file_checkpoint (self->file, &error))
    complain (self, error->message);
  measure (self, g_get_monotonic_time ());
}

/* Strict: what was decided has been undone, or will be here; only a probe tells when to go on. */
static void
probe (KvSqliteJournal *self)
{
  g_autoptr (GError) error = NULL;
  KvSqliteOutcome outcome = kv_sqlite_file_probe (self->file, &error);

  /* On a full disk there may be room yet in the log, when what is in it has been moved to its place. */
  if (outcome == KV_SQLITE_NOT_WRITTEN && kv_sqlite_file_has_log (self->file))
    {
      kv_sqlite_file_checkpoint (self->file, NULL);
      measure (self, g_get_monotonic_time ());
      outcome = kv_sqlite_file_probe (self->file, NULL);
    }
  if (outcome != KV_SQLITE_WRITTEN)
    note_failure (self);
  if (self->in_doubt && outcome != KV_SQLITE_NOT_WRITTEN)
    {
      self->in_doubt = FALSE;
      kv_store_keeper_fail (self->store, self->reason);
    }
  if (outcome == KV_SQLITE_WRITTEN)
    heal (self);
}

static void
begin_to_fail (KvSqliteJournal *self, KvSqliteOutcome outcome, const GError *error)
{
  gboolean strict = self->durability == KV_DURABILITY_STRICT;

  g_clear_error (&self->reason);
  self->reason =
    g_error_new (KV_ERROR, KV_ERROR_UNAVAILABLE, _ ("Nothing can be written: %s"), error->message);
  complain (self, error->message);
  note_failure (self);
  note_failing (self, TRUE);
  self->in_doubt = strict && outcome == KV_SQLITE_IN_DOUBT;
  if (self->in_doubt)
    kv_store_keeper_refuse (self->store, self->reason);
  else
    kv_store_keeper_fail (self->store, self->reason);
  /* What was too much for the disk need not be so for the next. */
  if (strict)
    probe (self);
}

/* On a full disk there is room in the log yet, when what is in it has been moved to its place. */
static KvSqliteOutcome
write_changes (KvSqliteJournal *self, GArray *changes, guint64 revision, GError **error)
{
  KvSqliteOutcome outcome = kv_sqlite_file_write (self->file, changes, revision, error);

  if (outcome != KV_SQLITE_NOT_WRITTEN || !kv_sqlite_file_has_log (self->file)
      || !kv_sqlite_file_checkpoint (self->file, NULL))
    return outcome;
  measure (self, g_get_monotonic_time ());
  g_clear_error (error);
  return kv_sqlite_file_write (self->file, changes, revision, error);
}

/* Writes what there is in one transaction. Returns whether there was something, and it is written. */
static gboolean
write_group (KvSqliteJournal *self)
{
  g_autoptr (GArray) changes = NULL;
  g_autoptr (GError) error = NULL;
  guint64 from, to, revision;
  KvSqliteOutcome outcome;
  gint64 began;

  if (!kv_store_keeper_take (self->store, &from, &to))
    return FALSE;

  changes = kv_store_keeper_collect (self->store, from, to, &revision);
  began = g_get_monotonic_time ();
  outcome = write_changes (self, changes, revision, &error);
  if (outcome != KV_SQLITE_WRITTEN)
    {
      begin_to_fail (self, outcome, error);
      return FALSE;
    }

  note_commit (self, to - from, began);
  kv_store_keeper_settle (self->store, to);
  if (kv_sqlite_file_needs_checkpoint (self->file))
    empty_log (self);
  return TRUE;
}

static void
work (KvSqliteJournal *self)
{
  gboolean strict = self->durability == KV_DURABILITY_STRICT;
  guint64 from, to;

  if (self->failing && (strict || !kv_store_keeper_take (self->store, &from, &to)))
    probe (self);
  else if (self->failing)
    {
      if (write_group (self))
        heal (self);
    }
  else
    while (write_group (self) && strict)
      ;
}

/* What the thread waits for. Under the lock. Returns until when, 0 for ever, or -1 not at all. */
static gint64
get_time_to_wait (KvSqliteJournal *self, gint64 began)
{
  gint64 now = g_get_monotonic_time ();

  if (self->failing)
    return now < began + RETRY_INTERVAL ? began + RETRY_INTERVAL : -1;
  if (self->has_work)
    {
      if (self->durability == KV_DURABILITY_STRICT || self->urgent || now >= self->gathered)
        return -1;
      return self->gathered;
    }
  if (!kv_sqlite_file_has_log (self->file))
    return 0;
  return now < began + QUIET_TIME ? began + QUIET_TIME : -1;
}

/* Returns FALSE when it is time to close. */
static gboolean
wait_for_work (KvSqliteJournal *self)
{
  gint64 began = g_get_monotonic_time ();
  gboolean closing, quiet;
  gint64 until;

  g_mutex_lock (&self->lock);
  while (!self->closing && (until = get_time_to_wait (self, began)) >= 0)
    {
      if (until > 0)
        g_cond_wait_until (&self->changed, &self->lock, until);
      else
        g_cond_wait (&self->changed, &self->lock);
    }
  closing = self->closing;
  quiet = !self->has_work && !self->failing;
  /* Before taking: what is decided from then on sets it again. */
  self->has_work = self->urgent = FALSE;
  g_mutex_unlock (&self->lock);

  if (quiet && !closing)
    empty_log (self);
  return !closing;
}

static gboolean
load (KvSqliteJournal *self, GCancellable *cancellable, GError **error)
{
  gint64 began = g_get_monotonic_time ();
  g_autoptr (GError) reason = NULL;
  guint64 revision, keys;

  self->file = kv_sqlite_file_open (self->path, error);
  if (self->file == NULL
      || !kv_sqlite_loader_run (self->file, self->store, cancellable, &revision, &keys,
                                &self->digest, error))
    return FALSE;
  if (!kv_sqlite_file_begin (self->file, &reason)
      && !g_error_matches (reason, KV_ERROR, KV_ERROR_UNAVAILABLE))
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&reason), "%s: ", self->path);
      return FALSE;
    }

  g_mutex_lock (&self->lock);
  self->status.keys = keys;
  g_mutex_unlock (&self->lock);
  measure (self, g_get_monotonic_time ());
  g_message (_ ("Loaded %" G_GUINT64_FORMAT " keys from %s in %.1f s"), keys, self->path,
             (double) (g_get_monotonic_time () - began) / G_USEC_PER_SEC);
  kv_store_keeper_start (self->store, revision);
  /* Nobody has written yet: what a disk takes that does now is decided when it does. */
  if (reason != NULL)
    begin_to_fail (self, KV_SQLITE_NOT_WRITTEN, reason);
  return TRUE;
}

static gboolean
is_open (gpointer user_data)
{
  KvSqliteJournal *self = user_data;
  gboolean closing;

  g_mutex_lock (&self->lock);
  closing = self->closing;
  g_mutex_unlock (&self->lock);
  return !closing;
}

/* Behind the load, as reads need no index, and before the first write, which does. */
static void
check_index (KvSqliteJournal *self)
{
  if (kv_sqlite_index_check (kv_sqlite_file_get_db (self->file), self->digest, is_open, self)
      != KV_SQLITE_INDEX_DAMAGED)
    return;
  g_warning (
    _ ("%s: the index of the keys is damaged, and made anew; the keys are all there. Other "
       "files on this disk may be damaged too"),
    self->path);
  kv_sqlite_file_rebuild_index (self->file);
}

/* Has everybody refused who comes from now on, and writes what is left. In this order: what comes in between would be
 * answered as done in relaxed mode, and in any mode there would be no end to it. */
static GError *
finish (KvSqliteJournal *self)
{
  g_autoptr (GError) stopping =
    g_error_new_literal (KV_ERROR, KV_ERROR_UNAVAILABLE, _ ("The service is stopping"));
  GError *error = NULL;
  guint64 from, to;

  self->finishing = TRUE;
  if (!self->failing)
    kv_store_keeper_refuse (self->store, stopping);
  do
    work (self);
  while (!self->failing && kv_store_keeper_take (self->store, &from, &to));

  if (self->failing && self->durability == KV_DURABILITY_RELAXED
      && kv_store_keeper_take (self->store, &from, &to))
    error = g_error_new (KV_ERROR, KV_ERROR_UNAVAILABLE,
                         _ ("%s: the last %" G_GUINT64_FORMAT " changes are lost: %s"), self->path,
                         to - from, self->reason->message);
  if (self->in_doubt)
    {
      g_clear_error (&stopping);
      stopping =
        g_error_new_literal (KV_ERROR, KV_ERROR_FAILED,
                             _ ("The service is stopping, and the disk does not say whether it "
                                "has this"));
    }
  kv_store_keeper_fail (self->store, stopping);
  return error;
}

typedef struct {
  KvSqliteJournal *journal; /* (borrowed): it waits for the thread before it goes */
  GTask *opening;           /* (owned) */
} Start;

static void
tell_closed (KvSqliteJournal *self, GError *error)
{
  GTask *task;

  g_mutex_lock (&self->lock);
  task = g_steal_pointer (&self->closing_task);
  g_mutex_unlock (&self->lock);
  if (task != NULL)
    {
      kv_sqlite_return (task, error);
      return;
    }
  if (error != NULL)
    g_warning ("%s", error->message);
  g_clear_error (&error);
}

static gpointer
run (gpointer user_data)
{
  g_autofree Start *start = user_data;
  KvSqliteJournal *self = start->journal;
  GError *error = NULL;
  gboolean loaded = load (self, g_task_get_cancellable (start->opening), &error);

  if (!loaded)
    g_clear_pointer (&self->file, kv_sqlite_file_close);
  kv_sqlite_return (g_steal_pointer (&start->opening), error);
  if (!loaded)
    return NULL;

  check_index (self);
  while (wait_for_work (self))
    work (self);
  error = finish (self);
  kv_sqlite_file_close (g_steal_pointer (&self->file));
  tell_closed (self, error);
  return NULL;
}

/* Takes @task (nullable), which is returned when it is done. */
static void
ask_to_close (KvSqliteJournal *self, GTask *task)
{
  g_mutex_lock (&self->lock);
  self->closing = TRUE;
  self->closing_task = task;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
}

static void
open_async (KvJournal *journal,
            KvStore *store,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer user_data)
{
  KvSqliteJournal *self = KV_SQLITE_JOURNAL (journal);
  Start *start = g_new (Start, 1);

  g_assert (self->thread == NULL);
  *start = (Start){ self, g_task_new (self, cancellable, callback, user_data) };
  g_task_set_source_tag (start->opening, open_async);
  /* What has been opened is open, whatever was asked for meanwhile. */
  g_task_set_check_cancellable (start->opening, FALSE);
  self->store = g_object_ref (store);
  kv_store_keeper_attach (store, self->durability, &limits, on_wake, self);
  self->thread = g_thread_new ("kvstore journal", run, start);
}

static gboolean
finish_task (KvJournal *journal, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, journal), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
close_async (KvJournal *journal, GAsyncReadyCallback callback, gpointer user_data)
{
  KvSqliteJournal *self = KV_SQLITE_JOURNAL (journal);
  GTask *task = g_task_new (journal, NULL, callback, user_data);

  g_task_set_source_tag (task, close_async);
  ask_to_close (self, task);
}

static void
get_status (KvJournal *journal, KvJournalStatus *status)
{
  KvSqliteJournal *self = KV_SQLITE_JOURNAL (journal);

  g_mutex_lock (&self->lock);
  *status = self->status;
  g_mutex_unlock (&self->lock);
}

static const char *
get_location (KvJournal *journal)
{
  return KV_SQLITE_JOURNAL (journal)->path;
}

static void
kv_sqlite_journal_implement (KvJournalInterface *interface)
{
  interface->open_async = open_async;
  interface->open_finish = finish_task;
  interface->close_async = close_async;
  interface->close_finish = finish_task;
  interface->get_status = get_status;
  interface->get_location = get_location;
}

static void
kv_sqlite_journal_finalize (GObject *object)
{
  KvSqliteJournal *self = KV_SQLITE_JOURNAL (object);

  /* Who lets go of an open journal waits for it here; mostly the thread is at its end. */
  if (!self->closing)
    ask_to_close (self, NULL);
  if (self->thread != NULL)
    g_thread_join (self->thread);
  g_clear_error (&self->reason);
  g_clear_object (&self->store);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self->path);
  G_OBJECT_CLASS (kv_sqlite_journal_parent_class)->finalize (object);
}

static void
kv_sqlite_journal_class_init (KvSqliteJournalClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kv_sqlite_journal_finalize;
}

static void
kv_sqlite_journal_init (KvSqliteJournal *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
}

KvJournal *
kv_sqlite_journal_new (const char *path, KvDurability durability)
{
  KvSqliteJournal *self = g_object_new (KV_TYPE_SQLITE_JOURNAL, NULL);

  self->path = g_strdup (path);
  self->durability = durability;
  return KV_JOURNAL (self);
}
