/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "metrics/kv-histogram.h"
#include "store/kv-store-keeper.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * KvJournal:
 *
 * What makes a store outlive its process: it fills the store with what earlier runs have written, and is its keeper from
 * then on. Used in the main context in which it was made; its work is done in a thread of its own.
 */
#define KV_TYPE_JOURNAL (kv_journal_get_type ())
G_DECLARE_INTERFACE (KvJournal, kv_journal, KV, JOURNAL, GObject)

/**
 * KvJournalStatus:
 * @failing: whether nothing can be written at present
 * @keys: that were loaded
 * @commits: transactions that have been written
 * @changes: that were in them, those that a later one of the same transaction has overtaken included
 * @failures: transactions that could not be written, attempts to find out whether one can be included
 * @commit_times: what transactions have taken, up to the disk's word that it has them
 * @size: bytes on the disk, as they were a second ago or when it was last written to
 */
typedef struct {
  gboolean failing;
  guint64 keys;
  guint64 commits;
  guint64 changes;
  guint64 failures;
  KvHistogram commit_times;
  guint64 size;
} KvJournalStatus;

struct _KvJournalInterface {
  GTypeInterface parent_interface;

  void (*open_async) (KvJournal *journal,
                      KvStore *store,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data);
  gboolean (*open_finish) (KvJournal *journal, GAsyncResult *result, GError **error);
  void (*close_async) (KvJournal *journal, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*close_finish) (KvJournal *journal, GAsyncResult *result, GError **error);
  void (*get_status) (KvJournal *journal, KvJournalStatus *status);
  const char *(*get_location) (KvJournal *journal);
};

/**
 * kv_journal_open_async:
 * @store: an empty one that nobody uses yet
 *
 * Becomes the keeper of @store, loads what is there, and opens the store for writing. A load that takes long says in the
 * log how far it is. To be called once.
 */
void kv_journal_open_async (KvJournal *journal,
                            KvStore *store,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data);

/**
 * kv_journal_open_finish:
 * @error: set to %KV_ERROR_UNAVAILABLE when the place cannot be had (a directory that cannot be written, a disk too
 *   full for a new file, another process that has it), to %KV_ERROR_FAILED when what is there cannot be used (damaged, foreign, of
 *   a newer version), or to %G_IO_ERROR_CANCELLED; with a text for the person who started the program
 *
 * A disk that can be read and takes nothing is none: there are the keys, and the store refuses writes until it does.
 *
 * After a failure the store holds some of the entries and takes no writes; what was written down is as it was.
 */
gboolean kv_journal_open_finish (KvJournal *journal, GAsyncResult *result, GError **error);

/**
 * kv_journal_close_async:
 *
 * Writes down what is still to be written and lets go of the place. Writes to the store are refused from then on. One
 * attempt is made: a disk that fails does not hold up the end. To be called once, after an open that succeeded.
 */
void kv_journal_close_async (KvJournal *journal, GAsyncReadyCallback callback, gpointer user_data);

/**
 * kv_journal_close_finish:
 * @error: set to %KV_ERROR_UNAVAILABLE when something that was answered as done could not be written
 */
gboolean kv_journal_close_finish (KvJournal *journal, GAsyncResult *result, GError **error);

/**
 * kv_journal_get_status:
 * @status: (out): filled in
 *
 * Any thread.
 */
void kv_journal_get_status (KvJournal *journal, KvJournalStatus *status);

/**
 * kv_journal_get_location:
 *
 * Returns: (transfer none): where it writes, for people
 */
const char *kv_journal_get_location (KvJournal *journal);

G_END_DECLS
