/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-store-keeper.h"

G_BEGIN_DECLS

/**
 * Hand:
 * @store: (owned): the store that it keeps
 * @wakes: how often it was told that there is something to write down
 * @urges: and that answers are held back
 * @answers: (owned) (element-type utf8): what came of submissions, in order
 *
 * A keeper that does what the test says: settles, fails, heals.
 */
typedef struct {
  KvStore *store;
  guint wakes;
  guint urges;
  GPtrArray *answers;
} Hand;

/* Limits that a test reaches only if it means to. */
extern const KvKeeperLimits hand_roomy;

/* Makes a store and attaches to it, without starting it. */
void hand_attach (Hand *hand, KvDurability durability, const KvKeeperLimits *limits);

/* For fixtures. What has been answered must have been looked at in the end. */
void hand_set_up_strict (Hand *hand, gconstpointer data);
void hand_set_up_relaxed (Hand *hand, gconstpointer data);
void hand_tear_down (Hand *hand, gconstpointer data);

/* Runs the default context until nothing is left to do. */
void hand_run_context (void);

/* Settles everything there is; says that it could not be written down. */
void hand_settle_all (Hand *hand);
void hand_fail (Hand *hand);

/* Compares what has been answered since the last time. */
void hand_assert_answers (Hand *hand, const char *expected);

/* @ttl: in microseconds, below 0 for ever. */
void hand_put (Hand *hand, const char *key, const char *value, gint64 ttl);
void hand_delete_key (Hand *hand, const char *key);
void hand_swap (Hand *hand, const char *key, const char *expected, const char *value);

/* Operations as words: "p:k=v" put, "g:k" get, "d:k" delete, "i:k" increment, "s:k=v" swap an empty value. */
void hand_submit (Hand *hand, gboolean atomic, const char *words);

/* Adds operations, as words, to a transaction; submits one. */
void hand_add (KvTransaction *transaction, const char *words);
void hand_submit_transaction (Hand *hand, KvTransaction *transaction);

/* What came of a transaction: "then: created,found=v", "else failed: aborted,mismatch=v". */
char *hand_describe_outcome (const KvOutcome *outcome);

void hand_assert_value (Hand *hand, const char *key, const char *expected);
KvStoreStatus hand_get_status (Hand *hand);

G_END_DECLS
