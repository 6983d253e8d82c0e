/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-change.h"
#include "core/kv-error.h"
#include "core/kv-operation.h"
#include "core/kv-transaction.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * KvStore:
 *
 * One store of keys: a table that any thread may read and write, a log of every change in order, and one source that
 * removes what has expired. Everything that must learn of a change is a reader of the log with a cursor of its own;
 * see #KvWatch. All functions may be called from any thread, unless one says otherwise.
 */
#define KV_TYPE_STORE (kv_store_get_type ())
G_DECLARE_FINAL_TYPE (KvStore, kv_store, KV, STORE, GObject)

/**
 * kv_store_new:
 *
 * Makes an empty store in memory. The thread-default main context of the caller is the store's: it removes expired
 * keys there on time, and emits #KvStore::changed there, in order of revision. A store whose context does not run still
 * never serves an expired key.
 *
 * Returns: (transfer full): a store
 */
KvStore *kv_store_new (void);

/**
 * kv_store_lookup:
 * @key: (array length=length): a key; one that is not valid is simply not there
 * @length: its bytes, or -1 when NUL-terminated
 *
 * Reads one key. Takes a reference under the read lock of one stripe and copies nothing.
 *
 * Returns: (transfer full) (nullable): the entry, or %NULL when there is none or it has expired
 */
KvEntry *kv_store_lookup (KvStore *store, const char *key, gssize length);

/**
 * KvSubmitFunc:
 * @results: (array length=length): one for each operation, in order; the function may take entries out of them
 * @length: their number; 0 when @error is set
 * @committed: %FALSE when an atomic transaction was not carried out
 * @error: (nullable): why nothing could be decided: %KV_ERROR_UNAVAILABLE, or %KV_ERROR_INVALID_ARGUMENT for an
 *   operation that has been used up already
 *
 * Receives what came of kv_store_submit().
 */
typedef void (*KvSubmitFunc) (KvStore *store,
                              KvResult *results,
                              guint length,
                              gboolean committed,
                              const GError *error,
                              gpointer user_data);

/**
 * kv_store_submit: (skip)
 * @operations: (array length=length): what to do; nothing of it is needed after the call, and the drafts are used up
 * @length: 1 or more
 * @atomic: all or nothing under one revision, or one after the other
 * @func: called exactly once
 *
 * The way of every write, and of batches. Where nothing has to be waited for, which is so in memory, @func is called
 * before this returns, and nothing is allocated beyond the entries. A store whose changes are written down first calls
 * it when that is done, later, in the thread-default main context of the caller; the answers of one context come in
 * the order in which they were submitted, but for those that had nothing to wait for. What is not written down is
 * told with %KV_ERROR_UNAVAILABLE and has not happened.
 *
 * The calls that wait (kv_store_commit(), kv_store_put() and their like) are the exception: they block the thread that
 * would have to run that context, so they are answered in whichever thread has decided, which wakes them up.
 */
void kv_store_submit (KvStore *store,
                      KvOperation *operations,
                      guint length,
                      gboolean atomic,
                      KvSubmitFunc func,
                      gpointer user_data);

/**
 * KvOutcomeFunc:
 * @outcome: (nullable): what came of it; an operation that failed is told in its result
 * @error: (nullable): why nothing could be decided, as #KvSubmitFunc has it
 *
 * Receives what came of kv_store_submit_transaction(). Take a reference to @outcome to keep it.
 */
typedef void (*KvOutcomeFunc) (KvStore *store,
                               KvOutcome *outcome,
                               const GError *error,
                               gpointer user_data);

/**
 * kv_store_submit_transaction: (skip)
 * @transaction: used up: submit it once. It is not needed after the call
 * @func: called exactly once
 *
 * As kv_store_submit(), for a transaction: its conditions and its operations are decided at one moment. A transaction
 * that could write, in either branch, is refused when there is no writing. One that can only read is answered at once.
 */
void kv_store_submit_transaction (KvStore *store,
                                  KvTransaction *transaction,
                                  KvOutcomeFunc func,
                                  gpointer user_data);

/**
 * kv_store_commit_async:
 * @transaction: used up: commit it once
 *
 * Carries out @transaction. A cancelled commit may have happened all the same.
 */
void kv_store_commit_async (KvStore *store,
                            KvTransaction *transaction,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data);

/**
 * kv_store_commit_finish:
 * @error: set to %KV_ERROR_UNAVAILABLE, %KV_ERROR_INVALID_ARGUMENT when the transaction had been committed before, or
 *   %G_IO_ERROR_CANCELLED
 *
 * Returns: (transfer full): what came of it; an operation that failed is told in its result, not by @error
 */
