/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Random histories of transactions, with and without conditions, against a model that does the same on an array. In strict
 * mode the model also says which answers have to wait for the disk, and what is undone when that fails. A seed that fails
 * is named; run the test with --seed to see it again. */

#include "hand.h"

#include <stdlib.h>
#include <string.h>

#define N_KEYS 5
#define MOST 3 /* of conditions, and of the operations of a branch */

static const char *const values[] = { "1", "2", "9223372036854775807", "x", "" };

/* What a key holds. An empty revision is that of the transaction at hand. */
typedef struct {
  gboolean there;
  char value[24];
  guint64 revision;
} Cell;

typedef struct {
  KvOperationKind kind;
  KvCondition condition;
  guint key;
  guint64 revision;
  guint64 more[2];
  guint n_more;
  const char *expected; /* of the condition, or of a swap; of a swap NULL for none */
  const char *value;
  gint64 delta;
} Step;

typedef struct {
  Step conditions[MOST];
  Step branches[2][MOST];
  guint n_conditions;
  guint lengths[2];
} Plan;

typedef struct {
  Hand hand;
  Cell decided[N_KEYS];
  Cell settled[N_KEYS];
  gboolean pending[N_KEYS]; /* what has changed since it was settled */
  gboolean strict;
  guint64 last;      /* the last revision given */
  guint64 visible;   /* the last that is settled */
  GQueue expected;   /* of utf8: answers that wait */
  GString *answered; /* by the store, since it was last looked at */
} Model;

static guint64
some_revision (GRand *rand, const Cell *cell)
{
  return g_rand_int_range (rand, 0, 4) > 0 ? cell->revision : cell->revision - 1;
}

static Step
make_step (GRand *rand, const Model *model, gboolean is_condition)
{
  Step step = { .key = g_rand_int_range (rand, 0, N_KEYS) };
  const Cell *cell = &model->decided[step.key];

  if (!is_condition)
    step.kind = g_rand_int_range (rand, KV_OPERATION_GET, KV_OPERATION_INCREMENT + 1);
  if (is_condition || g_rand_int_range (rand, 0, 4) == 0)
    step.condition = g_rand_int_range (rand, KV_CONDITION_NONE, KV_CONDITION_NOT_VALUE + 1);
  step.revision = some_revision (rand, cell);
  step.n_more = g_rand_int_range (rand, 0, 3);
  for (guint i = 0; i < step.n_more; i++)
    step.more[i] = some_revision (rand, cell);
  step.value = values[g_rand_int_range (rand, 0, G_N_ELEMENTS (values))];
  step.delta = g_rand_int_range (rand, -1, 2);
  step.expected = g_rand_boolean (rand) ? cell->value : values[g_rand_int_range (rand, 0, 5)];
  if (step.kind == KV_OPERATION_SWAP && step.condition < KV_CONDITION_VALUE
      && g_rand_boolean (rand))
    step.expected = NULL;
  return step;
}

static Plan
make_plan (GRand *rand, const Model *model)
{
  Plan plan = { 0 };
  gboolean only_reads = g_rand_int_range (rand, 0, 5) == 0;

  plan.n_conditions = g_rand_int_range (rand, 0, MOST + 1);
  for (guint i = 0; i < plan.n_conditions; i++)
    plan.conditions[i] = make_step (rand, model, TRUE);
  for (guint branch = 0; branch < 2; branch++)
    {
      plan.lengths[branch] = g_rand_int_range (rand, 0, MOST + 1);
      for (guint i = 0; i < plan.lengths[branch]; i++)
        plan.branches[branch][i] = make_step (rand, model, only_reads);
    }
  return plan;
}

/* The model's half. */

static gboolean
model_has_revision (const Step *step, const Cell *cell)
{
  gboolean found = cell->revision == step->revision;

  for (guint i = 0; i < step->n_more; i++)
    found |= cell->revision == step->more[i];
  return found && cell->revision != 0;
}

static gboolean
model_holds (const Step *step, const Cell *cell)
{
  switch (step->condition)
    {
    case KV_CONDITION_ABSENT:
      return !cell->there;
    case KV_CONDITION_PRESENT:
      return cell->there;
    case KV_CONDITION_REVISION:
      return cell->there && model_has_revision (step, cell);
    case KV_CONDITION_NOT_REVISION:
      return !(cell->there && model_has_revision (step, cell));
    case KV_CONDITION_VALUE:
      return cell->there && strcmp (cell->value, step->expected) == 0;
    case KV_CONDITION_NOT_VALUE:
      return !(cell->there && strcmp (cell->value, step->expected) == 0);
    case KV_CONDITION_NONE:
    default:
      return TRUE;
    }
}

