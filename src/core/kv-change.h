/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-entry.h"

G_BEGIN_DECLS

/**
 * KvChangeKind:
 * @KV_CHANGE_PUT: a key was created or replaced (by put, touch or increment)
 * @KV_CHANGE_DELETE: a key was deleted
 * @KV_CHANGE_SWAP: a compare-and-swap replaced the value
 * @KV_CHANGE_EXPIRED: the deadline came and the key was removed
 */
typedef enum {
  KV_CHANGE_PUT,
  KV_CHANGE_DELETE,
  KV_CHANGE_SWAP,
  KV_CHANGE_EXPIRED,
} KvChangeKind;

/**
 * KvChange:
 * @revision: the revision that it made; the changes of one transaction share theirs
 * @sequence: its place in the log of this run: rises by one for every change
 * @kind: what happened
 * @last: whether it is the last change of its revision
 * @entry: (nullable): what is there now; %NULL when the key was removed
 * @previous: (nullable): what was there before; %NULL when the key was created
 *
 * One change of one key, as the log tells it. At least one of @entry and @previous is set. A plain value whose
 * two references are held by whoever filled it in: clear it with kv_change_clear().
 */
typedef struct {
  guint64 revision;
  guint64 sequence;
  KvChangeKind kind;
  gboolean last;
  KvEntry *entry;    /* (owned) */
  KvEntry *previous; /* (owned) */
} KvChange;

#define KV_TYPE_CHANGE (kv_change_get_type ())
GType kv_change_get_type (void) G_GNUC_CONST;

/**
 * kv_change_get_key:
 * @length: (out) (optional): its bytes
 *
 * Returns: (transfer none): the key that changed, NUL-terminated
 */
const char *kv_change_get_key (const KvChange *change, gsize *length);

/**
 * kv_change_clear:
 *
 * Drops both references and leaves a change that holds nothing; a cleared or zeroed one may be cleared again.
 */
void kv_change_clear (KvChange *change);

/**
 * kv_change_copy:
 *
 * Returns: (transfer full): a change of its own, with references to the same entries; free it with kv_change_free()
 */
KvChange *kv_change_copy (const KvChange *change);

/**
 * kv_change_free:
 * @change: (transfer full): from kv_change_copy()
 */
void kv_change_free (KvChange *change);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KvChange, kv_change_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvChange, kv_change_free)

G_END_DECLS
