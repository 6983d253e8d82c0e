/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-write.h"

#include "core/kv-error.h"
#include "core/kv-operation.h"
#include "dbus/kv-dbus-error.h"
#include "dbus/kv-dbus-limits.h"
#include "dbus/kv-dbus-operation.h"
#include "dbus/kv-dbus-options.h"

/* Who loses is told what is there, and need not ask. */
static GError *
refuse_condition (const KvResult *result, gboolean needs_key)
{
  if (result->entry != NULL)
    return g_error_new (KV_ERROR, KV_ERROR_CONDITION_FAILED,
                        "The key does not hold what was expected; it is at revision "
                        "%" G_GUINT64_FORMAT,
                        result->revision);
  if (needs_key)
    return g_error_new_literal (KV_ERROR, KV_ERROR_NOT_FOUND, "There is no such key");

  return g_error_new_literal (KV_ERROR, KV_ERROR_CONDITION_FAILED,
                              "The key does not hold what was expected; there is no such key");
}

/* Answers with an error when there is one; takes @call then.
 * @needs_key: whether the absence of the key is told as that, whatever was asked for, as HTTP does */
static gboolean
check_result (KvDbusCall *call, const KvResult *result, gboolean needs_key, const GError *failure)
{
  g_autoptr (GError) error = NULL;

  if (failure != NULL)
    {
      kv_dbus_error_return (call, g_error_copy (failure));
      return FALSE;
    }
  if (result->status == KV_RESULT_CONDITION_FAILED)
    error = refuse_condition (result, needs_key);
  else if (kv_result_to_error (result, &error))
    return TRUE;
  kv_dbus_error_return (call, g_steal_pointer (&error));

  return FALSE;
}

static void
write_put (KvDbusWriter *writer, gconstpointer data)
{
  const KvResult *result = data;

  kv_dbus_writer_put_uint64 (writer, result->revision);
  kv_dbus_writer_put_boolean (writer, result->status == KV_RESULT_CREATED);
}

static void
on_put (KvStore *store,
        KvResult *results,
        guint length,
        gboolean committed,
        const GError *error,
        gpointer user_data)
{
  KvDbusCall *call = user_data;

  if (check_result (call, results, FALSE, error))
    kv_dbus_call_return (call, write_put, results);
}

static void
write_revision (KvDbusWriter *writer, gconstpointer data)
{
  const KvResult *result = data;

  kv_dbus_writer_put_uint64 (writer, result->revision);
}

static void
on_changed (KvStore *store,
            KvResult *results,
            guint length,
            gboolean committed,
            const GError *error,
            gpointer user_data)
{
  KvDbusCall *call = user_data;

  if (check_result (call, results, TRUE, error))
    kv_dbus_call_return (call, write_revision, results);
}

static void
write_sum (KvDbusWriter *writer, gconstpointer data)
{
  const KvResult *result = data;

  kv_dbus_writer_put_int64 (writer,
                            g_ascii_strtoll (kv_entry_get_value (result->entry, NULL), NULL, 10));
  kv_dbus_writer_put_uint64 (writer, result->revision);
}

static void
on_incremented (KvStore *store,
                KvResult *results,
                guint length,
                gboolean committed,
                const GError *error,
                gpointer user_data)
{
  KvDbusCall *call = user_data;

  if (check_result (call, results, FALSE, error))
    kv_dbus_call_return (call, write_sum, results);
}

static gboolean
put (KvDbusContext *context,
     KvDbusReader *parameters,
     gboolean is_bytes,
     KvDbusCall *call,
     GError **error)
{
  g_auto (KvOperation) operation = { 0 };
  gsize length;
  const char *key = kv_dbus_reader_take_string (parameters, &length);

  if (!kv_dbus_operation_init_put (&operation, parameters, is_bytes, key, length,
                                   context->max_value_size, error))
    return FALSE;
  kv_store_submit (context->store, &operation, 1, FALSE, on_put, call);

  return TRUE;
}

gboolean
kv_dbus_write_put (KvDbusContext *context,
                   KvDbusReader *parameters,
                   KvDbusCall *call,
                   GError **error)
{
  return put (context, parameters, FALSE, call, error);
}

gboolean
kv_dbus_write_put_bytes (KvDbusContext *context,
                         KvDbusReader *parameters,
                         KvDbusCall *call,
                         GError **error)
{
  return put (context, parameters, TRUE, call, error);
}

gboolean
kv_dbus_write_delete (KvDbusContext *context,
                      KvDbusReader *parameters,
                      KvDbusCall *call,
                      GError **error)
{
  g_auto (KvOperation) operation = { 0 };
  gsize length;
  const char *key = kv_dbus_reader_take_string (parameters, &length);

  if (!kv_dbus_operation_init_delete (&operation, parameters, key, length, error))
    return FALSE;
  kv_store_submit (context->store, &operation, 1, FALSE, on_changed, call);

  return TRUE;
}

gboolean
kv_dbus_write_compare_and_swap (KvDbusContext *context,
                                KvDbusReader *parameters,
                                KvDbusCall *call,
                                GError **error)
{
  g_auto (KvOperation) operation = { 0 };
  gsize key_length, expected_length, length;
  const char *key = kv_dbus_reader_take_string (parameters, &key_length);
  const char *expected = kv_dbus_reader_take_string (parameters, &expected_length);
  const char *value = kv_dbus_reader_take_string (parameters, &length);

  if (!kv_dbus_limits_check_value (length, context->max_value_size, error)
      || !kv_operation_init_swap (&operation, key, (gssize) key_length, expected, expected_length,
                                  value, (gssize) length, error))
    return FALSE;
  kv_store_submit (context->store, &operation, 1, FALSE, on_changed, call);

  return TRUE;
}

gboolean
kv_dbus_write_touch (KvDbusContext *context,
                     KvDbusReader *parameters,
                     KvDbusCall *call,
                     GError **error)
{
  g_auto (KvOperation) operation = { 0 };
  gsize length;
  const char *key = kv_dbus_reader_take_string (parameters, &length);
  KvDbusOptions options;

  if (!kv_dbus_options_parse (parameters, KV_DBUS_OPTIONS_TOUCH, &options, error)
      || !kv_operation_init_touch (&operation, key, (gssize) length,
                                   kv_dbus_options_get_deadline (&options), error))
    return FALSE;
  kv_dbus_options_refine (&options, &operation);
  kv_store_submit (context->store, &operation, 1, FALSE, on_changed, call);

  return TRUE;
}

gboolean
kv_dbus_write_increment (KvDbusContext *context,
                         KvDbusReader *parameters,
                         KvDbusCall *call,
                         GError **error)
{
  g_auto (KvOperation) operation = { 0 };
  gsize length;
  const char *key = kv_dbus_reader_take_string (parameters, &length);

  if (!kv_operation_init (&operation, KV_OPERATION_INCREMENT, key, (gssize) length, error))
    return FALSE;
  operation.delta = (gint64) kv_dbus_reader_take_uint64 (parameters);
  kv_store_submit (context->store, &operation, 1, FALSE, on_incremented, call);

  return TRUE;
}
