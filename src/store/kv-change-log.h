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
 * kv_change_log_find:
 * @revision: a revision that a client has seen
 * @sequence: (out): the first change after it
 *
 * Returns: %FALSE when the ring does not reach back that far
 */
gboolean kv_change_log_find (KvChangeLog *log, guint64 revision, guint64 *sequence);

/**
 * kv_change_log_get_head:
 *
 * Returns: the sequence that the next change will have
 */
guint64 kv_change_log_get_head (KvChangeLog *log);

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

G_END_DECLS
