/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-error.h"

/* The one table from errors to names. In the order of the enumeration, so that a name is found by its code. */
static const GDBusErrorEntry error_names[] = {
  { KV_ERROR_FAILED, "org.kvstore.Error.Failed" },
  { KV_ERROR_NOT_FOUND, "org.kvstore.Error.NotFound" },
  { KV_ERROR_CONDITION_FAILED, "org.kvstore.Error.ConditionFailed" },
  { KV_ERROR_INVALID_KEY, "org.kvstore.Error.InvalidKey" },
  { KV_ERROR_INVALID_VALUE, "org.kvstore.Error.InvalidValue" },
  { KV_ERROR_INVALID_ARGUMENT, "org.kvstore.Error.InvalidArgument" },
  { KV_ERROR_UNPROCESSABLE, "org.kvstore.Error.Unprocessable" },
  { KV_ERROR_NOT_A_NUMBER, "org.kvstore.Error.NotANumber" },
  { KV_ERROR_TOO_LARGE, "org.kvstore.Error.TooLarge" },
  { KV_ERROR_LIMIT_EXCEEDED, "org.kvstore.Error.LimitExceeded" },
  { KV_ERROR_NOT_AUTHORIZED, "org.kvstore.Error.NotAuthorized" },
  { KV_ERROR_UNAVAILABLE, "org.kvstore.Error.Unavailable" },
  { KV_ERROR_OUT_OF_REACH, "org.kvstore.Error.OutOfReach" },
};
G_STATIC_ASSERT (G_N_ELEMENTS (error_names) == KV_N_ERRORS);

void
kv_dbus_error_register (void)
{
  static gsize registered = 0;

  if (g_once_init_enter (&registered))
    {
      for (gsize i = 0; i < G_N_ELEMENTS (error_names); i++)
        g_dbus_error_register_error (KV_ERROR, error_names[i].error_code,
                                     error_names[i].dbus_error_name);
      g_once_init_leave (&registered, 1);
    }
}

const char *
kv_dbus_error_get_name (KvError code)
{
  g_return_val_if_fail ((guint) code < KV_N_ERRORS, error_names[KV_ERROR_FAILED].dbus_error_name);

  return error_names[code].dbus_error_name;
}

void
kv_dbus_error_return (KvDbusCall *call, GError *error)
{
  g_autoptr (GError) owned = error;
  KvError code = owned->domain == KV_ERROR ? (KvError) owned->code : KV_ERROR_FAILED;

  kv_dbus_call_return_error (call, kv_dbus_error_get_name (code), owned->message);
}

void
kv_dbus_error_refuse (GDBusConnection *connection,
                      const char *sender,
                      const char *path,
                      const char *interface,
                      const char *method,
                      GVariant *parameters,
                      GDBusMethodInvocation *invocation,
                      gpointer user_data)
{
  g_dbus_method_invocation_return_dbus_error (
    invocation, kv_dbus_error_get_name (KV_ERROR_UNAVAILABLE), "The service is stopping");
}
