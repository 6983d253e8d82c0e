/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-operation.h"

#include "core/kv-error.h"
#include "dbus/kv-dbus-limits.h"
#include "dbus/kv-dbus-options.h"

gboolean
kv_dbus_operation_init_put (KvOperation *operation,
                            GVariant *key,
                            const char *value,
                            gsize length,
                            GVariant *options,
                            gsize max_value_size,
                            GError **error)
{
  gsize key_length;
  const char *name = g_variant_get_string (key, &key_length);
  KvDbusOptions parsed;

  if (!kv_dbus_limits_check_value (length, max_value_size, error)
      || !kv_dbus_options_parse (options, KV_DBUS_OPTIONS_PUT, &parsed, error)
      || !kv_operation_init_put (operation, name, (gssize) key_length, value, (gssize) length,
                                 kv_dbus_options_get_deadline (&parsed), error))
    return FALSE;
  kv_dbus_options_refine (&parsed, operation);

  return TRUE;
}

static gboolean
init_with_key (KvOperation *operation, KvOperationKind kind, GVariant *key, GError **error)
{
  gsize length;
  const char *name = g_variant_get_string (key, &length);

  return kv_operation_init (operation, kind, name, (gssize) length, error);
}

gboolean
kv_dbus_operation_init_delete (KvOperation *operation,
                               GVariant *key,
                               GVariant *options,
                               GError **error)
{
  KvDbusOptions parsed;

  if (!kv_dbus_options_parse (options, KV_DBUS_OPTION_IF_REVISION, &parsed, error)
      || !init_with_key (operation, KV_OPERATION_DELETE, key, error))
    return FALSE;
  kv_dbus_options_refine (&parsed, operation);

  return TRUE;
}

static gboolean
check_no_value (const char *method, GVariant *value, GError **error)
{
  if (*g_variant_get_string (value, NULL) == '\0')
    return TRUE;
  g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT, "%s takes no value: leave it empty",
               method);

  return FALSE;
}

gboolean
kv_dbus_operation_init_entry (KvOperation *operation,
                              GVariant *entry,
                              gsize max_value_size,
                              GError **error)
{
  g_autoptr (GVariant) method_name = g_variant_get_child_value (entry, 0);
  g_autoptr (GVariant) key = g_variant_get_child_value (entry, 1);
  g_autoptr (GVariant) value = g_variant_get_child_value (entry, 2);
  g_autoptr (GVariant) options = g_variant_get_child_value (entry, 3);
  const char *method = g_variant_get_string (method_name, NULL);
  const char *text;
  gsize length;
  KvDbusOptions none;

  if (g_str_equal (method, "PUT"))
    {
      text = g_variant_get_string (value, &length);
      return kv_dbus_operation_init_put (operation, key, text, length, options, max_value_size,
                                         error);
    }
  if (g_str_equal (method, "GET"))
    return check_no_value (method, value, error) && kv_dbus_options_parse (options, 0, &none, error)
           && init_with_key (operation, KV_OPERATION_GET, key, error);
  if (g_str_equal (method, "DELETE"))
    return check_no_value (method, value, error)
           && kv_dbus_operation_init_delete (operation, key, options, error);

  g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                       "The method is to be GET, PUT or DELETE");
  return FALSE;
}
