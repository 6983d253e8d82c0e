/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-change.h"
#include "core/kv-entry-private.h"
#include "core/kv-operation.h"

G_BEGIN_DECLS

/**
 * KvStoreCounts:
 *
 * How many operations did what; #KvStoreStatus says what each figure means.
 */
typedef struct {
  guint64 gets;
  guint64 puts;
  guint64 deletes;
  guint64 swaps_succeeded;
  guint64 swaps_failed;
} KvStoreCounts;

/**
 * kv_store_counts_add:
 *
 * Adds @more to @counts.
 */
static inline void
kv_store_counts_add (KvStoreCounts *counts, const KvStoreCounts *more)
{
  counts->gets += more->gets;
  counts->puts += more->puts;
  counts->deletes += more->deletes;
  counts->swaps_succeeded += more->swaps_succeeded;
  counts->swaps_failed += more->swaps_failed;
}

/**
 * kv_decide:
 * @operation: what is asked for; its draft is used up when it becomes @next
 * @current: (nullable): what is there, alive
 * @next: (out) (transfer full) (nullable): what shall stand there, %NULL for nothing; it counts only when the status is
 *   one of change
 *
 * What @operation makes of @current: the one place that knows the rules, without locks or side effects.
 *
 * Returns: what comes of it
 */
KvResultStatus kv_decide (KvOperation *operation, const KvEntry *current, KvEntry **next);

/**
 * kv_decide_holds:
 * @current: (nullable): what is there, alive
 *
 * Returns: whether the condition of @operation holds
 */
gboolean kv_decide_holds (const KvOperation *operation, const KvEntry *current);

/**
 * kv_decide_change_kind:
 *
 * Returns: the kind of change that an operation of that kind makes
 */
static inline KvChangeKind
kv_decide_change_kind (KvOperationKind kind)
{
  switch (kind)
    {
    case KV_OPERATION_SWAP:
      return KV_CHANGE_SWAP;
    case KV_OPERATION_DELETE:
      return KV_CHANGE_DELETE;
    case KV_OPERATION_PUT:
    case KV_OPERATION_TOUCH:
    case KV_OPERATION_INCREMENT:
    case KV_OPERATION_GET:
    default:
      return KV_CHANGE_PUT;
    }
}

/**
 * kv_decide_is_change:
 *
 * Returns: whether something is to be changed
 */
static inline gboolean
kv_decide_is_change (KvResultStatus status)
{
  return status == KV_RESULT_CREATED || status == KV_RESULT_REPLACED || status == KV_RESULT_DELETED;
}

/**
 * kv_decide_is_failure:
 *
 * What makes an atomic transaction fail. That a key to be deleted is not there is no obstacle.
 */
static inline gboolean
kv_decide_is_failure (const KvOperation *operation, KvResultStatus status)
{
  return status == KV_RESULT_CONDITION_FAILED || status == KV_RESULT_NOT_A_NUMBER
         || (status == KV_RESULT_NOT_FOUND
             && (operation->kind == KV_OPERATION_SWAP || operation->kind == KV_OPERATION_TOUCH));
}

/**
 * kv_decide_report:
 * @current: (nullable): what was there
 * @next: (nullable): what shall stand there; only looked at where the status is one of change
 * @result: (out): filled in with what the submitter learns
 */
static inline void
kv_decide_report (const KvOperation *operation,
                  KvResultStatus status,
                  KvEntry *current,
                  KvEntry *next,
                  KvResult *result)
{
  gboolean failed = status == KV_RESULT_CONDITION_FAILED || status == KV_RESULT_NOT_A_NUMBER;

  *result = (KvResult){ .status = status };
  if ((failed || status == KV_RESULT_FOUND) && current != NULL)
    {
      result->entry = kv_entry_ref (current);
      result->revision = current->revision;
    }
  if (kv_decide_is_change (status) && next != NULL
      && (operation->want_entry || operation->kind == KV_OPERATION_INCREMENT))
    result->entry = kv_entry_ref (next);
  if (kv_decide_is_change (status) && operation->want_previous && current != NULL)
    result->previous = kv_entry_ref (current);
}

/**
 * kv_decide_count:
 * @counts: where the operation is added
 */
static inline void
kv_decide_count (KvStoreCounts *counts, KvOperationKind kind, KvResultStatus status)
{
  switch (kind)
    {
    case KV_OPERATION_GET:
      counts->gets += status == KV_RESULT_FOUND;
      break;
    case KV_OPERATION_SWAP:
      if (status == KV_RESULT_REPLACED)
        counts->swaps_succeeded++;
      else
        counts->swaps_failed++;
      break;
    case KV_OPERATION_DELETE:
      counts->deletes += status == KV_RESULT_DELETED;
      break;
    case KV_OPERATION_PUT:
    case KV_OPERATION_TOUCH:
    case KV_OPERATION_INCREMENT:
      counts->puts += kv_decide_is_change (status);
      break;
    default:
      g_assert_not_reached ();
    }
}

G_END_DECLS
