/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-change-log.h"
#include "store/kv-expiry.h"
#include "store/kv-store.h"
#include "store/kv-table.h"

G_BEGIN_DECLS

/* The store inside, for the files of this folder. The essay on its locks stands at the top of kv-store.c. */

struct _KvStore {
  GObject parent_instance;

  KvTable table;
  KvChangeLog *log;      /* (owned) */
  KvExpiry *expiry;      /* (owned) */
  GMainContext *context; /* (owned) */
  gint64 started;        /* kv_clock_now() */

  GMutex commit_lock; /* guards all below, the heap of deadlines, and who may change the table */
  guint64 revision;   /* written under the lock, read by kv_store_get_revision() without */
  guint64 keys;
  guint64 gets; /* by submitted operations; plain lookups are counted in the table */
  guint64 puts;
  guint64 deletes;
  guint64 swaps_succeeded;
  guint64 swaps_failed;
  guint64 expirations;

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
 * kv_store_expire:
 * @entry: what the table holds, past its deadline
 *
 * Removes @entry and tells the log. Under the commit lock.
 */
void kv_store_expire (KvStore *store, KvEntry *entry);

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
