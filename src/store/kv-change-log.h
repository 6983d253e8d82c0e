/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-change.h"

G_BEGIN_DECLS

/**
 * KvChangeLog:
 *
 * Every change, in order, in a ring that is bounded by changes and by bytes: the spine of the store. Whoever must learn of
 * changes is a reader with a cursor of its own, which is a sequence number; a reader whose cursor has left the ring is
 * told so. All functions may be called from any thread.
 *
 * A log that is kept (kv_change_log_begin_to_keep()) has one reader more, the keeper, for whom it holds everything that it
 * has not written down yet, however much that is; whoever appends has to see that it does not become too much. Such a log may hide
 * what is appended from all other readers until it has been written down.
 */
typedef struct _KvChangeLog KvChangeLog;

typedef struct _KvLogReader KvLogReader;

/**
 * KvLogWakeFunc:
 * @sequence: the first change that the reader has not been told of
 *
 * There is something new. Called by the writer with the log's lock held: it may only leave word somewhere (set a
 * source ready, signal a condition) and must not call into the log.
 *
 * Returns: %TRUE when word was left: the reader is not told again until it arms itself with kv_change_log_arm();
 *   %FALSE to be told of the next change too
 */
typedef gboolean (*KvLogWakeFunc) (KvLogReader *reader, guint64 sequence);

/**
 * KvLogReader:
 *
 * One who wants to be woken. Embed it in what reads.
 */
struct _KvLogReader {
  KvLogWakeFunc wake;
  gboolean armed; /* guarded by the log's lock */
};

/**
 * kv_change_log_new:
 * @revision: where the store's history begins: there are no changes up to it to be had
 * @max_changes: a power of two
 * @max_bytes: of entries held alive by the ring, counted roughly; what was appended last stays, whatever its size, so
 *   that a reader that keeps up misses nothing
 *
 * Returns: (transfer full): an empty log
 */
KvChangeLog *kv_change_log_new (guint64 revision, guint max_changes, gsize max_bytes);

void kv_change_log_free (KvChangeLog *log);

/**
 * kv_change_log_append:
 * @changes: (array length=length): the changes of one revision, in order; their references are moved into the
 *   log, their sequence and last fields are the log's to give
 *
 * Under the store's commit lock, which puts the calls in order. Wakes the armed readers, once each.
 */
void kv_change_log_append (KvChangeLog *log, KvChange *changes, guint length);

/**
 * kv_change_log_read:
 * @sequence: the first change that is wanted
 * @changes: (out) (array length=max): filled in with references of their own
 * @max: how many there is room for
 * @lost: (out): whether @sequence has left the ring; nothing is given then
 *
 * Returns: how many changes were given; 0 when there is nothing newer
 */
guint kv_change_log_read (KvChangeLog *log,
                          guint64 sequence,
                          KvChange *changes,
                          guint max,
                          gboolean *lost);

/**
 * kv_change_log_read_revisions:
 * @sequence: the first change that is wanted, which is the first of its revision
 * @changes: (element-type KvChange): emptied, then filled in with references of their own
 * @enough: how many changes are enough: it goes on to the end of a revision, and no further
 * @lost: (out): whether @sequence has left the ring; nothing is given then
 *
 * As kv_change_log_read(), for one who must not stop within a revision. As the changes of a revision come all at once, there is
 * nothing to wait for.
 */
void kv_change_log_read_revisions (KvChangeLog *log,
                                   guint64 sequence,
                                   GArray *changes,
                                   guint enough,
                                   gboolean *lost);

/**
 * kv_change_log_find:
 * @revision: a revision that a client has seen
 * @sequence: (out): the first change after it
 *
 * Returns: %FALSE when the ring does not reach back that far
 */
gboolean kv_change_log_find (KvChangeLog *log, guint64 revision, guint64 *sequence);

/**
 * kv_change_log_get_oldest:
 *
 * Returns: the oldest revision that kv_change_log_find() finds: all changes after it are in the ring
 */
guint64 kv_change_log_get_oldest (KvChangeLog *log);

/**
 * kv_change_log_get_head:
 * @revision: (out) (optional): of the last change that is shown
 *
 * Returns: the sequence that the next change to be shown will have
 */
guint64 kv_change_log_get_head (KvChangeLog *log, guint64 *revision);

/**
 * KvLogExtent:
 * @changes: changes that readers can have
 * @bytes: of the entries that the ring holds alive, counted roughly
 * @oldest: the oldest revision after which all changes are there
 */
typedef struct {
  guint64 changes;
  gsize bytes;
  guint64 oldest;
} KvLogExtent;

/**
 * kv_change_log_get_extent:
 * @extent: (out): filled in
 */
void kv_change_log_get_extent (KvChangeLog *log, KvLogExtent *extent);

/**
 * kv_change_log_add_reader:
 *
 * Makes @reader, not armed yet, one who can be woken.
 */
void kv_change_log_add_reader (KvChangeLog *log, KvLogReader *reader);

/**
 * kv_change_log_remove_reader:
 *
 * @reader is not woken any more once this has returned.
 */
void kv_change_log_remove_reader (KvChangeLog *log, KvLogReader *reader);

/**
 * kv_change_log_arm:
 * @sequence: where the reader stands
 *
 * Asks to be woken at the next change.
 *
 * Returns: %FALSE, and leaves it unarmed, when there are changes from @sequence on already
 */
gboolean kv_change_log_arm (KvChangeLog *log, KvLogReader *reader, guint64 sequence);

/**
 * kv_change_log_begin_to_keep:
 * @revision: where the history of what was kept before ends
 * @hides: whether changes are shown only once they are settled
 *
 * Starts to hold changes until they are settled. What the log has held so far is forgotten. Under the commit lock, as
 * are all functions below but kv_change_log_read_held().
 */
void kv_change_log_begin_to_keep (KvChangeLog *log, guint64 revision, gboolean hides);

/**
 * KvHeldChanges:
 * @first: the first change that has not been settled
 * @end: the sequence that the next change will have
 * @bytes: of the entries that the changes between them hold alive
 */
typedef struct {
  guint64 first;
  guint64 end;
  gsize bytes;
} KvHeldChanges;

/**
 * kv_change_log_get_held:
 * @held: (out): what the keeper has not written down yet
 */
void kv_change_log_get_held (KvChangeLog *log, KvHeldChanges *held);

/**
 * kv_change_log_read_held:
 * @sequence: the first change that is wanted; not settled yet
 * @changes: (out) (array length=max): filled in with references of their own
 *
 * As kv_change_log_read(), for the keeper: hidden changes too.
 */
guint kv_change_log_read_held (KvChangeLog *log, guint64 sequence, KvChange *changes, guint max);

/**
 * kv_change_log_settle:
 * @sequence: everything before it has been written down
 *
 * Shows what was hidden so far, wakes the readers that are armed, and forgets what is over the bounds.
 */
void kv_change_log_settle (KvChangeLog *log, guint64 sequence);

/**
 * kv_change_log_withdraw:
 *
 * Takes everything that is hidden out of the log again, as if it had never been there.
 */
void kv_change_log_withdraw (KvChangeLog *log);

G_END_DECLS
