/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-methods.h"

#include "core/kv-error.h"
#include "dbus/kv-dbus-batch.h"
#include "dbus/kv-dbus-codec.h"
#include "dbus/kv-dbus-dump.h"
#include "dbus/kv-dbus-generated.h"
#include "dbus/kv-dbus-limits.h"
#include "dbus/kv-dbus-list.h"
#include "dbus/kv-dbus-names.h"
#include "dbus/kv-dbus-options.h"
#include "dbus/kv-dbus-read.h"
#include "dbus/kv-dbus-restore.h"
#include "dbus/kv-dbus-transaction.h"
#include "dbus/kv-dbus-write.h"
#include "dbus/wire/kv-dbus-grammar.h"
#include "principal/kv-rate-limiter.h"
#include "store/kv-watch.h"

#include <string.h>

/* What GDBus says of an object that it does not know. */
#define UNKNOWN_METHOD "org.freedesktop.DBus.Error.UnknownMethod"

/* Gives the texts of an array: borrowed, in an array that is the caller's and ends with %NULL. */
static const char **
take_texts (KvDbusReader *parameters)
{
  KvDbusReader elements;
  const char **texts;
  gsize n = 0;

  kv_dbus_reader_take_array (parameters, "s", &elements);
  texts = g_new (const char *, kv_dbus_reader_count (&elements, "s") + 1);
  while (kv_dbus_reader_has_more (&elements))
    texts[n++] = kv_dbus_reader_take_string (&elements, NULL);
  texts[n] = NULL;

  return texts;
}

static void
write_path (KvDbusWriter *writer, gconstpointer data)
{
  const char *path = data;

  kv_dbus_writer_put_string (writer, path, strlen (path));
}

static gboolean
watch (KvDbusContext *context, KvDbusReader *parameters, KvDbusCall *call, GError **error)
{
  g_autofree const char **keys = take_texts (parameters);
  g_autofree const char **prefixes = take_texts (parameters);
  g_autofree char *path = NULL;
  KvDbusOptions options;
  KvDbusWatchSpec spec = { .keys = keys,
                           .prefixes = prefixes,
                           .since = KV_WATCH_FROM_NOW,
                           .shape = KV_DBUS_SHAPE_VALUES };
  guint count = kv_dbus_watch_spec_count (&spec);

  if (!kv_dbus_limits_check_count (count, "keys and prefixes", error)
      || !kv_dbus_options_parse (parameters, KV_DBUS_OPTIONS_WATCH, &options, error))
    return FALSE;
  if (count == 0)
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                           "Name a key or a prefix to watch; the empty prefix is every key");
      return FALSE;
    }

  /* The largest number is a revision from the future, as any other too large one is, and not the mark for "now". */
  if (options.given & KV_DBUS_OPTION_SINCE)
    spec.since = MIN (options.since, KV_WATCH_FROM_NOW - 1);
  if (options.given & KV_DBUS_OPTION_PREV)
    spec.shape |= KV_DBUS_SHAPE_PREVIOUS;
  if (options.without_values)
    spec.shape &= ~(guint) KV_DBUS_SHAPE_VALUES;
  path = kv_dbus_callers_add_watch (context->callers, kv_dbus_call_get_sender (call), &spec, error);
  if (path == NULL)
    return FALSE;
  kv_dbus_call_return (call, write_path, path);

  return TRUE;
}

static void
write_status (KvDbusWriter *writer, gconstpointer data)
{
  kv_dbus_codec_write_status (writer, data);
}

static gboolean
get_status (KvDbusContext *context, KvDbusReader *parameters, KvDbusCall *call, GError **error)
{
  KvStoreStatus status;

  kv_store_get_status (context->store, &status);
  kv_dbus_call_return (call, write_status, &status);

  return TRUE;
}

/* org.kvstore.KvStore1.Watch.Close(). */
static gboolean
close_watch (KvDbusContext *context, KvDbusReader *parameters, KvDbusCall *call, GError **error)
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
  kv_dbus_call_return (call, NULL, NULL);
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
  { "Transaction", kv_dbus_transaction_run, .is_charged = TRUE, .has_entries = TRUE },
  { "GetBytes", kv_dbus_read_get_bytes, .is_charged = TRUE },
  { "PutBytes", kv_dbus_write_put_bytes, .is_charged = TRUE },
  { "List", kv_dbus_list_keys, .is_charged = TRUE, .has_entries = TRUE },
  { "Count", kv_dbus_list_count, .is_charged = TRUE },
  { "GetStatus", get_status, .is_charged = TRUE },
  { "Watch", watch, .in_main = TRUE, .is_charged = TRUE, .has_entries = TRUE },
  { "Dump", kv_dbus_dump_run, .in_main = TRUE, .takes_descriptor = TRUE, .is_charged = TRUE },
  { "Restore", kv_dbus_restore_run, .in_main = TRUE, .takes_descriptor = TRUE, .is_charged = TRUE },
};

