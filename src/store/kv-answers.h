/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-decide.h"
#include "store/kv-store-private.h"

G_BEGIN_DECLS

/**
 * KvAnswers:
 *
 * The answers of a store that come later, and the main contexts in which they are given: one source for each context, which
 * is made ready once for many answers and gives them in the order in which they were handed over.
 */
typedef struct _KvAnswers KvAnswers;

/**
 * KvAnswerBox:
 *
 * One main context of those that wait. A GSource of its own.
 */
typedef struct _KvAnswerBox KvAnswerBox;

/**
 * KvSubmitter:
 * @func: (nullable): who is answered by the results
 * @outcome_func: (nullable): who is answered by an outcome; one of the two is set
 * @blocks: whether the caller waits, and can be answered in any thread
 * @is_batch: whether it counts among the batches in flight until it has been answered
 *
 * Who has submitted something, and how that is answered.
 */
typedef struct {
  KvSubmitFunc func;
  KvOutcomeFunc outcome_func;
  gpointer user_data;
  gboolean blocks;
  gboolean is_batch;
} KvSubmitter;

/**
 * KvAnswer:
 * @link: its place among those that wait, and among those that are handed over
 * @sequence: it is given when the changes before this one are settled
 * @store: (owned)
 * @box: (nullable): from kv_answers_get_box(): where it is given; %NULL for one who blocks, which is answered in the thread that settles
 * @submitter: who gets it
 * @error: (owned) (nullable): why there are no results
 * @counts: what the operations did, to be counted if that is settled
 * @verdict: what came of them as a whole
 * @results: (array length=length): what came of the operations
 *
 * An answer that waits.
 */
typedef struct {
  GList link;
  guint64 sequence;
  KvStore *store;
  KvAnswerBox *box;
  KvSubmitter submitter;
  GError *error;
  KvStoreCounts counts;
  KvVerdict verdict;
  guint length;
  KvResult results[];
} KvAnswer;

/**
 * kv_answer_new:
 * @results: (array length=length): moved into the answer
 *
 * Returns: (transfer full): an answer, to be given with kv_answers_hand_over()
 */
KvAnswer *kv_answer_new (KvStore *store,
                         const KvSubmitter *submitter,
                         KvResult *results,
                         guint length,
                         const KvVerdict *verdict);

/**
 * kv_submitter_answer:
 * @results: (array length=length): what came of the operations; cleared
 * @verdict: what came of them as a whole
 * @error: (nullable): why there is neither
 *
 * Gives an answer. No lock held.
 */
static inline void
kv_submitter_answer (const KvSubmitter *submitter,
                     KvStore *store,
                     KvResult *results,
                     guint length,
                     const KvVerdict *verdict,
                     const GError *error)
{
  g_autoptr (KvOutcome) outcome = NULL;

  if (submitter->func != NULL && error == NULL)
    submitter->func (store, results, length, verdict->committed, NULL, submitter->user_data);
  else if (submitter->func != NULL)
    submitter->func (store, NULL, 0, FALSE, error, submitter->user_data);
  else
    {
      outcome = error == NULL ? kv_outcome_new (results, length, verdict) : NULL;
      submitter->outcome_func (store, outcome, error, submitter->user_data);
    }

  for (guint i = 0; i < length; i++)
    kv_result_clear (&results[i]);
  if (submitter->is_batch)
    __atomic_fetch_sub (&store->batches, 1, __ATOMIC_RELAXED);
}

/**
 * kv_answers_new:
 *
 * Returns: (transfer full): no answers yet, and no contexts
 */
KvAnswers *kv_answers_new (void);

/**
 * kv_answers_free:
 *
 * When no answer is waiting any more, which is so when nobody has a reference to the store.
 */
void kv_answers_free (KvAnswers *answers);

/**
 * kv_answers_get_box:
 *
 * Any thread.
 *
 * Returns: (transfer none): the box of the caller's thread-default main context; it stays until the one answer that it is
 *   for has been given
 */
KvAnswerBox *kv_answers_get_box (KvAnswers *answers);

/**
 * kv_answers_hand_over:
 * @ready: (transfer full) (element-type KvAnswer): links of answers, in order; left empty
 *
 * Has the answers given: those of a context soon and there, those without one before this returns. Wakes each
 * context once. Any thread, no lock held.
 */
void kv_answers_hand_over (GQueue *ready);

G_END_DECLS
