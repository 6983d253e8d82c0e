/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-methods.h"

#include "core/kv-error.h"
#include "dbus/kv-dbus-batch.h"
#include "dbus/kv-dbus-codec.h"
#include "dbus/kv-dbus-generated.h"
#include "dbus/kv-dbus-limits.h"
#include "dbus/kv-dbus-names.h"
#include "dbus/kv-dbus-options.h"
#include "dbus/kv-dbus-read.h"
#include "dbus/kv-dbus-write.h"
#include "principal/kv-rate-limiter.h"
#include "store/kv-watch.h"

#include <string.h>

/* What GDBus says of an object that it does not know. */
#define UNKNOWN_METHOD "org.freedesktop.DBus.Error.UnknownMethod"

static gboolean
watch (KvDbusContext *context, GVariant *parameters, KvDbusCall *call, GError **error)
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
  path = kv_dbus_callers_add_watch (context->callers, kv_dbus_call_get_sender (call), &spec, error);
  if (path == NULL)
    return FALSE;
  kv_dbus_call_return (call, g_variant_new ("(o)", path));

  return TRUE;
}

static gboolean
get_status (KvDbusContext *context, GVariant *parameters, KvDbusCall *call, GError **error)
{
  KvStoreStatus status;

  kv_store_get_status (context->store, &status);
  kv_dbus_call_return (call, g_variant_new ("(@a{sv})", kv_dbus_codec_status (&status)));

  return TRUE;
}

/* org.kvstore.KvStore1.Watch.Close(). */
static gboolean
close_watch (KvDbusContext *context, GVariant *parameters, KvDbusCall *call, GError **error)
{
  const char *path = kv_dbus_call_get_path (call);
  KvDbusWatch *watch = kv_dbus_callers_find_watch (context->callers, path);

  if (watch == NULL)
    {
      g_autofree char *text = g_strdup_printf ("Object does not exist at path “%s”", path);

      kv_dbus_call_return_error (call, UNKNOWN_METHOD, text);
      return TRUE;
    }
  if (!g_str_equal (kv_dbus_watch_get_owner (watch), kv_dbus_call_get_sender (call)))
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_NOT_AUTHORIZED,
                           "This watch belongs to somebody else");
      return FALSE;
    }
  kv_dbus_call_return (call, NULL);
  kv_dbus_callers_remove_watch (context->callers, watch);

  return TRUE;
}

/* The ones that are called most come first. */
static KvDbusMethod store_methods[] = {
  { "Get", kv_dbus_read_get, .is_charged = TRUE },
  { "Put", kv_dbus_write_put, .is_charged = TRUE },
  { "CompareAndSwap", kv_dbus_write_compare_and_swap, .is_charged = TRUE },
  { "Delete", kv_dbus_write_delete, .is_charged = TRUE },
  { "Increment", kv_dbus_write_increment, .is_charged = TRUE },
  { "Touch", kv_dbus_write_touch, .is_charged = TRUE },
  { "GetMany", kv_dbus_read_get_many, .is_charged = TRUE, .has_entries = TRUE },
  { "Batch", kv_dbus_batch_run, .is_charged = TRUE, .has_entries = TRUE },
  { "GetBytes", kv_dbus_read_get_bytes, .is_charged = TRUE },
  { "PutBytes", kv_dbus_write_put_bytes, .is_charged = TRUE },
  { "GetStatus", get_status, .is_charged = TRUE },
  { "Watch", watch, .in_main = TRUE, .is_charged = TRUE, .has_entries = TRUE },
};

/* Letting go costs nothing: who may make no more requests may still do that. */
static KvDbusMethod watch_methods[] = {
  { "Close", close_watch, .in_main = TRUE },
};

static const KvDbusMethod *
find_by_name (const KvDbusMethod *methods, gsize n_methods, const char *name)
{
  for (gsize i = 0; i < n_methods; i++)
    {
      if (strcmp (methods[i].name, name) == 0)
        return &methods[i];
    }

  return NULL;
}

static char *
describe_type (GDBusArgInfo **arguments)
{
  GString *type = g_string_new ("(");

  for (gsize i = 0; arguments != NULL && arguments[i] != NULL; i++)
    g_string_append (type, arguments[i]->signature);

  return g_string_free (g_string_append_c (type, ')'), FALSE);
}

/* GLib works out what there is to know of a type, and before 2.80 forgets it with the last value of the type, to begin anew at
 * the next message. There is always one of each that is kept here. */
static void
keep_type (GPtrArray *kept, const char *type)
{
  g_ptr_array_add (kept, g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE (type), NULL, 0)));
}

static void
fill_in_types (KvDbusMethod *methods,
               gsize n_methods,
               GDBusInterfaceInfo *interface,
               GPtrArray *kept)
{
  for (gsize i = 0; i < n_methods; i++)
    {
      GDBusMethodInfo *info = g_dbus_interface_info_lookup_method (interface, methods[i].name);
      g_autofree char *out_type = describe_type (info->out_args);

      methods[i].in_type = describe_type (info->in_args);
      keep_type (kept, methods[i].in_type);
      keep_type (kept, out_type);
    }
}

static void
ensure_in_types (void)
{
  static GPtrArray *kept = NULL;
  static gsize filled = 0;

  if (g_once_init_enter (&filled))
    {
      kept = g_ptr_array_new ();
      /* The head of every message. */
      keep_type (kept, "a{yv}");
      fill_in_types (store_methods, G_N_ELEMENTS (store_methods),
                     kv_dbus_kv_store1_interface_info (), kept);
      fill_in_types (watch_methods, G_N_ELEMENTS (watch_methods),
                     kv_dbus_kv_store1_watch_interface_info (), kept);
      g_once_init_leave (&filled, 1);
    }
}

const KvDbusMethod *
kv_dbus_methods_find (GDBusMessage *message)
{
  const char *interface, *path, *member;

  if (g_dbus_message_get_message_type (message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL)
    return NULL;
  interface = g_dbus_message_get_interface (message);
  path = g_dbus_message_get_path (message);
  member = g_dbus_message_get_member (message);
  if (interface == NULL || path == NULL || member == NULL)
    return NULL;

  ensure_in_types ();
  if (strcmp (path, KV_DBUS_OBJECT_PATH) == 0 && strcmp (interface, KV_DBUS_INTERFACE) == 0)
    return find_by_name (store_methods, G_N_ELEMENTS (store_methods), member);
  if (g_str_has_prefix (path, KV_DBUS_WATCH_PREFIX)
      && strcmp (interface, KV_DBUS_WATCH_INTERFACE) == 0)
    return find_by_name (watch_methods, G_N_ELEMENTS (watch_methods), member);

  return NULL;
}

guint
kv_dbus_methods_get_cost (const KvDbusMethod *method, GVariant *parameters)
{
  gsize n_entries = 0;

  if (!method->has_entries)
    return 1;

  for (gsize i = 0; i < g_variant_n_children (parameters); i++)
    {
      g_autoptr (GVariant) parameter = g_variant_get_child_value (parameters, i);

      if (g_variant_is_of_type (parameter, G_VARIANT_TYPE_STRING_ARRAY)
          || g_variant_is_of_type (parameter, G_VARIANT_TYPE ("a(sssa{sv})")))
        n_entries += g_variant_n_children (parameter);
    }

  return 1 + (guint) MIN (n_entries / KV_RATE_ENTRIES_A_REQUEST, G_MAXINT);
}