static void
model_write (Cell *cell, const char *value)
{
  cell->there = TRUE;
  g_strlcpy (cell->value, value, sizeof cell->value);
  cell->revision = 0;
}

static gboolean
model_increment (Cell *cell, gint64 delta)
{
  char text[24], *end;
  gint64 number = cell->there ? g_ascii_strtoll (cell->value, &end, 10) : 0;

  if (cell->there && (*end != '\0' || end == cell->value))
    return FALSE;
  if ((number == G_MAXINT64 && delta > 0) || (number == G_MININT64 && delta < 0))
    return FALSE;
  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, number + delta);
  model_write (cell, text);
  return TRUE;
}

static KvResultStatus
model_run (const Step *step, Cell *cell)
{
  gboolean was_there = cell->there;

  if (!was_there && step->kind == KV_OPERATION_SWAP && step->condition != KV_CONDITION_NONE)
    return KV_RESULT_NOT_FOUND;
  if (!model_holds (step, cell))
    return KV_RESULT_CONDITION_FAILED;
  if (!was_there && step->kind != KV_OPERATION_PUT && step->kind != KV_OPERATION_INCREMENT)
    return KV_RESULT_NOT_FOUND;

  switch (step->kind)
    {
    case KV_OPERATION_GET:
      return KV_RESULT_FOUND;
    case KV_OPERATION_DELETE:
      *cell = (Cell){ 0 };
      return KV_RESULT_DELETED;
    case KV_OPERATION_SWAP:
      if (step->expected != NULL && strcmp (cell->value, step->expected) != 0)
        return KV_RESULT_CONDITION_FAILED;
      model_write (cell, step->value);
      break;
    case KV_OPERATION_PUT:
      model_write (cell, step->value);
      break;
    case KV_OPERATION_INCREMENT:
      if (!model_increment (cell, step->delta))
        return KV_RESULT_NOT_A_NUMBER;
      break;
    case KV_OPERATION_TOUCH:
    default:
      cell->revision = 0;
    }
  return was_there ? KV_RESULT_REPLACED : KV_RESULT_CREATED;
}

static gboolean
is_failure (const Step *step, KvResultStatus status)
{
  return status == KV_RESULT_CONDITION_FAILED || status == KV_RESULT_NOT_A_NUMBER
         || (status == KV_RESULT_NOT_FOUND
             && (step->kind == KV_OPERATION_SWAP || step->kind == KV_OPERATION_TOUCH));
}

static void
describe (GString *text, KvResultStatus status, const char *value, guint64 revision)
{
  g_string_append_printf (text, " %d", status);
  if (value != NULL)
    g_string_append_printf (text, "=%s", value);
  g_string_append_printf (text, "@%" G_GUINT64_FORMAT, revision);
}

static gboolean
is_change (KvResultStatus status)
{
  return status == KV_RESULT_CREATED || status == KV_RESULT_REPLACED || status == KV_RESULT_DELETED;
}

static gboolean
is_only_reads (const Plan *plan)
{
  for (guint branch = 0; branch < 2; branch++)
    for (guint i = 0; i < plan->lengths[branch]; i++)
      if (plan->branches[branch][i].kind != KV_OPERATION_GET)
        return FALSE;
  return TRUE;
}