/* Letting go costs nothing: who may make no more requests may still do that. */
static KvDbusMethod watch_methods[] = {
  { "Close", close_watch, .in_main = TRUE },
};

G_STATIC_ASSERT (G_N_ELEMENTS (store_methods) + G_N_ELEMENTS (watch_methods) <= KV_DBUS_N_METHODS);

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
collect_signature (GDBusArgInfo **arguments)
{
  GString *signature = g_string_new (NULL);

  for (gsize i = 0; arguments != NULL && arguments[i] != NULL; i++)
    g_string_append (signature, arguments[i]->signature);

  return g_string_free (signature, FALSE);
}

static void
fill_in_signatures (KvDbusMethod *methods,
                    gsize n_methods,
                    GDBusInterfaceInfo *interface,
                    guint first_number)
{
  for (gsize i = 0; i < n_methods; i++)
    {
      GDBusMethodInfo *info = g_dbus_interface_info_lookup_method (interface, methods[i].name);

      methods[i].in_signature = collect_signature (info->in_args);
      methods[i].out_signature = collect_signature (info->out_args);
      methods[i].number = first_number + (guint) i;
    }
}

static void
ensure_signatures (void)
{
  static gsize filled = 0;

  if (g_once_init_enter (&filled))
    {
      fill_in_signatures (store_methods, G_N_ELEMENTS (store_methods),
                          kv_dbus_kv_store1_interface_info (), 0);
      fill_in_signatures (watch_methods, G_N_ELEMENTS (watch_methods),
                          kv_dbus_kv_store1_watch_interface_info (), G_N_ELEMENTS (store_methods));
      g_once_init_leave (&filled, 1);
    }
}

const KvDbusMethod *
kv_dbus_methods_find (const KvDbusHead *head)
{
  if (head->type != KV_DBUS_TYPE_METHOD_CALL || head->interface == NULL)
    return NULL;

  ensure_signatures ();
  if (strcmp (head->path, KV_DBUS_OBJECT_PATH) == 0
      && strcmp (head->interface, KV_DBUS_INTERFACE) == 0)
    return find_by_name (store_methods, G_N_ELEMENTS (store_methods), head->member);
  if (g_str_has_prefix (head->path, KV_DBUS_WATCH_PREFIX)
      && strcmp (head->interface, KV_DBUS_WATCH_INTERFACE) == 0)
    return find_by_name (watch_methods, G_N_ELEMENTS (watch_methods), head->member);

  return NULL;
}

const KvDbusMethod *
kv_dbus_methods_get (guint number)
{
  if (number < G_N_ELEMENTS (store_methods))
    return &store_methods[number];
  number -= G_N_ELEMENTS (store_methods);

  return number < G_N_ELEMENTS (watch_methods) ? &watch_methods[number] : NULL;
}

/* Passes over one parameter of @type, and counts what it brings; a number is one of what is asked for. */
static gsize
count_entries (KvDbusReader *parameters, const char *type)
{
  KvDbusReader elements;

  if (strcmp (type, "u") == 0)
    return kv_dbus_list_get_n_items (kv_dbus_reader_take_uint32 (parameters));
  if (strcmp (type, "as") != 0 && strcmp (type, "a(sssa{sv})") != 0
      && strcmp (type, "a(sa{sv})") != 0)
    {
      kv_dbus_reader_skip (parameters, type);
      return 0;
    }
  kv_dbus_reader_take_array (parameters, type + 1, &elements);

  return kv_dbus_reader_count (&elements, type + 1);
}

guint
kv_dbus_methods_get_cost (const KvDbusMethod *method, const KvDbusReader *parameters)
{
  const char *signature = method->in_signature;
  KvDbusReader rest = *parameters;
  gsize n_entries = 0;

  if (!method->has_entries)
    return 1;

  while (*signature != '\0')
    {
      const char *end = kv_dbus_grammar_skip_type (signature);
      g_autofree char *type = g_strndup (signature, (gsize) (end - signature));

      n_entries += count_entries (&rest, type);
      signature = end;
    }

  return 1 + (guint) MIN (n_entries / KV_RATE_ENTRIES_A_REQUEST, G_MAXINT);
}
