/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-methods.h"

#include "core/kv-error.h"
#include "dbus/kv-dbus-batch.h"
#include "dbus/kv-dbus-codec.h"
#include "dbus/kv-dbus-error.h"
#include "dbus/kv-dbus-limits.h"
#include "dbus/kv-dbus-options.h"
#include "dbus/kv-dbus-read.h"
#include "dbus/kv-dbus-write.h"
#include "store/kv-watch.h"

#include <string.h>

static gboolean
watch (KvDbusContext *context,
       GVariant *parameters,
       GDBusMethodInvocation *invocation,
       GError **error)
{
  g_autoptr (GVariant) dictionary = NULL;
  g_autofree const char **keys = NULL;
  g_autofree const char **prefixes = NULL;
  g_autofree char *path = NULL;
  KvDbusOptions options;
  KvDbusWatchSpec spec;
  guint count;

  g_variant_get (parameters, "(^a&s^a&s@a{sv})", &keys, &prefixes, &dictionary);
  spec = (KvDbusWatchSpec){ .keys = keys, .prefixes = prefixes, .since = KV_WATCH_FROM_NOW };
  count = kv_dbus_watch_spec_count (&spec);
  if (!kv_dbus_limits_check_count (count, "keys and prefixes", error)
      || !kv_dbus_options_parse (dictionary, KV_DBUS_OPTION_SINCE, &options, error))
    return FALSE;
  if (count == 0)
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                           "Name a key or a prefix to watch; the empty prefix is every key");
      return FALSE;
    }

  if (options.given & KV_DBUS_OPTION_SINCE)
    spec.since = options.since;
  path = kv_dbus_callers_add_watch (context->callers,
                                    g_dbus_method_invocation_get_sender (invocation), &spec, error);
  if (path == NULL)
    return FALSE;
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(o)", path));

  return TRUE;
}

static gboolean
get_status (KvDbusContext *context,
            GVariant *parameters,
            GDBusMethodInvocation *invocation,
            GError **error)
{
  KvStoreStatus status;

  kv_store_get_status (context->store, &status);
  g_dbus_method_invocation_return_value (
    invocation, g_variant_new ("(@a{sv})", kv_dbus_codec_status (&status)));

  return TRUE;
}

static const struct {
  const char *method;
  KvDbusHandler handler;
} handlers[] = {
  { "Get", kv_dbus_read_get },
  { "Put", kv_dbus_write_put },
  { "Delete", kv_dbus_write_delete },
  { "CompareAndSwap", kv_dbus_write_compare_and_swap },
  { "GetBytes", kv_dbus_read_get_bytes },
  { "PutBytes", kv_dbus_write_put_bytes },
  { "GetMany", kv_dbus_read_get_many },
  { "Touch", kv_dbus_write_touch },
  { "Increment", kv_dbus_write_increment },
  { "Batch", kv_dbus_batch_run },
  { "Watch", watch },
  { "GetStatus", get_status },
};

static KvDbusHandler
find_handler (const char *method)
{
  for (gsize i = 0; i < G_N_ELEMENTS (handlers); i++)
    {
      if (strcmp (handlers[i].method, method) == 0)
        return handlers[i].handler;
    }

  return NULL;
}

gboolean
kv_dbus_methods_has (const char *method)
{
  return find_handler (method) != NULL;
}

gboolean
kv_dbus_methods_admit (KvDbusContext *context, const char *sender, guint cost, GError **error)
{
  g_autofree char *client = g_strconcat ("bus:", sender, NULL);
  KvRateBucket *bucket = kv_rate_limiter_get_bucket (context->limiter, client);
  guint retry_after;
  gboolean admitted = kv_rate_bucket_admit (bucket, cost, &retry_after);

  kv_rate_bucket_release (bucket);
  if (!admitted)
    g_set_error (error, KV_ERROR, KV_ERROR_LIMIT_EXCEEDED, "Too many requests: retry after %u s",
                 retry_after);

  return admitted;
}

/* How many requests a call counts for: its arrays of keys and of entries are what makes one call the work of many. */
static guint
get_cost (GVariant *parameters)
{
  gsize n_entries = 0;

  for (gsize i = 0; i < g_variant_n_children (parameters); i++)
    {
      g_autoptr (GVariant) parameter = g_variant_get_child_value (parameters, i);

      if (g_variant_is_of_type (parameter, G_VARIANT_TYPE_STRING_ARRAY)
          || g_variant_is_of_type (parameter, G_VARIANT_TYPE ("a(sssa{sv})")))
        n_entries += g_variant_n_children (parameter);
    }

  return 1 + (guint) MIN (n_entries / KV_RATE_ENTRIES_A_REQUEST, G_MAXINT);
}

void
kv_dbus_methods_call (KvDbusContext *context, GDBusMethodInvocation *invocation)
{
  g_autoptr (GError) error = NULL;
  KvDbusHandler handler = find_handler (g_dbus_method_invocation_get_method_name (invocation));
  GVariant *parameters = g_dbus_method_invocation_get_parameters (invocation);

  if (!kv_dbus_methods_admit (context, g_dbus_method_invocation_get_sender (invocation),
                              get_cost (parameters), &error)
      || !handler (context, parameters, invocation, &error))
    kv_dbus_error_return (invocation, g_steal_pointer (&error));
}
