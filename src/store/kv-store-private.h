/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-change-log.h"
#include "store/kv-decide.h"
#include "store/kv-expiry.h"
#include "store/kv-snapshot-private.h"
#include "store/kv-spin.h"
#include "store/kv-store-index-private.h"
#include "store/kv-store.h"
#include "store/kv-table.h"

G_BEGIN_DECLS

typedef struct _KvKeeping KvKeeping;

/* The store inside, for the files of this folder. The essay on its locks stands at the top of kv-store.c. */

struct _KvStore {
  GObject parent_instance;

  KvTable table;
  KvChangeLog *log;      /* (owned) */
  KvExpiry *expiry;      /* (owned) */
  GMainContext *context; /* (owned) */
  gint64 started;        /* kv_clock_now() */

  KvKeeping *
    keeping; /* (owned) (nullable): set before there are doors, and guarded by the commit lock inside */

  GMutex listing; /* guards nothing: one page is read at a time */
  gint sleepers;  /* atomic: who sleeps for the commit lock, or is about to */

  GMutex commit_lock; /* guards all below, the heap of deadlines, and who may change the table */
  guint64
    revision; /* of what can be seen; written under the lock, read without by kv_store_get_revision() */
  guint64 keys;
  guint64 bytes;         /* of the entries in the table */
  KvStoreCounts counts;  /* gets: of submitted operations; plain lookups are counted in the table */
  KvSnapshot *snapshots; /* (nullable) (borrowed): the first of those that are open */
  KvStoreIndex *index;   /* (owned) (nullable): set when somebody lists keys, and stays */
  guint64 expirations;
  guint64 woken;      /* how often it was taken by one who had slept for it */
  gboolean gives_way; /* whether a reader of pages waits for these */
  GCond woke;         /* that another has taken it */

  guint64 watches; /* atomic */
  guint64 batches; /* atomic */

  GMutex hubs_lock; /* guards hubs */
  GPtrArray *hubs;  /* (owned) (element-type KvWatchHub): borrowed each */

  KvLogReader changed_reader;
  GSource *changed_source; /* (owned): emits KvStore::changed */
  guint64
    changed_cursor; /* atomic: the waking writer's until the source runs, then the context's */
};

/**
 * kv_store_sleep_for_lock:
 *
 * Takes the commit lock when that is not to be had soon: for kv_store_lock() only.
 */
void kv_store_sleep_for_lock (KvStore *store);

/**
 * kv_store_lock:
 *
 * Takes the commit lock, and keeps count of who sleeps for it. g_mutex_unlock() lets go of it.
 */
static inline void
kv_store_lock (KvStore *store)
{
  if (!kv_spin_mutex_trylock (&store->commit_lock))
    kv_store_sleep_for_lock (store);
}

/**
 * kv_store_unlock_giving_way:
 *
 * Lets go of the commit lock, for one who has had it for long and may take it again at once. GMutex gives no turns: who is awake takes it
 * before who has to be woken, each time. So this returns when those who sleep for it have had it; or after a millisecond,
 * as others who are awake may be before them. One thread at a time.
 */
void kv_store_unlock_giving_way (KvStore *store);

/**
 * kv_store_describe:
 * @keys: how many keys it has
 * @status: (out): filled in
 *
 * Under the commit lock.
 */
void kv_store_describe (KvStore *store, guint64 keys, KvStoreStatus *status);

/**
 * kv_store_expire:
 * @entry: what the table holds, past its deadline
 *
 * Removes @entry and tells the log. Under the commit lock.
 */
void kv_store_expire (KvStore *store, KvEntry *entry);

/**
 * kv_store_apply:
 * @old: (nullable): what the table holds
 * @entry: (nullable) (transfer full): what it shall hold
 *
 * Has the heap, the number of keys and the table follow a change. The table's reference to @old passes to the caller.
 * Under the commit lock.
 */
void kv_store_apply (KvStore *store, KvEntry *old, KvEntry *entry);

/**
 * kv_store_apply_all:
 * @changes: (array length=length): the changes of one revision; those of the table's references that were to the previous
 *   entries pass to the caller
 *
 * The same for a transaction: all stripes are locked before the first pointer moves, so that no reader sees a half.
 */
void kv_store_apply_all (KvStore *store, const KvChange *changes, guint length);

/**
 * kv_store_next_revision:
 *
 * Begins the next revision. Under the commit lock.
 *
 * Returns: it
 */
guint64 kv_store_next_revision (KvStore *store);

/**
 * kv_store_decided_revision:
 *
 * Under the commit lock, by who has just decided something that changes nothing.
 *
 * Returns: the revision of which that is true; one that nobody sees yet only when the answer has to wait until it is seen
 */
guint64 kv_store_decided_revision (KvStore *store);

/**
 * kv_store_peek_alive:
 * @like: any entry with the key
 *
 * What the next decision finds alive; an entry past its deadline is removed first, as a change of its own. Under the commit
 * lock.
 *
 * Returns: (transfer none) (nullable): the entry
 */
KvEntry *kv_store_peek_alive (KvStore *store, const KvEntry *like);

/**
 * kv_store_peek_visible:
 * @like: any entry with the key
 *
 * What a reader finds alive. Under the commit lock.
 *
 * Returns: (transfer none) (nullable): the entry
 */
KvEntry *kv_store_peek_visible (KvStore *store, const KvEntry *like);

/**
 * kv_store_expire_behind:
 * @keys: how many keys have been written
 *
 * Removes some of what has expired, more than may have been given a deadline. Under the commit lock.
 */
void kv_store_expire_behind (KvStore *store, guint keys);

/**
 * kv_store_submit_waiting:
 * @operation: one
 *
 * As kv_store_submit(), for one who blocks until @func is called: that may be in any thread.
 */
void kv_store_submit_waiting (KvStore *store,
                              KvOperation *operation,
                              KvSubmitFunc func,
                              gpointer user_data);

/**
 * kv_store_submit_transaction_waiting:
 *
 * As kv_store_submit_transaction(), for one who blocks likewise.
 */
void kv_store_submit_transaction_waiting (KvStore *store,
                                          KvTransaction *transaction,
                                          KvOutcomeFunc func,
                                          gpointer user_data);

/**
 * kv_store_expire_some:
 * @most: how many
 *
 * Removes some of what is past its deadline, the earliest first. Under the commit lock.
 *
 * Returns: %TRUE when it was @most of them, so that there may be more
 */
gboolean kv_store_expire_some (KvStore *store, guint most);

/**
 * kv_store_expire_due:
 *
 * Removes everything whose time has come, giving way to writers now and then. No lock held.
 */
void kv_store_expire_due (KvStore *store);

/**
 * kv_store_lookup_at:
 * @like: any entry with the key
 * @revision: (out): the store's revision at that moment: every change of the key up to it is in what is returned,
 *   none after it
 *
 * Any thread, no lock held.
 *
 * Returns: (transfer full) (nullable): the live entry
 */
KvEntry *kv_store_lookup_at (KvStore *store, const KvEntry *like, guint64 *revision);

G_END_DECLS
