/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-answers.h"
#include "store/kv-pending.h"
#include "store/kv-store-keeper.h"
#include "store/kv-store-private.h"

G_BEGIN_DECLS

/* A store that has a keeper, seen from within: what it is in the middle of. All of it under the commit lock, also the calls of
 * the functions below. */

struct _KvKeeping {
  KvKeeperLimits limits;
  KvKeeperWakeFunc wake;
  gpointer user_data;
  gboolean told;   /* whether the keeper has been woken since it last took */
  gboolean urged;  /* whether it has been told that it is urgent */
  GError *refusal; /* (owned) (nullable): why there is no writing now */

  KvPending *pending; /* (owned) (nullable): strict: what has been decided and is not seen */
  guint64 decided;    /* strict: the last revision given, seen or not */
  guint64 overdue; /* strict: keys in the table that are out of the heap, as their time has come */
  gboolean looked; /* whether the operations at hand have looked at something pending, or made it */

  GQueue waiting;     /* of links of KvAnswer, by their sequence */
  KvAnswers *answers; /* (owned) */
};

void kv_keeping_free (KvKeeping *keeping);

/* Whether what is decided stays hidden until it is settled. */
static inline gboolean
kv_keeping_hides (const KvStore *store)
{
  return store->keeping != NULL && store->keeping->pending != NULL;
}

/**
 * kv_keeping_admit:
 * @error: set to %KV_ERROR_UNAVAILABLE
 *
 * Returns: whether these operations may be carried out; reads always may
 */
gboolean
kv_keeping_admit (KvStore *store, const KvOperation *operations, guint length, GError **error);

/**
 * kv_keeping_check_writable:
 * @error: set to %KV_ERROR_UNAVAILABLE
 *
 * Returns: whether a write would be admitted now
 */
gboolean kv_keeping_check_writable (KvStore *store, GError **error);

/**
 * kv_keeping_may_expire:
 *
 * Returns: whether what is past its deadline may be taken away now
 */
gboolean kv_keeping_may_expire (KvStore *store);

/**
 * kv_keeping_take_due:
 * @entry: what the table holds, past its deadline and just taken out of the heap
 *
 * Returns: whether that is a change to be made; not if something pending stands in its place already
 */
gboolean kv_keeping_take_due (KvStore *store, const KvEntry *entry);

/**
 * kv_keeping_peek:
 * @current: (nullable): what the table holds
 *
 * Returns: (nullable): what the next decision on the key of @like finds, expired or not
 */
KvEntry *kv_keeping_peek (KvStore *store, const KvEntry *like, KvEntry *current);

/**
 * kv_keeping_hold:
 * @changes: (array length=length): the changes of one revision, moved into the log
 *
 * Strict: makes decided changes pending.
 */
void kv_keeping_hold (KvStore *store, KvChange *changes, guint length);

/**
 * kv_keeping_wake:
 *
 * Tells the keeper that the log has grown.
 */
void kv_keeping_wake (KvStore *store);

/**
 * kv_keeping_must_wait:
 *
 * Returns: whether the operations carried out since @looked was cleared are to be answered later
 */
gboolean kv_keeping_must_wait (KvStore *store);

/**
 * kv_keeping_queue:
 * @answer: (transfer full): given when everything decided so far is settled
 */
void kv_keeping_queue (KvStore *store, KvAnswer *answer);

/**
 * kv_keeping_count_overdue:
 *
 * Returns: how many of the store's keys are past their deadline
 */
guint64 kv_keeping_count_overdue (KvStore *store);

G_END_DECLS