/* Does the plan. Gives the answer, and whether that has to wait. */
static char *
model_transact (Model *model, const Plan *plan, gboolean *waits)
{
  gboolean reads = is_only_reads (plan);
  const Cell *before = reads ? model->settled : model->decided;
  Cell cells[N_KEYS], found[MOST];
  KvResultStatus statuses[MOST];
  GString *text = g_string_new (NULL);
  gboolean looked = FALSE, all = TRUE, changed = FALSE;
  guint branch = KV_BRANCH_THEN, i;
  guint64 revision;

  memcpy (cells, before, sizeof cells);
  for (i = 0; branch == KV_BRANCH_THEN && i < plan->n_conditions; i++)
    {
      looked |= model->pending[plan->conditions[i].key];
      if (!model_holds (&plan->conditions[i], &cells[plan->conditions[i].key]))
        branch = KV_BRANCH_ELSE;
    }
  for (i = 0; i < plan->lengths[branch]; i++)
    {
      const Step *step = &plan->branches[branch][i];

      looked |= model->pending[step->key];
      statuses[i] = model_run (step, &cells[step->key]);
      found[i] = cells[step->key];
      all &= !is_failure (step, statuses[i]);
    }
  for (i = 0; all && i < N_KEYS; i++)
    changed |= cells[i].there != before[i].there || (cells[i].there && cells[i].revision == 0);

  *waits = model->strict && !reads && (looked || changed);
  revision = changed ? model->last + 1 : *waits ? model->last : model->visible;
  g_string_append_printf (text, "%u %d@%" G_GUINT64_FORMAT, branch, all, revision);
  for (i = 0; i < plan->lengths[branch]; i++)
    {
      const Step *step = &plan->branches[branch][i];
      gboolean shows = found[i].there
                       && (statuses[i] == KV_RESULT_FOUND || is_failure (step, statuses[i])
                           || (is_change (statuses[i]) && step->kind == KV_OPERATION_INCREMENT));
      guint64 own = found[i].revision == 0 && all ? revision : found[i].revision;

      if (!all && !is_failure (step, statuses[i]))
        describe (text, KV_RESULT_ABORTED, NULL, 0);
      else
        describe (text, statuses[i], shows ? found[i].value : NULL,
                  is_change (statuses[i]) ? revision
                  : shows                 ? own
                                          : 0);
    }

  for (i = 0; changed && i < N_KEYS; i++)
    if (cells[i].there != before[i].there || (cells[i].there && cells[i].revision == 0))
      {
        model->pending[i] = TRUE;
        cells[i].revision = revision;
        model->decided[i] = cells[i];
        if (!cells[i].there)
          model->decided[i] = (Cell){ 0 };
      }
  if (changed)
    model->last = revision;
  return g_string_free (text, FALSE);
}

static void
model_settle (Model *model)
{
  /* A revision that was undone stays given, and is never seen. */
  for (guint i = 0; i < N_KEYS; i++)
    if (model->pending[i])
      model->visible = model->last;
  memcpy (model->settled, model->decided, sizeof model->settled);
  memset (model->pending, 0, sizeof model->pending);
}

static void
model_undo (Model *model)
{
  memcpy (model->decided, model->settled, sizeof model->decided);
  memset (model->pending, 0, sizeof model->pending);
}

/* The store's half. */

static void
build_operation (KvOperation *operation, const Step *step)
{
  const char key[] = { (char) ('a' + step->key), '\0' };

  switch (step->kind)
    {
    case KV_OPERATION_PUT:
      kv_operation_init_put (operation, key, -1, step->value, -1, KV_NO_DEADLINE, NULL);
      break;
    case KV_OPERATION_SWAP:
      kv_operation_init_swap_revision (operation, key, -1, 0, step->value, -1, NULL);
      break;
    case KV_OPERATION_TOUCH:
      kv_operation_init_touch (operation, key, -1, KV_NO_DEADLINE, NULL);
      break;
    case KV_OPERATION_GET:
    case KV_OPERATION_DELETE:
    case KV_OPERATION_INCREMENT:
    default:
      kv_operation_init (operation, step->kind, key, -1, NULL);
    }
  operation->condition = step->condition;
  operation->if_revision = step->revision;
  operation->more_revisions = step->more;
  operation->n_more_revisions = step->n_more;
  operation->delta = step->delta;
  operation->expected = step->expected;
  operation->expected_length = step->expected != NULL ? strlen (step->expected) : 0;
}

static KvTransaction *
build_transaction (const Plan *plan)
{
  KvTransaction *transaction = kv_transaction_new (TRUE);
  KvOperation operation;

  for (guint i = 0; i < plan->n_conditions; i++)
    {
      build_operation (&operation, &plan->conditions[i]);
      kv_transaction_if (transaction, &operation);
    }
  for (guint branch = 0; branch < 2; branch++)
    {
      if (branch == KV_BRANCH_ELSE)
        kv_transaction_else (transaction);
      for (guint i = 0; i < plan->lengths[branch]; i++)
        {
          build_operation (&operation, &plan->branches[branch][i]);
          kv_transaction_add (transaction, &operation);
        }
    }
  return transaction;
}

