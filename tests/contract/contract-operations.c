/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "contract-operations.h"

#include "contract-words.h"

#include <string.h>

static void
say_results (KvStore *store,
             KvResult *results,
             guint length,
             gboolean committed,
             const GError *error,
             gpointer user_data)
{
  g_autoptr (GString) line = g_string_new (NULL);

  g_assert_no_error (error);
  append_result (line, &results[0]);
  say ("%s", line->str);
}

void
do_operation (KvStore *store, char **words)
{
  g_auto (KvOperation) operation = { 0 };
  g_autoptr (GBytes) expected = NULL;
  g_autoptr (GError) error = NULL;

  if (read_operation (words, &operation, &expected, &error))
    kv_store_submit (store, &operation, 1, FALSE, say_results, NULL);
  else
    say_error (error);
}

/* @words: behind a "|" */
static gboolean
read_part (KvTransaction *transaction, char **words, gboolean *is_else, GError **error)
{
  g_auto (KvOperation) operation = { 0 };
  g_autoptr (GBytes) expected = NULL;

  if (!read_operation (words + 1, &operation, &expected, error))
    return FALSE;
  if (g_str_equal (words[0], "if"))
    {
      kv_transaction_if (transaction, &operation);
      return TRUE;
    }
  if (g_str_equal (words[0], "else") && !*is_else)
    {
      kv_transaction_else (transaction);
      *is_else = TRUE;
    }
  kv_transaction_add (transaction, &operation);
  return TRUE;
}

void
do_transaction (KvStore *store, char **words)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (g_str_equal (words[0], "txn"));
  g_autoptr (KvOutcome) outcome = NULL;
  g_autoptr (GString) line = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  gboolean is_else = FALSE;

  for (char **next = words + 1; *next != NULL; next++)
    {
      if (g_str_equal (*next, "|") && !read_part (transaction, next + 1, &is_else, &error))
        {
          say_error (error);
          return;
        }
    }

  outcome = kv_store_commit (store, transaction, &error);
  g_assert_no_error (error);
  g_string_append_printf (line, "%s %s %" G_GUINT64_FORMAT,
                          kv_outcome_is_committed (outcome) ? "committed" : "refused",
                          kv_outcome_get_branch (outcome) == KV_BRANCH_THEN ? "then" : "else",
                          kv_outcome_get_revision (outcome));
  for (guint i = 0; i < kv_outcome_get_length (outcome); i++)
    {
      g_string_append (line, " | ");
      append_result (line, kv_outcome_get_result (outcome, i));
    }
  say ("%s", line->str);
}

void
do_look (KvStore *store, char **words)
{
  g_autofree char *key = decode_text (words[1]);
  g_autoptr (KvEntry) entry = kv_store_lookup (store, key, -1);
  g_autoptr (GString) line = g_string_new ("held");

  append_entry (line, entry);
  if (entry != NULL && kv_entry_get_deadline (entry) != KV_NO_DEADLINE)
    g_string_append_printf (line, " %" G_GINT64_FORMAT,
                            kv_clock_to_wall (kv_entry_get_deadline (entry)));
  else
    g_string_append (line, " -");
  say ("%s", line->str);
}

void
do_flood (KvStore *store, char **words)
{
  g_autofree char *key = decode_text (words[1]);
  gint64 count = g_ascii_strtoll (words[2], NULL, 10);
  g_autofree char *value = g_strnfill ((gsize) g_ascii_strtoull (words[3], NULL, 10), 'x');
  g_autoptr (GError) error = NULL;
  guint64 revision = 0;

  for (gint64 i = 0; i < count; i++)
    revision = kv_store_put (store, key, value, -1, &error);
  g_assert_no_error (error);
  say ("flooded %" G_GUINT64_FORMAT, revision);
}
