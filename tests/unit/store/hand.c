/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "hand.h"

#include <string.h>

static void
on_wake (gboolean urgent, gpointer user_data)
{
  Hand *hand = user_data;

  if (urgent)
    hand->urges++;
  else
    hand->wakes++;
}

const KvKeeperLimits hand_roomy = { 100, 100000, 200, 200000 };

void
hand_attach (Hand *hand, KvDurability durability, const KvKeeperLimits *limits)
{
  hand->store = kv_store_new ();
  hand->answers = g_ptr_array_new_with_free_func (g_free);
  kv_store_keeper_attach (hand->store, durability, limits, on_wake, hand);
}

void
hand_set_up_strict (Hand *hand, gconstpointer data)
{
  hand_attach (hand, KV_DURABILITY_STRICT, &hand_roomy);
  kv_store_keeper_start (hand->store, 0);
}

void
hand_set_up_relaxed (Hand *hand, gconstpointer data)
{
  hand_attach (hand, KV_DURABILITY_RELAXED, &hand_roomy);
  kv_store_keeper_start (hand->store, 0);
}

void
hand_tear_down (Hand *hand, gconstpointer data)
{
  g_assert_cmpuint (hand->answers->len, ==, 0);
  g_ptr_array_unref (hand->answers);
  g_assert_finalize_object (hand->store);
}

void
hand_run_context (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

void
hand_settle_all (Hand *hand)
{
  guint64 from, to;

  if (kv_store_keeper_take (hand->store, &from, &to))
    kv_store_keeper_settle (hand->store, to);
}

void
hand_fail (Hand *hand)
{
  g_autoptr (GError) reason = g_error_new_literal (KV_ERROR, KV_ERROR_UNAVAILABLE, "broken disk");

  kv_store_keeper_fail (hand->store, reason);
}

static char *
describe_result (const KvResult *result)
{
  static const char *const names[] = { "found",     "created",  "replaced", "deleted",
                                       "not-found", "mismatch", "nan",      "aborted" };

  if (result->entry == NULL)
    return g_strdup (names[result->status]);
  return g_strconcat (names[result->status], "=", kv_entry_get_value (result->entry, NULL), NULL);
}

static void
on_answer (KvStore *store,
           KvResult *results,
           guint length,
           gboolean committed,
           const GError *error,
           gpointer user_data)
{
  Hand *hand = user_data;
  GString *line = g_string_new (NULL);

  if (error != NULL)
    g_string_append_printf (line, "%s", error->message);
  for (guint i = 0; i < length; i++)
    {
      g_autofree char *text = describe_result (&results[i]);

      g_string_append_printf (line, "%s%s", i > 0 ? "," : "", text);
    }
  g_ptr_array_add (hand->answers, g_string_free (line, FALSE));
}

void
hand_assert_answers (Hand *hand, const char *expected)
{
  g_autofree char *joined = NULL;

  g_ptr_array_add (hand->answers, NULL);
  joined = g_strjoinv ("; ", (char **) hand->answers->pdata);
  g_ptr_array_set_size (hand->answers, 0);
  g_assert_cmpstr (joined, ==, expected);
}

void
hand_put (Hand *hand, const char *key, const char *value, gint64 ttl)
{
  KvOperation operation;
  gint64 deadline = ttl < 0 ? KV_NO_DEADLINE : kv_clock_deadline_after (ttl);

  kv_operation_init_put (&operation, key, -1, value, -1, deadline, NULL);
  kv_store_submit (hand->store, &operation, 1, FALSE, on_answer, hand);
}

void
hand_delete_key (Hand *hand, const char *key)
{
  KvOperation operation;

  kv_operation_init (&operation, KV_OPERATION_DELETE, key, -1, NULL);
  kv_store_submit (hand->store, &operation, 1, FALSE, on_answer, hand);
}

void
hand_swap (Hand *hand, const char *key, const char *expected, const char *value)
{
  KvOperation operation;

  kv_operation_init_swap (&operation, key, -1, expected, strlen (expected), value, -1, NULL);
  kv_store_submit (hand->store, &operation, 1, FALSE, on_answer, hand);
}

static void
init_operation (KvOperation *operation, const char *word)
{
  g_auto (GStrv) parts = g_strsplit (word + 2, "=", 2);

  switch (word[0])
    {
    case 'p':
      kv_operation_init_put (operation, parts[0], -1, parts[1], -1, KV_NO_DEADLINE, NULL);
      break;
    case 's':
      kv_operation_init_swap (operation, parts[0], -1, "", 0, parts[1], -1, NULL);
      break;
    default:
      kv_operation_init (operation,
                         word[0] == 'g'   ? KV_OPERATION_GET
                         : word[0] == 'd' ? KV_OPERATION_DELETE
                                          : KV_OPERATION_INCREMENT,
                         parts[0], -1, NULL);
      operation->delta = 1;
    }
}

void
hand_submit (Hand *hand, gboolean atomic, const char *words)
{
  g_auto (GStrv) list = g_strsplit (words, " ", -1);
  guint length = g_strv_length (list);
  g_autofree KvOperation *operations = g_new0 (KvOperation, length);

  for (guint i = 0; i < length; i++)
    init_operation (&operations[i], list[i]);
  kv_store_submit (hand->store, operations, length, atomic, on_answer, hand);
}

void
hand_add (KvTransaction *transaction, const char *words)
{
  g_auto (GStrv) list = g_strsplit (words, " ", -1);

  for (guint i = 0; list[i] != NULL; i++)
    {
      KvOperation operation;

      init_operation (&operation, list[i]);
      kv_transaction_add (transaction, &operation);
    }
}

char *
hand_describe_outcome (const KvOutcome *outcome)
{
  GString *line = g_string_new (NULL);

  g_string_append (line, kv_outcome_get_branch (outcome) == KV_BRANCH_THEN ? "then" : "else");
  g_string_append (line, kv_outcome_is_committed (outcome) ? ": " : " failed: ");
  for (guint i = 0; i < kv_outcome_get_length (outcome); i++)
    {
      g_autofree char *text = describe_result (kv_outcome_get_result (outcome, i));

      g_string_append_printf (line, "%s%s", i > 0 ? "," : "", text);
    }
  return g_string_free (line, FALSE);
}

static void
on_outcome (KvStore *store, KvOutcome *outcome, const GError *error, gpointer user_data)
{
  Hand *hand = user_data;

  g_ptr_array_add (hand->answers,
                   error != NULL ? g_strdup (error->message) : hand_describe_outcome (outcome));
}

void
hand_submit_transaction (Hand *hand, KvTransaction *transaction)
{
  kv_store_submit_transaction (hand->store, transaction, on_outcome, hand);
}

void
hand_assert_value (Hand *hand, const char *key, const char *expected)
{
  g_autofree char *value = kv_store_get (hand->store, key, NULL);

  g_assert_cmpstr (value, ==, expected);
}

KvStoreStatus
hand_get_status (Hand *hand)
{
  KvStoreStatus status;

  kv_store_get_status (hand->store, &status);
  return status;
}