static void
on_outcome (KvStore *store, KvOutcome *outcome, const GError *error, gpointer user_data)
{
  Model *model = user_data;

  if (error != NULL)
    g_string_append (model->answered, error->message);
  else
    {
      g_string_append_printf (model->answered, "%u %d@%" G_GUINT64_FORMAT,
                              kv_outcome_get_branch (outcome), kv_outcome_is_committed (outcome),
                              kv_outcome_get_revision (outcome));
      for (guint i = 0; i < kv_outcome_get_length (outcome); i++)
        {
          const KvResult *result = kv_outcome_get_result (outcome, i);

          describe (model->answered, result->status,
                    result->entry != NULL ? kv_entry_get_value (result->entry, NULL) : NULL,
                    result->revision);
          if (result->entry != NULL && result->status != KV_RESULT_ABORTED)
            g_assert_cmpuint (kv_entry_get_revision (result->entry), ==, result->revision);
        }
    }
  g_string_append_c (model->answered, '\n');
}

static void
assert_answered (Model *model, const char *expected)
{
  g_assert_cmpstr (model->answered->str, ==, expected);
  g_string_truncate (model->answered, 0);
}

/* All answers that have waited, as they should be or each with an error. */
static void
assert_all_answered (Model *model, const char *error)
{
  g_autoptr (GString) all = g_string_new (NULL);
  char *line;

  hand_run_context ();
  while ((line = g_queue_pop_head (&model->expected)) != NULL)
    {
      g_string_append_printf (all, "%s\n", error != NULL ? error : line);
      g_free (line);
    }
  assert_answered (model, all->str);
}

/* What everybody sees. */
static void
assert_cells (Model *model)
{
  for (guint i = 0; i < N_KEYS; i++)
    {
      const char key[] = { (char) ('a' + i), '\0' };
      g_autoptr (KvEntry) entry = kv_store_lookup (model->hand.store, key, -1);

      g_assert_cmpint (entry != NULL, ==, model->settled[i].there);
      if (entry == NULL)
        continue;
      g_assert_cmpstr (kv_entry_get_value (entry, NULL), ==, model->settled[i].value);
      g_assert_cmpuint (kv_entry_get_revision (entry), ==, model->settled[i].revision);
    }
  g_assert_cmpuint (kv_store_get_revision (model->hand.store), ==, model->visible);
}

static void
do_transaction (Model *model, GRand *rand)
{
  const Plan plan = make_plan (rand, model);
  g_autoptr (KvTransaction) transaction = build_transaction (&plan);
  gboolean waits;
  char *answer = model_transact (model, &plan, &waits);

  kv_store_submit_transaction (model->hand.store, transaction, on_outcome, model);
  hand_run_context ();
  if (waits)
    {
      assert_answered (model, "");
      g_queue_push_tail (&model->expected, answer);
    }
  else
    {
      g_autofree char *line = g_strconcat (answer, "\n", NULL);

      assert_answered (model, line);
      g_free (answer);
    }
  if (!model->strict)
    model_settle (model);
}

static void
do_something (Model *model, GRand *rand)
{
  gint what = g_rand_int_range (rand, 0, 40);

  if (!model->strict || what > 6)
    do_transaction (model, rand);
  else if (what > 0)
    {
      hand_settle_all (&model->hand);
      model_settle (model);
      assert_all_answered (model, NULL);
    }
  else
    {
      hand_fail (&model->hand);
      model_undo (model);
      assert_all_answered (model, "broken disk");
      kv_store_keeper_resume (model->hand.store);
    }
  assert_cells (model);
}

static void
run_history (guint32 seed, gboolean strict)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  Model model = { .strict = strict, .expected = G_QUEUE_INIT };

  g_test_message ("history %u", seed);
  if (strict)
    hand_set_up_strict (&model.hand, NULL);
  else
    model.hand = (Hand){ kv_store_new (), .answers = g_ptr_array_new () };
  model.last = model.visible = kv_store_get_revision (model.hand.store);
  model.answered = g_string_new (NULL);

  for (guint i = 0; i < 200; i++)
    do_something (&model, rand);
  if (strict)
    {
      hand_settle_all (&model.hand);
      assert_all_answered (&model, NULL);
    }
  g_string_free (model.answered, TRUE);
  hand_tear_down (&model.hand, NULL);
}

static void
test_histories (gconstpointer strict)
{
  for (guint i = 0; i < (g_test_slow () ? 5000 : 100); i++)
    run_history ((guint32) g_test_rand_int (), GPOINTER_TO_INT (strict));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/store/transact-model/in-memory", GINT_TO_POINTER (FALSE), test_histories);
  g_test_add_data_func ("/store/transact-model/strict", GINT_TO_POINTER (TRUE), test_histories);
  return g_test_run ();
}