KvOutcome *kv_store_commit_finish (KvStore *store, GAsyncResult *result, GError **error);

/**
 * kv_store_commit:
 * @transaction: used up: commit it once
 * @error: set to %KV_ERROR_UNAVAILABLE, or to %KV_ERROR_INVALID_ARGUMENT when it had been committed before
 *
 * As kv_store_commit_async(), for programs without a main loop.
 *
 * Returns: (transfer full): what came of it
 */
KvOutcome *kv_store_commit (KvStore *store, KvTransaction *transaction, GError **error);

/**
 * kv_store_get:
 * @error: set to %KV_ERROR_NOT_FOUND or %KV_ERROR_INVALID_KEY
 *
 * Returns: (transfer full): the value as text; for one that holds U+0000 use kv_store_lookup()
 */
char *kv_store_get (KvStore *store, const char *key, GError **error);

/**
 * kv_store_put:
 * @value: NUL-terminated UTF-8
 * @ttl: microseconds to live, or -1 for ever; an older deadline is cleared
 * @error: set to %KV_ERROR_INVALID_KEY, %KV_ERROR_INVALID_VALUE, %KV_ERROR_TOO_LARGE or %KV_ERROR_UNAVAILABLE
 *
 * Returns: the revision of the change, 0 and @error on failure
 */
guint64
kv_store_put (KvStore *store, const char *key, const char *value, gint64 ttl, GError **error);

/**
 * kv_store_delete:
 * @error: set to %KV_ERROR_NOT_FOUND too
 *
 * Returns: the revision of the change, 0 and @error on failure
 */
guint64 kv_store_delete (KvStore *store, const char *key, GError **error);

/**
 * kv_store_compare_and_swap:
 * @expected: the value that must be there
 * @value: the value to put in its place; the deadline stays
 * @error: set to %KV_ERROR_NOT_FOUND or %KV_ERROR_CONDITION_FAILED too
 *
 * Returns: the revision of the change, 0 and @error on failure
 */
guint64 kv_store_compare_and_swap (KvStore *store,
                                   const char *key,
                                   const char *expected,
                                   const char *value,
                                   GError **error);

/**
 * kv_store_touch:
 * @ttl: microseconds to live from now, or -1 for ever
 * @error: set to %KV_ERROR_NOT_FOUND too
 *
 * Returns: the revision of the change, 0 and @error on failure
 */
guint64 kv_store_touch (KvStore *store, const char *key, gint64 ttl, GError **error);

/**
 * kv_store_increment:
 * @delta: what to add
 * @value: (out) (optional): the sum
 * @error: set to %KV_ERROR_NOT_A_NUMBER too
 *
 * Returns: the revision of the change, 0 and @error on failure
 */
guint64
kv_store_increment (KvStore *store, const char *key, gint64 delta, gint64 *value, GError **error);

/**
 * kv_store_get_revision:
 *
 * Returns: the revision of the last change; below 2^53, never one that an earlier run of the store has used
 */
guint64 kv_store_get_revision (KvStore *store);

/**
 * kv_store_get_history:
 * @oldest: (out): the oldest revision after which all changes are still to be had
 * @current: (out): the revision of the last change
 *
 * Says after which revisions a watch can resume at present. Memory of the past is bounded, so @oldest rises.
 */
void kv_store_get_history (KvStore *store, guint64 *oldest, guint64 *current);

/**
 * kv_store_count:
 *
 * Returns: the number of keys, without those that have expired
 */
guint64 kv_store_count (KvStore *store);

/**
 * KvStoreStatus:
 * @keys: keys that are there, without expired ones
 * @revision: of the last change that can be seen
 * @gets: reads that found their key
 * @puts: writes that created or replaced (put, touch, increment)
 * @deletes: deletes that removed their key
 * @swaps_succeeded: compare-and-swaps that swapped
 * @swaps_failed: those that did not
 * @expirations: keys removed because their time had come
 * @watches: watches in being
 * @batches: batches in flight
 * @uptime: microseconds since the store was made
 *
 * What the status pages of both doors show.
 */
typedef struct {
  guint64 keys;
  guint64 revision;
  guint64 gets;
  guint64 puts;
  guint64 deletes;
  guint64 swaps_succeeded;
  guint64 swaps_failed;
  guint64 expirations;
  guint64 watches;
  guint64 batches;
  gint64 uptime;
} KvStoreStatus;

/**
 * kv_store_get_status: (skip)
 * @status: (out): filled in
 *
 * Removes what has expired, then takes all figures but those of reads, watches and batches at one moment.
 */
void kv_store_get_status (KvStore *store, KvStoreStatus *status);

G_END_DECLS
