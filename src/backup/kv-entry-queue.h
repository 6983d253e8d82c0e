/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-entry.h"

G_BEGIN_DECLS

/**
 * KvEntryQueue:
 *
 * Entries, of which the one with the lowest revision comes first. A binary heap, so that no step takes long, however
 * many there are: eight bytes each. One thread at a time.
 */
typedef struct _KvEntryQueue KvEntryQueue;

/**
 * kv_entry_queue_new:
 *
 * Returns: (transfer full): a queue of none
 */
KvEntryQueue *kv_entry_queue_new (void);

/**
 * kv_entry_queue_free:
 *
 * Lets go of the entries that are left, too.
 */
void kv_entry_queue_free (KvEntryQueue *queue);

/**
 * kv_entry_queue_push:
 * @entry: (transfer full): an entry that has a revision
 */
void kv_entry_queue_push (KvEntryQueue *queue, KvEntry *entry);

/**
 * kv_entry_queue_pop:
 *
 * Returns: (transfer full) (nullable): the entry with the lowest revision, %NULL when there is none left
 */
KvEntry *kv_entry_queue_pop (KvEntryQueue *queue);

/**
 * kv_entry_queue_is_empty:
 *
 * Returns: whether there is nothing to be popped
 */
gboolean kv_entry_queue_is_empty (const KvEntryQueue *queue);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvEntryQueue, kv_entry_queue_free)

G_END_DECLS
