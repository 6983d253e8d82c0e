/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-store-private.h"

G_BEGIN_DECLS

/**
 * KvTransact:
 * @conditions: (array length=n_conditions): what is asked first: operations of which only the key and the condition count
 * @n_conditions: their number
 * @branches: what is done if all of them hold, and what if one does not
 * @lengths: how many operations each branch has
 *
 * An atomic transaction, as it is carried out. Borrowed; the drafts of the branch that is carried out are used up.
 */
typedef struct {
  const KvOperation *conditions;
  guint n_conditions;
  KvOperation *branches[2];
  guint lengths[2];
} KvTransact;

/**
 * kv_transact:
 * @results: (array): room for those of the longer branch; those of the branch that is carried out are filled in
 * @counts: where its operations are added if they are carried out
 * @verdict: (out): which branch that was, what came of it, and at which revision
 *
 * All or nothing. Of several operations on one key only what they come to is a change; the results still tell each. A
 * transaction that can only read is of what everybody sees, and so is never to be waited for. Under the commit lock.
 */
void kv_transact (KvStore *store,
                  const KvTransact *transact,
                  KvResult *results,
                  KvStoreCounts *counts,
                  KvVerdict *verdict);

G_END_DECLS
