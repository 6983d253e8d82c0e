/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-decide.h"

#include <string.h>

/* Decimal, a sign only before negative numbers, no zero in front, within 64 bits: what an increment writes, and nothing
 * that another reader could take for something else, as many take "010" for eight. */
static gboolean
parse_counter (const KvEntry *entry, gint64 *value)
{
  const char *text = kv_entry_value (entry);
  const char *digits = text + (*text == '-');
  gsize n_digits = entry->value_length - (gsize) (digits - text);

  if (n_digits == 0 || n_digits > 19 || entry->value_length != strlen (text))
    return FALSE;
  if (*digits == '0' ? entry->value_length > 1 : !g_ascii_isdigit (*digits))
    return FALSE;
  return g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, value, NULL);
}

static KvResultStatus
decide_increment (const KvOperation *operation, const KvEntry *current, KvEntry **next)
{
  gint64 value = 0;
  char text[24];

  if (current != NULL && !parse_counter (current, &value))
    return KV_RESULT_NOT_A_NUMBER;
  if (__builtin_add_overflow (value, operation->delta, &value))
    return KV_RESULT_NOT_A_NUMBER;

  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, value);
  *next = kv_entry_new_like (operation->draft, text, strlen (text),
                             current != NULL ? current->deadline : KV_NO_DEADLINE);
  return current != NULL ? KV_RESULT_REPLACED : KV_RESULT_CREATED;
}

static gboolean
has_expected_value (const KvOperation *operation, const KvEntry *current)
{
  return current->value_length == operation->expected_length
         && (operation->expected_length == 0
             || memcmp (kv_entry_value (current), operation->expected, operation->expected_length)
                  == 0);
}

static KvResultStatus
decide_swap (KvOperation *operation, const KvEntry *current, KvEntry **next)
{
  if (current == NULL)
    return KV_RESULT_NOT_FOUND;
  if (operation->expected != NULL && !has_expected_value (operation, current))
    return KV_RESULT_CONDITION_FAILED;

  operation->draft->deadline = current->deadline;
  *next = g_steal_pointer (&operation->draft);
  return KV_RESULT_REPLACED;
}

/* What the same transaction has put there is at no revision yet. */
static gboolean
is_at_revision (const KvOperation *operation, const KvEntry *current)
{
  if (current->revision == 0)
    return FALSE;
  for (guint i = 0; i < operation->n_more_revisions; i++)
    if (current->revision == operation->more_revisions[i])
      return TRUE;
  return current->revision == operation->if_revision;
}

gboolean
kv_decide_holds (const KvOperation *operation, const KvEntry *current)
{
  switch (operation->condition)
    {
    case KV_CONDITION_NONE:
      return TRUE;
    case KV_CONDITION_ABSENT:
      return current == NULL;
    case KV_CONDITION_PRESENT:
      return current != NULL;
    case KV_CONDITION_REVISION:
      return current != NULL && is_at_revision (operation, current);
    case KV_CONDITION_NOT_REVISION:
      return current == NULL || !is_at_revision (operation, current);
    case KV_CONDITION_VALUE:
      return current != NULL && has_expected_value (operation, current);
    case KV_CONDITION_NOT_VALUE:
      return current == NULL || !has_expected_value (operation, current);
    default:
      g_assert_not_reached ();
    }
}

KvResultStatus
kv_decide (KvOperation *operation, const KvEntry *current, KvEntry **next)
{
  *next = NULL;
  /* A swap of what is not there says so, whichever way it compares. */
  if (!kv_decide_holds (operation, current))
    return operation->kind == KV_OPERATION_SWAP && current == NULL ? KV_RESULT_NOT_FOUND
                                                                   : KV_RESULT_CONDITION_FAILED;

  switch (operation->kind)
    {
    case KV_OPERATION_GET:
      return current != NULL ? KV_RESULT_FOUND : KV_RESULT_NOT_FOUND;
    case KV_OPERATION_PUT:
      if (operation->keep_deadline && current != NULL)
        operation->draft->deadline = current->deadline;
      *next = g_steal_pointer (&operation->draft);
      return current != NULL ? KV_RESULT_REPLACED : KV_RESULT_CREATED;
    case KV_OPERATION_DELETE:
      return current != NULL ? KV_RESULT_DELETED : KV_RESULT_NOT_FOUND;
    case KV_OPERATION_SWAP:
      return decide_swap (operation, current, next);
    case KV_OPERATION_TOUCH:
      if (current == NULL)
        return KV_RESULT_NOT_FOUND;
      *next = kv_entry_new_like (current, kv_entry_value (current), current->value_length,
                                 operation->draft->deadline);
      return KV_RESULT_REPLACED;
    case KV_OPERATION_INCREMENT:
      return decide_increment (operation, current, next);
    default:
      g_assert_not_reached ();
    }
}
