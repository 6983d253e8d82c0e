/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-operation.h"

G_BEGIN_DECLS

/**
 * KvTransaction:
 *
 * Several operations that are submitted together, in order: either one after the other, each on its own (a
 * batch), or atomically: all of them or none, under one revision, seen whole by every reader and watcher. An atomic one may
 * have conditions, and other operations for when these do not hold:
 *
 *   kv_transaction_if_revision (transaction, "config", revision, &error)
 *   kv_transaction_put (transaction, "config", text, -1, &error)
 *   kv_transaction_increment (transaction, "config/edits", 1, &error)
 *   kv_transaction_else (transaction)
 *   kv_transaction_get (transaction, "config", &error)
 *
 * Conditions and operations are decided at one moment. A boxed type; build it, then commit it once. Not for use from two
 * threads at a time.
 */
typedef struct _KvTransaction KvTransaction;

#define KV_TYPE_TRANSACTION (kv_transaction_get_type ())
GType kv_transaction_get_type (void) G_GNUC_CONST;

/**
 * kv_transaction_new:
 * @atomic: whether all must succeed together
 *
 * Returns: (transfer full): an empty transaction
 */
KvTransaction *kv_transaction_new (gboolean atomic);

/**
 * kv_transaction_ref:
 *
 * Returns: (transfer full): @transaction
 */
KvTransaction *kv_transaction_ref (KvTransaction *transaction);

/**
 * kv_transaction_unref:
 * @transaction: (transfer full): a transaction
 */
void kv_transaction_unref (KvTransaction *transaction);

gboolean kv_transaction_is_atomic (const KvTransaction *transaction);

/**
 * kv_transaction_add:
 * @operation: (transfer full): is moved into the transaction and left empty; what it borrows is copied
 */
void kv_transaction_add (KvTransaction *transaction, KvOperation *operation);

/**
 * kv_transaction_get_operations: (skip)
 * @length: (out): their number
 *
 * Returns: (array length=length) (transfer none): the operations, in order; the store uses up their drafts
 */
KvOperation *kv_transaction_get_operations (KvTransaction *transaction, guint *length);

/**
 * kv_transaction_if:
 * @condition: (transfer full): an operation of the kind GET, of which only the key and the condition count; it is moved into
 *   the transaction and left empty; what it borrows is copied
 *
 * Adds a condition. The operations are carried out if all conditions hold; otherwise those behind kv_transaction_else()
 * are. A transaction with a condition is atomic, whatever it was made as. What comes of a condition is not told: have the
 * other operations read the key.
 */
void kv_transaction_if (KvTransaction *transaction, KvOperation *condition);

/**
 * kv_transaction_if_absent:
 * @error: set to %KV_ERROR_INVALID_KEY
 *
 * Adds the condition that there is no such key. This and the functions below return %FALSE and add nothing when the key or
 * value is not valid.
 */
gboolean kv_transaction_if_absent (KvTransaction *transaction, const char *key, GError **error);

gboolean kv_transaction_if_present (KvTransaction *transaction, const char *key, GError **error);

gboolean kv_transaction_if_revision (KvTransaction *transaction,
                                     const char *key,
                                     guint64 revision,
                                     GError **error);

/**
 * kv_transaction_if_value:
 * @value: NUL-terminated text, copied
 */
gboolean kv_transaction_if_value (KvTransaction *transaction,
                                  const char *key,
                                  const char *value,
                                  GError **error);

/**
 * kv_transaction_else:
 *
 * The operations that are added from here on are for when a condition does not hold. Makes the transaction atomic.
 */
void kv_transaction_else (KvTransaction *transaction);

/**
 * kv_transaction_is_guarded:
 *
 * Returns: whether it has conditions, or operations for when they do not hold
 */
gboolean kv_transaction_is_guarded (const KvTransaction *transaction);

/**
 * kv_transaction_get_conditions: (skip)
 * @length: (out): their number
 *
 * Returns: (array length=length) (transfer none): the conditions, in order
 */
KvOperation *kv_transaction_get_conditions (KvTransaction *transaction, guint *length);

