/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-write.h"

#include "core/kv-error.h"
#include "core/kv-operation.h"
#include "dbus/kv-dbus-codec.h"
#include "dbus/kv-dbus-error.h"
#include "dbus/kv-dbus-limits.h"
#include "dbus/kv-dbus-operation.h"
#include "dbus/kv-dbus-options.h"

/* Answers with an error when there is one; takes @call then. */
static gboolean
check_result (KvDbusCall *call, const KvResult *result, const GError *failure)
{
  g_autoptr (GError) error = NULL;

  if (failure != NULL)
    {
      kv_dbus_error_return (call, g_error_copy (failure));
      return FALSE;
    }
  if (kv_result_to_error (result, &error))
    return TRUE;
  if (result->status == KV_RESULT_CONDITION_FAILED && result->entry != NULL)
    {
      g_autofree char *text = g_strdup_printf ("%s; it is at revision %" G_GUINT64_FORMAT,
                                               error->message, result->revision);
      g_free (error->message);
      error->message = g_steal_pointer (&text);
    }
  kv_dbus_error_return (call, g_steal_pointer (&error));

  return FALSE;
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

  if (!check_result (call, results, error))
    return;
  kv_dbus_call_return (
    call, kv_dbus_codec_pair (g_variant_new_uint64 (results->revision),
                              g_variant_new_boolean (results->status == KV_RESULT_CREATED)));
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
  GVariant *revision;

  if (!check_result (call, results, error))
    return;
  revision = g_variant_new_uint64 (results->revision);
  kv_dbus_call_return (call, g_variant_new_tuple (&revision, 1));
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
  gint64 sum;

  if (!check_result (call, results, error))
    return;
  sum = g_ascii_strtoll (kv_entry_get_value (results->entry, NULL), NULL, 10);
  kv_dbus_call_return (
    call, kv_dbus_codec_pair (g_variant_new_int64 (sum), g_variant_new_uint64 (results->revision)));
}

gboolean
kv_dbus_write_put (KvDbusContext *context, GVariant *parameters, KvDbusCall *call, GError **error)
{
  g_autoptr (GVariant) key = g_variant_get_child_value (parameters, 0);
  g_autoptr (GVariant) value = g_variant_get_child_value (parameters, 1);
  g_autoptr (GVariant) options = g_variant_get_child_value (parameters, 2);
  g_auto (KvOperation) operation = { 0 };
  gsize length;
  const char *text = g_variant_get_string (value, &length);

  if (!kv_dbus_operation_init_put (&operation, key, text, length, options, context->max_value_size,
                                   error))
    return FALSE;
  kv_store_submit (context->store, &operation, 1, FALSE, on_put, call);

  return TRUE;
}

gboolean
kv_dbus_write_put_bytes (KvDbusContext *context,
                         GVariant *parameters,
                         KvDbusCall *call,
                         GError **error)
{
  g_autoptr (GVariant) key = g_variant_get_child_value (parameters, 0);
  g_autoptr (GVariant) value = g_variant_get_child_value (parameters, 1);
  g_autoptr (GVariant) options = g_variant_get_child_value (parameters, 2);
  g_auto (KvOperation) operation = { 0 };
  gsize length;
  const char *bytes = g_variant_get_fixed_array (value, &length, 1);

  if (!kv_dbus_operation_init_put (&operation, key, length > 0 ? bytes : "", length, options,
                                   context->max_value_size, error))
    return FALSE;
  kv_store_submit (context->store, &operation, 1, FALSE, on_put, call);

  return TRUE;
}

gboolean
kv_dbus_write_delete (KvDbusContext *context,
                      GVariant *parameters,
                      KvDbusCall *call,
                      GError **error)
{
  g_autoptr (GVariant) key = g_variant_get_child_value (parameters, 0);
  g_autoptr (GVariant) options = g_variant_get_child_value (parameters, 1);
  g_auto (KvOperation) operation = { 0 };

  if (!kv_dbus_operation_init_delete (&operation, key, options, error))
    return FALSE;
  kv_store_submit (context->store, &operation, 1, FALSE, on_changed, call);

  return TRUE;
}

gboolean
kv_dbus_write_compare_and_swap (KvDbusContext *context,
                                GVariant *parameters,
                                KvDbusCall *call,
                                GError **error)
{
  g_autoptr (GVariant) key = g_variant_get_child_value (parameters, 0);
  g_autoptr (GVariant) expected = g_variant_get_child_value (parameters, 1);
  g_autoptr (GVariant) value = g_variant_get_child_value (parameters, 2);
  g_auto (KvOperation) operation = { 0 };
  gsize key_length, expected_length, length;
  const char *name = g_variant_get_string (key, &key_length);
  const char *old_text = g_variant_get_string (expected, &expected_length);
  const char *new_text = g_variant_get_string (value, &length);

  if (!kv_dbus_limits_check_value (length, context->max_value_size, error)
      || !kv_operation_init_swap (&operation, name, (gssize) key_length, old_text, expected_length,
                                  new_text, (gssize) length, error))
    return FALSE;
  kv_store_submit (context->store, &operation, 1, FALSE, on_changed, call);

  return TRUE;
}

gboolean
kv_dbus_write_touch (KvDbusContext *context, GVariant *parameters, KvDbusCall *call, GError **error)
{
  g_autoptr (GVariant) key = g_variant_get_child_value (parameters, 0);
  g_autoptr (GVariant) dictionary = g_variant_get_child_value (parameters, 1);
  g_auto (KvOperation) operation = { 0 };
  gsize length;
  const char *name = g_variant_get_string (key, &length);
  KvDbusOptions options;

  if (!kv_dbus_options_parse (dictionary, KV_DBUS_OPTION_TTL, &options, error)
      || !kv_operation_init_touch (&operation, name, (gssize) length,
                                   kv_dbus_options_get_deadline (&options), error))
    return FALSE;
  kv_store_submit (context->store, &operation, 1, FALSE, on_changed, call);

  return TRUE;
}

gboolean
kv_dbus_write_increment (KvDbusContext *context,
                         GVariant *parameters,
                         KvDbusCall *call,
                         GError **error)
{
  g_autoptr (GVariant) key = g_variant_get_child_value (parameters, 0);
  g_autoptr (GVariant) by = g_variant_get_child_value (parameters, 1);
  g_auto (KvOperation) operation = { 0 };
  gsize length;
  const char *name = g_variant_get_string (key, &length);

  if (!kv_operation_init (&operation, KV_OPERATION_INCREMENT, name, (gssize) length, error))
    return FALSE;
  operation.delta = g_variant_get_int64 (by);
  kv_store_submit (context->store, &operation, 1, FALSE, on_incremented, call);

  return TRUE;
}
