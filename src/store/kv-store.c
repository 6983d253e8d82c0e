/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
/* The store, and the one essay on its locks.
 *
 * A write takes the commit lock, checks its conditions, gets the next revision, swaps the entry into the table, appends
 * the change to the log, and lets go. So the commit lock puts all writes in one order; it guards the revision, the
 * heap of deadlines, the counters, and who may change the table.
 *
 * A read takes the read lock of one stripe of the table and a reference to the entry. It never takes the commit lock,
 * and meets a writer only while that one swaps a pointer of the same stripe.
 *
 * A snapshot (kv-snapshot.c) holds no lock while it is read. It takes the commit lock for each stripe of the table, and that
 * stripe's read lock before it lets go: so whoever takes an entry out of the table, which is done under the commit lock,
 * knows which snapshots have still to come there, and leaves it with them.
 *
 * An index of keys in byte order (kv-store-index.c), once there is one, changes with the table under the commit lock, and a page of
 * a listing is read from it under one hold of that lock. That is longer than writers have it, so one page is read at a time, and
 * whoever has read one gives way to those who wait (kv_store_unlock_giving_way()).
 *
 * A store may have a keeper (kv-store-keeper.h), which writes its changes down. In relaxed mode all is as above, and the
 * log holds on to what is not written yet. In strict mode nothing is to be seen that a crash could take back, and reads
 * are still not to wait. So there are two ends of history:
 *
 *   table, heap, keys, counts, revision                           what can be seen: everything that is settled
 *   ... and over it KvPending, the log past its visible end       what has been decided
 *
 * A write is decided against the second and added to it. The keeper takes what there is, and when it is written down
 * (kv_store_keeper_settle()) the changes are carried out, in order, revision by revision: the table, the visible end of the
 * log, then the answers of those who asked. If it cannot be written, what is pending is dropped, and the first end never knew of it.
 * The one trace that pending changes leave is in the heap: it lets go of an entry whose time has come when its EXPIRED change
 * becomes pending, and takes it back if that is dropped.
 *
 * One who has looked at something pending waits too, whatever came of it: an answer must not tell of what may yet be
 * undone. What is submitted together is decided under one hold of the commit lock, and so written down together.
 *
 * The order, from the outside in; none is ever taken the other way round:
 *
 *   hubs_lock > log's lock        a hub is registered as a reader
 *   listing > commit_lock
 *   commit_lock > stripe locks (in the order of their index)
 *   commit_lock > log's lock > (GMainContext's and GSignal's own)
 *   commit_lock > the answers' lock > (GMainContext's own)
 *   commit_lock > whatever the keeper's wake function takes
 *
 * A stripe's lock and the log's are never held together. No callback of anybody's runs under a lock, but for the log's
 * and the keeper's wake functions, which only leave word.
 *
 * Threads: any thread may read and write. What waits for changes lives in a main context: a KvWatchHub for each context
 * that has watches, and here the two sources of the store's own context, expiry and the `changed` signal.
 */

#include "store/kv-store.h"

#include "core/kv-entry-private.h"
#include "store/kv-keeping.h"
#include "store/kv-spin.h"
#include "store/kv-store-index.h"

#include <string.h>

/* The ring: enough to bridge a reader's nap or a reconnecting client, little enough for a desktop. */
#define LOG_CHANGES (64 * 1024)
#define LOG_BYTES (16 * 1024 * 1024)

/* How many expired entries go at a time before writers get their turn, and before the main context does. */
#define EXPIRE_AT_A_TIME 64
#define EXPIRE_PER_TURN 4096

/* How long a reader of pages lets others pass at most, in microseconds. */
#define WAY_GIVEN 1000

/* The last revision that a store may begin at, whatever the clock says: the numbers of JSON are exact below 2^53, and there is
 * room for a million million changes. */
#define LAST_START ((G_GINT64_CONSTANT (1) << 53) - (G_GINT64_CONSTANT (1) << 40))