/**
 * kv_transaction_get_else_operations: (skip)
 * @length: (out): their number
 *
 * Returns: (array length=length) (transfer none): the operations behind kv_transaction_else(), in order
 */
KvOperation *kv_transaction_get_else_operations (KvTransaction *transaction, guint *length);

/**
 * kv_transaction_get:
 * @error: set to %KV_ERROR_INVALID_KEY
 *
 * Adds a read. This and the functions below return %FALSE and add nothing when the key or value is not valid.
 */
gboolean kv_transaction_get (KvTransaction *transaction, const char *key, GError **error);

/**
 * kv_transaction_put:
 * @value: NUL-terminated text
 * @ttl: microseconds to live, or -1 for ever
 */
gboolean kv_transaction_put (KvTransaction *transaction,
                             const char *key,
                             const char *value,
                             gint64 ttl,
                             GError **error);

gboolean kv_transaction_delete (KvTransaction *transaction, const char *key, GError **error);

gboolean kv_transaction_compare_and_swap (KvTransaction *transaction,
                                          const char *key,
                                          const char *expected,
                                          const char *value,
                                          GError **error);

gboolean kv_transaction_increment (KvTransaction *transaction,
                                   const char *key,
                                   gint64 delta,
                                   GError **error);

/**
 * kv_transaction_touch:
 * @ttl: microseconds to live from now, or -1 for ever
 */
gboolean
kv_transaction_touch (KvTransaction *transaction, const char *key, gint64 ttl, GError **error);

/**
 * KvBranch:
 * @KV_BRANCH_THEN: all conditions held, or there were none
 * @KV_BRANCH_ELSE: one did not
 */
typedef enum {
  KV_BRANCH_THEN,
  KV_BRANCH_ELSE,
} KvBranch;

/**
 * KvVerdict:
 * @committed: %FALSE when an atomic transaction was not carried out because one of its operations could not be
 * @branch: which operations the results are of
 * @revision: what an atomic transaction has made; or, if it changed nothing, the store's, of which all that it was told is
 *   true. Of others the store's when they were done
 *
 * What came of a transaction as a whole.
 */
typedef struct {
  gboolean committed;
  KvBranch branch;
  guint64 revision;
} KvVerdict;

/**
 * KvOutcome:
 *
 * What came of a transaction: a result for each operation of the branch that was carried out. A boxed type, immutable.
 */
typedef struct _KvOutcome KvOutcome;

#define KV_TYPE_OUTCOME (kv_outcome_get_type ())
GType kv_outcome_get_type (void) G_GNUC_CONST;

/**
 * kv_outcome_new: (skip)
 * @results: (array length=length) (nullable): moved into the outcome; may be %NULL when there are none
 * @length: their number
 * @verdict: copied
 *
 * Returns: (transfer full): an outcome
 */
KvOutcome *kv_outcome_new (KvResult *results, guint length, const KvVerdict *verdict);

/**
 * kv_outcome_ref:
 *
 * Returns: (transfer full): @outcome
 */
KvOutcome *kv_outcome_ref (KvOutcome *outcome);

/**
 * kv_outcome_unref:
 * @outcome: (transfer full): an outcome
 */
void kv_outcome_unref (KvOutcome *outcome);

/**
 * kv_outcome_is_committed:
 *
 * Returns: %FALSE when an atomic transaction was not carried out because one of its operations could not be
 */
gboolean kv_outcome_is_committed (const KvOutcome *outcome);

/**
 * kv_outcome_get_branch:
 *
 * Returns: which operations were carried out, or were to be
 */
KvBranch kv_outcome_get_branch (const KvOutcome *outcome);

/**
 * kv_outcome_get_revision:
 *
 * Returns: as #KvVerdict has it
 */
guint64 kv_outcome_get_revision (const KvOutcome *outcome);
guint kv_outcome_get_length (const KvOutcome *outcome);

/**
 * kv_outcome_get_result: (skip)
 * @index: the operation's place in the transaction
 *
 * Returns: (transfer none): what came of it; valid as long as @outcome
 */
const KvResult *kv_outcome_get_result (const KvOutcome *outcome, guint index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvTransaction, kv_transaction_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvOutcome, kv_outcome_unref)

G_END_DECLS
