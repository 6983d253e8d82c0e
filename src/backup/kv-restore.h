/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-store.h"

G_BEGIN_DECLS

/**
 * KvRestore:
 *
 * Puts a dump that comes in pieces into a store. It holds the part of a line and a few batches of entries, which
 * it submits as they come: where the store answers when they are durable, so does the restore. One that fails half way
 * has put what came before that; only with %KV_RESTORE_REPLACE and only when the whole of the dump has come is anything
 * deleted.
 *
 * Entries whose time has passed are not put. Others may write meanwhile: a key holds what was written last.
 *
 * Belongs to the thread-default main context of whoever makes it, and is used in its thread only.
 */
typedef struct _KvRestore KvRestore;

/**
 * KvRestoreMode:
 * @KV_RESTORE_MERGE: keys that are not in the dump are left alone
 * @KV_RESTORE_REPLACE: they are deleted at the end, but for those that others have written since the restore began
 */
typedef enum {
  KV_RESTORE_MERGE,
  KV_RESTORE_REPLACE,
} KvRestoreMode;

/**
 * KvRestoreOptions:
 * @mode: what becomes of keys that are not in the dump
 * @dry_run: checks everything, and changes nothing
 * @max_value: the longest value that is taken, in bytes
 */
typedef struct {
  KvRestoreMode mode;
  gboolean dry_run;
  gsize max_value;
} KvRestoreOptions;

/**
 * KvRestoreCounts:
 * @created: keys that were not there
 * @replaced: keys that were there with another value or deadline; with %KV_RESTORE_REPLACE all that were there
 * @unchanged: keys that were there as they are in the dump, and were not written; only with %KV_RESTORE_MERGE
 * @deleted: keys that were not in the dump
 * @expired: entries of the dump whose time has passed
 *
 * What a restore has done, or would do now.
 */
typedef struct {
  guint64 created;
  guint64 replaced;
  guint64 unchanged;
  guint64 deleted;
  guint64 expired;
} KvRestoreCounts;

/**
 * KvRestoreFigure:
 * @name: what it is called, at every door and for ever: ASCII letters
 * @value: a count
 */
typedef struct {
  const char *name;
  guint64 value;
} KvRestoreFigure;

/**
 * KV_RESTORE_N_FIGURES:
 *
 * How many counts a restore has.
 */
#define KV_RESTORE_N_FIGURES 5

/**
 * kv_restore_counts_get_figures:
 * @figures: (out caller-allocates) (array fixed-size=5): filled in, in the order in which they are shown
 */
void kv_restore_counts_get_figures (const KvRestoreCounts *counts,
                                    KvRestoreFigure figures[KV_RESTORE_N_FIGURES]);

/**
 * KvRestoreState:
 * @KV_RESTORE_READY: it takes more
 * @KV_RESTORE_FULL: it has taken all that it was fed, and wants no more until it calls
 * @KV_RESTORE_FAILED: it takes nothing more
 */
typedef enum {
  KV_RESTORE_READY,
  KV_RESTORE_FULL,
  KV_RESTORE_FAILED,
} KvRestoreState;

/**
 * KvRestoreFunc:
 *
 * It was full and is so no more, or it has failed meanwhile: feed it, with nothing if need be, to learn which. Or it is over, after
 * kv_restore_finish(). The function may free it.
 */
typedef void (*KvRestoreFunc) (KvRestore *restore, gpointer user_data);

/**
 * kv_restore_new:
 *
 * Returns: (transfer full): a restore into @store, which it keeps alive
 */
KvRestore *kv_restore_new (KvStore *store,
                           const KvRestoreOptions *options,
                           KvRestoreFunc func,
                           gpointer user_data);

/**
 * kv_restore_feed:
 * @data: (array length=length): what follows upon what was fed before; not much more than 64 KiB, as what a call brings is
 *   submitted at once
 * @error: set with %KV_RESTORE_FAILED: as kv_dump_reader_feed() has it, or to %KV_ERROR_UNAVAILABLE by the store
 */
KvRestoreState kv_restore_feed (KvRestore *restore, const char *data, gsize length, GError **error);

/**
 * kv_restore_get_entries:
 *
 * Returns: how many entries of the dump have come so far, whatever becomes of them
 */
guint64 kv_restore_get_entries (const KvRestore *restore);

/**
 * kv_restore_finish:
 *
 * Nothing more comes. The function is called when it is over, which may be before this returns.
 */
void kv_restore_finish (KvRestore *restore);

/**
 * kv_restore_get_outcome:
 * @counts: (out): filled in also when it has failed
 * @error: as kv_restore_feed() and kv_dump_reader_finish() have it
 *
 * To be asked when it is over.
 *
 * Returns: whether it has done all of what it should
 */
gboolean kv_restore_get_outcome (const KvRestore *restore, KvRestoreCounts *counts, GError **error);

/**
 * kv_restore_free:
 *
 * Ends it wherever it is. The function is not called any more; batches that have been submitted are carried out.
 */
void kv_restore_free (KvRestore *restore);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvRestore, kv_restore_free)

G_END_DECLS
