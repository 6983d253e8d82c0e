/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-store.h"

G_BEGIN_DECLS

/**
 * KvWatch:
 *
 * A cursor into a store's log with a filter: some keys, some prefixes. It holds no queue. A reader that cannot keep up
 * only lags; when what it has yet to read has left the log, it is told so (%KV_WATCH_RESET) and begins again
 * with a snapshot. Writers never wait for it.
 *
 * A watch belongs to the thread-default main context in which it was made: use and free it in that thread only. A thread
 * that has pushed no context of its own (g_main_context_push_thread_default()) makes its watches in the global default
 * context, and shares their source with every other such thread: what is made there belongs to the thread that runs the
 * default context, wherever kv_watch_new() was called. So push a context in a thread that is to have watches of its own.
 */
typedef struct _KvWatch KvWatch;

/**
 * KvWatchEventType:
 * @KV_WATCH_SNAPSHOT: what a key holds now. Each watched key has one, also when it is absent; so has each key
 *   under a watched prefix
 * @KV_WATCH_SNAPSHOT_END: the snapshot is whole; only changes follow
 * @KV_WATCH_CHANGE: a change, newer than what the snapshot showed of the key
 * @KV_WATCH_RESET: changes have been missed; a snapshot follows
 */
typedef enum {
  KV_WATCH_SNAPSHOT,
  KV_WATCH_SNAPSHOT_END,
  KV_WATCH_CHANGE,
  KV_WATCH_RESET,
} KvWatchEventType;

/**
 * KvWatchEvent:
 * @type: what it tells
 * @key: SNAPSHOT: the key; valid until the next call on the watch
 * @entry: (nullable) (owned): SNAPSHOT: what the key holds, or %NULL
 * @change: CHANGE: the change, with references of its own. Its @last is this watch's: whether it is the last change of its
 *   revision that the watch sees. A resume after a revision whose last change has been seen misses nothing
 * @revision: SNAPSHOT_END and RESET: the store's revision; a resume after it misses nothing, once the snapshot is whole
 * @oldest: RESET: the oldest revision after which a watch could have resumed
 */
typedef struct {
  KvWatchEventType type;
  const char *key;
  KvEntry *entry;
  KvChange change;
  guint64 revision;
  guint64 oldest;
} KvWatchEvent;

void kv_watch_event_clear (KvWatchEvent *event);

/**
 * KvWatchFunc:
 *
 * Tells that kv_watch_next() has something to give. Called in the watch's context, and not again before
 * kv_watch_next() has returned %FALSE: once for many changes. It may free the watch.
 */
typedef void (*KvWatchFunc) (KvWatch *watch, gpointer user_data);

/**
 * KV_WATCH_FROM_NOW:
 *
 * Start with a snapshot instead of after a revision.
 */
#define KV_WATCH_FROM_NOW G_MAXUINT64

/**
 * kv_watch_new:
 * @keys: (array zero-terminated=1) (nullable): the keys to watch; a key named twice is watched once
 * @prefixes: (array zero-terminated=1) (nullable): the beginnings of keys to watch; "" is every key
 * @since: give the changes after this revision and no snapshot; or %KV_WATCH_FROM_NOW. Where the log does not reach
 *   back that far (or @since lies in the future) the watch begins with %KV_WATCH_RESET and a snapshot
 * @func: called when there is something to read; the first time from the main context, never from within this function
 * @error: set to %KV_ERROR_INVALID_KEY
 *
 * Begins to watch. Between the snapshot and the changes nothing is lost and nothing comes twice.
 *
 * Returns: (transfer full): a watch
 */
KvWatch *kv_watch_new (KvStore *store,
                       const char *const *keys,
                       const char *const *prefixes,
                       guint64 since,
                       KvWatchFunc func,
                       gpointer user_data,
                       GError **error);

/**
 * kv_watch_next:
 * @event: (out): filled in when %TRUE is returned; clear it with kv_watch_event_clear()
 *
 * Takes the next event. That there is none now means that a revision is over: the changes of a transaction come in one go.
 *
 * Returns: %FALSE when there is none now; @func tells when there is one again
 */
gboolean kv_watch_next (KvWatch *watch, KvWatchEvent *event);

/**
 * kv_watch_resumes:
 *
 * Asked right after kv_watch_new(), before kv_watch_next().
 *
 * Returns: whether the watch begins after the revision that it was to begin after; %FALSE when it begins with a snapshot
 */
gboolean kv_watch_resumes (const KvWatch *watch);

/**
 * kv_watch_get_progress:
 * @revision: (out): a revision that never falls: all changes up to it that are for this watch have been given, and a resume
 *   after it misses nothing
 *
 * For a watch that is quiet, where the store is not. Costs writers nothing.
 *
 * Returns: %FALSE when kv_watch_next() has something to give
 */
gboolean kv_watch_get_progress (const KvWatch *watch, guint64 *revision);

/**
 * kv_watch_free:
 *
 * Ends the watch. @func is not called any more.
 */
void kv_watch_free (KvWatch *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvWatch, kv_watch_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KvWatchEvent, kv_watch_event_clear)

G_END_DECLS