enum {
  SIGNAL_CHANGED,
  SIGNAL_RESET,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (KvStore, kv_store, G_TYPE_OBJECT)

void
kv_store_sleep_for_lock (KvStore *self)
{
  g_atomic_int_inc (&self->sleepers);
  g_mutex_lock (&self->commit_lock);
  g_atomic_int_add (&self->sleepers, -1);
  self->woken++;
  if (self->gives_way)
    g_cond_signal (&self->woke);
}

void
kv_store_unlock_giving_way (KvStore *self)
{
  guint64 enough = self->woken + (guint64) g_atomic_int_get (&self->sleepers);

  if (self->woken < enough)
    {
      gint64 end = g_get_monotonic_time () + WAY_GIVEN;

      self->gives_way = TRUE;
      while (self->woken < enough && g_cond_wait_until (&self->woke, &self->commit_lock, end))
        ;
      self->gives_way = FALSE;
    }
  g_mutex_unlock (&self->commit_lock);
}

gboolean
kv_store_expire_some (KvStore *self, guint most)
{
  gint64 now = kv_clock_now ();

  if (G_UNLIKELY (self->keeping != NULL) && !kv_keeping_may_expire (self))
    return FALSE;

  for (guint i = 0; i < most; i++)
    {
      KvEntry *entry = kv_expiry_pop_due (self->expiry, now);

      if (entry == NULL)
        return FALSE;
      if (self->keeping == NULL || kv_keeping_take_due (self, entry))
        kv_store_expire (self, entry);
    }
  return TRUE;
}

/* Returns whether some may be left. */
static gboolean
expire_some (KvStore *self, guint most)
{
  gboolean more;

  kv_store_lock (self);
  more = kv_store_expire_some (self, most);
  g_mutex_unlock (&self->commit_lock);
  return more;
}

void
kv_store_expire_due (KvStore *self)
{
  while (expire_some (self, EXPIRE_AT_A_TIME))
    ;
}

/* The sources of the store's context know it by a weak reference: whoever lets go of the store last may do so in any
 * thread, while the context is about to run one of them. */
static GWeakRef *
weak_ref_new (KvStore *self)
{
  GWeakRef *reference = g_new (GWeakRef, 1);

  g_weak_ref_init (reference, self);
  return reference;
}

static void
weak_ref_free (gpointer reference)
{
  g_weak_ref_clear (reference);
  g_free (reference);
}

static void
on_deadline (gpointer user_data)
{
  g_autoptr (KvStore) self = g_weak_ref_get (user_data);
  guint done = 0;

  if (self == NULL)
    return;

  while (done < EXPIRE_PER_TURN && expire_some (self, EXPIRE_AT_A_TIME))
    done += EXPIRE_AT_A_TIME;

  /* Who may not take away what is due must not be woken for it again and again. */
  kv_store_lock (self);
  if (self->keeping == NULL || kv_keeping_may_expire (self))
    kv_expiry_rearm (self->expiry);
  g_mutex_unlock (&self->commit_lock);
}

/* Runs in the writer's thread, under the log's lock. While nobody is connected nothing is done, and the context sleeps on. */
static gboolean
wake_changed (KvLogReader *reader, guint64 sequence)
{
  KvStore *self =
    (KvStore *) (void *) ((char *) reader - G_STRUCT_OFFSET (KvStore, changed_reader));

  if (!g_signal_has_handler_pending (self, signals[SIGNAL_CHANGED], 0, FALSE))
    return FALSE;

  __atomic_store_n (&self->changed_cursor, sequence, __ATOMIC_RELEASE);
  g_source_set_ready_time (self->changed_source, 0);
  return TRUE;
}

#define CHANGES_PER_TURN 64

static gboolean
emit_changes (gpointer user_data)
{
  g_autoptr (KvStore) self = g_weak_ref_get (user_data);
  KvChange changes[CHANGES_PER_TURN];
  guint64 cursor;
  gboolean lost;
  guint n;

  if (self == NULL)
    return G_SOURCE_REMOVE;

  /* Not armed here, so that no writer touches the cursor meanwhile. */
  g_source_set_ready_time (self->changed_source, -1);
  cursor = __atomic_load_n (&self->changed_cursor, __ATOMIC_ACQUIRE);
  n = kv_change_log_read (self->log, cursor, changes, CHANGES_PER_TURN, &lost);
  cursor += n;
  for (guint i = 0; i < n; i++)
    {
      g_signal_emit (self, signals[SIGNAL_CHANGED], 0, &changes[i]);
      kv_change_clear (&changes[i]);
    }
  if (lost)
    {
      cursor = kv_change_log_get_head (self->log, NULL);
      g_signal_emit (self, signals[SIGNAL_RESET], 0);
    }
  __atomic_store_n (&self->changed_cursor, cursor, __ATOMIC_RELEASE);
  if (!kv_change_log_arm (self->log, &self->changed_reader, cursor))
    g_source_set_ready_time (self->changed_source, 0);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_changed (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs changed_funcs = { .dispatch = dispatch_changed };

static void
kv_store_init (KvStore *self)
{
  gint64 now = g_get_real_time ();

  self->context = g_main_context_ref_thread_default ();
  self->started = kv_clock_now ();
  kv_table_init (&self->table);
  g_mutex_init (&self->listing);
  g_cond_init (&self->woke);
  g_mutex_init (&self->commit_lock);
  g_mutex_init (&self->hubs_lock);
  self->hubs = g_ptr_array_new ();

  /* Microseconds of the wall clock: what an earlier run told its clients lies below, so that no number means two things. */
  self->revision = (guint64) CLAMP (now, 1, LAST_START);
  self->log = kv_change_log_new (self->revision, LOG_CHANGES, LOG_BYTES);
  self->expiry = kv_expiry_new (self->context, on_deadline, weak_ref_new (self), weak_ref_free);

  self->changed_source = g_source_new (&changed_funcs, sizeof (GSource));
  g_source_set_static_name (self->changed_source, "kvstore changed");
  g_source_set_callback (self->changed_source, emit_changes, weak_ref_new (self), weak_ref_free);
  g_source_attach (self->changed_source, self->context);
  self->changed_reader.wake = wake_changed;
  kv_change_log_add_reader (self->log, &self->changed_reader);
  kv_change_log_arm (self->log, &self->changed_reader, 0);
}

static void
kv_store_finalize (GObject *object)
{
  KvStore *self = KV_STORE (object);

  kv_change_log_remove_reader (self->log, &self->changed_reader);
  g_source_destroy (self->changed_source);
  g_source_unref (self->changed_source);
  kv_expiry_free (self->expiry);
  kv_table_clear (&self->table);
  kv_change_log_free (self->log);
  g_clear_pointer (&self->keeping, kv_keeping_free);
  g_clear_pointer (&self->index, kv_store_index_free);
  g_ptr_array_unref (self->hubs);
  g_mutex_clear (&self->hubs_lock);
  g_mutex_clear (&self->commit_lock);
  g_cond_clear (&self->woke);
  g_mutex_clear (&self->listing);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (kv_store_parent_class)->finalize (object);
}

static void
kv_store_class_init (KvStoreClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kv_store_finalize;

  /**
   * KvStore::changed:
   * @change: what changed
   *
   * Emitted for every change, in order of revision, in the main context in which the store was made. It has no
   * detail: details are quarks, and quarks are never freed.
   */
  signals[SIGNAL_CHANGED] =
    g_signal_new ("changed", KV_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                  KV_TYPE_CHANGE | G_SIGNAL_TYPE_STATIC_SCOPE);

  /**
   * KvStore::reset:
   *
   * Emitted in place of #KvStore::changed when changes came faster than the main context ran and some have left the
   * log: what was learnt from the signal so far is to be read anew.
   */
  signals[SIGNAL_RESET] =
    g_signal_new ("reset", KV_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

KvStore *
kv_store_new (void)
{
  return g_object_new (KV_TYPE_STORE, NULL);
}

KvEntry *
kv_store_lookup (KvStore *self, const char *key, gssize length)
{
  return kv_table_lookup (&self->table, key, length < 0 ? strlen (key) : (gsize) length);
}

guint64
kv_store_get_revision (KvStore *self)
{
  return __atomic_load_n (&self->revision, __ATOMIC_ACQUIRE);
}

void
kv_store_get_history (KvStore *self, guint64 *oldest, guint64 *current)
{
  /* In this order: what is forgotten has been seen. */
  *oldest = kv_change_log_get_oldest (self->log);
  *current = kv_store_get_revision (self);
}

/* Under the commit lock, when everything has gone that may go. */
static guint64
count_alive (KvStore *self)
{
  return self->keys - (self->keeping != NULL ? kv_keeping_count_overdue (self) : 0);
}

guint64
kv_store_count (KvStore *self)
{
  guint64 keys;

  kv_store_expire_due (self);
  kv_store_lock (self);
  keys = count_alive (self);
  g_mutex_unlock (&self->commit_lock);
  return keys;
}

void
kv_store_describe (KvStore *self, guint64 keys, KvStoreStatus *status)
{
  *status = (KvStoreStatus){
    .keys = keys,
    .revision = self->revision,
    .gets = self->counts.gets + kv_table_count_hits (&self->table),
    .puts = self->counts.puts,
    .deletes = self->counts.deletes,
    .swaps_succeeded = self->counts.swaps_succeeded,
    .swaps_failed = self->counts.swaps_failed,
    .expirations = self->expirations,
    .watches = __atomic_load_n (&self->watches, __ATOMIC_RELAXED),
    .batches = __atomic_load_n (&self->batches, __ATOMIC_RELAXED),
    .uptime = kv_clock_now () - self->started,
  };
}

void
kv_store_get_status (KvStore *self, KvStoreStatus *status)
{
  kv_store_expire_due (self);
  kv_store_lock (self);
  kv_store_describe (self, count_alive (self), status);
  g_mutex_unlock (&self->commit_lock);
}
