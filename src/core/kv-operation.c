/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-operation.h"

#include "core/kv-error.h"

/* Every operation carries its key in a draft, so that there is one kind of key and one hash of it; only PUT and SWAP
 * have a value in it. */
static gboolean
init (KvOperation *operation, KvOperationKind kind, KvEntry *draft)
{
  *operation = (KvOperation){ .kind = kind, .draft = draft };
  return draft != NULL;
}

gboolean
kv_operation_init (KvOperation *operation,
                   KvOperationKind kind,
                   const char *key,
                   gssize key_length,
                   GError **error)
{
  return init (operation, kind, kv_entry_new (key, key_length, "", 0, KV_NO_DEADLINE, error));
}

gboolean
kv_operation_init_put (KvOperation *operation,
                       const char *key,
                       gssize key_length,
                       const char *value,
                       gssize value_length,
                       gint64 deadline,
                       GError **error)
{
  return init (operation, KV_OPERATION_PUT,
               kv_entry_new (key, key_length, value, value_length, deadline, error));
}

gboolean
kv_operation_init_swap (KvOperation *operation,
                        const char *key,
                        gssize key_length,
                        const char *expected,
                        gsize expected_length,
                        const char *value,
                        gssize value_length,
                        GError **error)
{
  if (!init (operation, KV_OPERATION_SWAP,
             kv_entry_new (key, key_length, value, value_length, KV_NO_DEADLINE, error)))
    return FALSE;

  operation->expected = expected != NULL ? expected : "";
  operation->expected_length = expected_length;
  return TRUE;
}

gboolean
kv_operation_init_swap_revision (KvOperation *operation,
                                 const char *key,
                                 gssize key_length,
                                 guint64 revision,
                                 const char *value,
                                 gssize value_length,
                                 GError **error)
{
  if (!init (operation, KV_OPERATION_SWAP,
             kv_entry_new (key, key_length, value, value_length, KV_NO_DEADLINE, error)))
    return FALSE;

  operation->condition = KV_CONDITION_REVISION;
  operation->if_revision = revision;
  return TRUE;
}

gboolean
kv_operation_init_touch (KvOperation *operation,
                         const char *key,
                         gssize key_length,
                         gint64 deadline,
                         GError **error)
{
  return init (operation, KV_OPERATION_TOUCH,
               kv_entry_new (key, key_length, "", 0, deadline, error));
}

void
kv_operation_clear (KvOperation *operation)
{
  g_clear_pointer (&operation->draft, kv_entry_unref);
}

void
kv_result_clear (KvResult *result)
{
  g_clear_pointer (&result->entry, kv_entry_unref);
  g_clear_pointer (&result->previous, kv_entry_unref);
}

gboolean
kv_result_to_error (const KvResult *result, GError **error)
{
  switch (result->status)
    {
    case KV_RESULT_FOUND:
    case KV_RESULT_CREATED:
    case KV_RESULT_REPLACED:
    case KV_RESULT_DELETED:
      return TRUE;
    case KV_RESULT_NOT_FOUND:
      g_set_error_literal (error, KV_ERROR, KV_ERROR_NOT_FOUND, "There is no such key");
      return FALSE;
    case KV_RESULT_CONDITION_FAILED:
      g_set_error_literal (error, KV_ERROR, KV_ERROR_CONDITION_FAILED,
                           "The key does not hold what was expected");
      return FALSE;
    case KV_RESULT_NOT_A_NUMBER:
      g_set_error_literal (error, KV_ERROR, KV_ERROR_NOT_A_NUMBER,
                           "The value is no 64-bit integer, or the sum would not be one");
      return FALSE;
    case KV_RESULT_ABORTED:
      g_set_error_literal (error, KV_ERROR, KV_ERROR_CONDITION_FAILED,
                           "Another operation of the transaction failed");
      return FALSE;
    default:
      g_assert_not_reached ();
    }
}
