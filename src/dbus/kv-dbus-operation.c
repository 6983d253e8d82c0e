/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-operation.h"

#include "core/kv-error.h"
#include "dbus/kv-dbus-limits.h"
#include "dbus/kv-dbus-options.h"

#include <string.h>

gboolean
kv_dbus_operation_init_put (KvOperation *operation,
                            KvDbusReader *parameters,
                            gboolean is_bytes,
                            const char *key,
                            gsize key_length,
                            gsize max_value_size,
                            GError **error)
{
  gsize length;
  const char *value = is_bytes ? (const char *) kv_dbus_reader_take_bytes (parameters, &length)
                               : kv_dbus_reader_take_string (parameters, &length);
  KvDbusOptions options;

  if (!kv_dbus_limits_check_value (length, max_value_size, error)
      || !kv_dbus_options_parse (parameters, KV_DBUS_OPTIONS_PUT, &options, error)
      || !kv_operation_init_put (operation, key, (gssize) key_length, value, (gssize) length,
                                 kv_dbus_options_get_deadline (&options), error))
    return FALSE;
  kv_dbus_options_refine (&options, operation);

  return TRUE;
}

gboolean
kv_dbus_operation_init_delete (KvOperation *operation,
                               KvDbusReader *parameters,
                               const char *key,
                               gsize key_length,
                               GError **error)
{
  KvDbusOptions options;

  if (!kv_dbus_options_parse (parameters, KV_DBUS_OPTION_IF_REVISION, &options, error)
      || !kv_operation_init (operation, KV_OPERATION_DELETE, key, (gssize) key_length, error))
    return FALSE;
  kv_dbus_options_refine (&options, operation);

  return TRUE;
}

static gboolean
take_no_value (KvDbusReader *entries, const char *method, GError **error)
{
  if (*kv_dbus_reader_take_string (entries, NULL) == '\0')
    return TRUE;
  g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT, "%s takes no value: leave it empty",
               method);

  return FALSE;
}

gboolean
kv_dbus_operation_init_entry (KvOperation *operation,
                              KvDbusReader *entries,
                              gsize max_value_size,
                              GError **error)
{
  const char *method, *key;
  gsize length;
  KvDbusOptions none;

  kv_dbus_reader_enter_struct (entries);
  method = kv_dbus_reader_take_string (entries, NULL);
  key = kv_dbus_reader_take_string (entries, &length);
  if (strcmp (method, "PUT") == 0)
    return kv_dbus_operation_init_put (operation, entries, FALSE, key, length, max_value_size,
                                       error);
  if (strcmp (method, "GET") == 0)
    return take_no_value (entries, method, error)
           && kv_dbus_options_parse (entries, 0, &none, error)
           && kv_operation_init (operation, KV_OPERATION_GET, key, (gssize) length, error);
  if (strcmp (method, "DELETE") == 0)
    return take_no_value (entries, method, error)
           && kv_dbus_operation_init_delete (operation, entries, key, length, error);

  g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                       "The method is to be GET, PUT or DELETE");
  return FALSE;
}
