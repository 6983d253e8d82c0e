/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-read.h"

#include "core/kv-error.h"
#include "core/kv-key.h"
#include "dbus/kv-dbus-codec.h"
#include "dbus/kv-dbus-limits.h"

/* Finds a key whose value may go into one reply. */
static KvEntry *
look_up (KvDbusContext *context, const char *key, GError **error)
{
  g_autoptr (KvEntry) entry = NULL;
  gsize length;

  if (!kv_key_validate (key, -1, error))
    return NULL;
  entry = kv_store_lookup (context->store, key, -1);
  if (entry == NULL)
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_NOT_FOUND, "There is no such key");
      return NULL;
    }
  kv_entry_get_value (entry, &length);
  if (length > KV_DBUS_MAX_REPLY_BYTES)
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_TOO_LARGE,
                           "The value is too long for D-Bus: read it over HTTP");
      return NULL;
    }

  return g_steal_pointer (&entry);
}

static void
return_entry (KvDbusCall *call, GVariant *value, KvEntry *entry)
{
  GVariantBuilder details;

  g_variant_builder_init (&details, G_VARIANT_TYPE_VARDICT);
  kv_dbus_codec_add_details (&details, entry);
  kv_dbus_call_return (call, g_variant_new ("(*a{sv})", value, &details));
}

gboolean
kv_dbus_read_get (KvDbusContext *context, GVariant *parameters, KvDbusCall *call, GError **error)
{
  g_autoptr (KvEntry) entry = NULL;
  const char *key;

  g_variant_get (parameters, "(&s)", &key);
  entry = look_up (context, key, error);
  if (entry == NULL)
    return FALSE;
  if (!kv_dbus_codec_is_text (entry))
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_VALUE,
                           "The value holds U+0000, which D-Bus text cannot: use GetBytes");
      return FALSE;
    }
  return_entry (call, g_variant_new_string (kv_entry_get_value (entry, NULL)), entry);

  return TRUE;
}

gboolean
kv_dbus_read_get_bytes (KvDbusContext *context,
                        GVariant *parameters,
                        KvDbusCall *call,
                        GError **error)
{
  g_autoptr (KvEntry) entry = NULL;
  const char *key;

  g_variant_get (parameters, "(&s)", &key);
  entry = look_up (context, key, error);
  if (entry == NULL)
    return FALSE;
  return_entry (call, kv_dbus_codec_bytes (entry), entry);

  return TRUE;
}

/* Finds the entries of @keys, each once, in @entries. */
static gboolean
look_up_many (KvDbusContext *context, const char **keys, GHashTable *entries, GError **error)
{
  gsize bytes = 0;

  for (gsize i = 0; keys[i] != NULL; i++)
    {
      KvEntry *entry;
      gsize length;

      if (!kv_key_validate (keys[i], -1, error))
        return FALSE;
      if (g_hash_table_contains (entries, keys[i]))
        continue;
      entry = kv_store_lookup (context->store, keys[i], -1);
      if (entry == NULL)
        continue;
      g_hash_table_insert (entries, (gpointer) kv_entry_get_key (entry, NULL), entry);
      kv_entry_get_value (entry, &length);
      bytes += length;
      if (bytes > KV_DBUS_MAX_REPLY_BYTES)
        {
          g_set_error (error, KV_ERROR, KV_ERROR_TOO_LARGE,
                       "The values come to more than %u bytes: ask for fewer keys at a time",
                       KV_DBUS_MAX_REPLY_BYTES);
          return FALSE;
        }
    }

  return TRUE;
}

gboolean
kv_dbus_read_get_many (KvDbusContext *context,
                       GVariant *parameters,
                       KvDbusCall *call,
                       GError **error)
{
  g_autoptr (GVariant) list = g_variant_get_child_value (parameters, 0);
  g_autofree const char **keys = NULL;
  g_autoptr (GHashTable) entries =
    g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) kv_entry_unref);
  gsize budget = KV_DBUS_MAX_REPLY_BYTES;
  GVariantBuilder reply;
  GHashTableIter iter;
  gpointer key, entry;

  if (!kv_dbus_limits_check_count (g_variant_n_children (list), "keys", error))
    return FALSE;
  keys = g_variant_get_strv (list, NULL);
  if (!look_up_many (context, keys, entries, error))
    return FALSE;

  g_variant_builder_init (&reply, G_VARIANT_TYPE ("a{s(sa{sv})}"));
  g_hash_table_iter_init (&iter, entries);
  while (g_hash_table_iter_next (&iter, &key, &entry))
    {
      GVariantBuilder details;
      GVariant *value;

      g_variant_builder_init (&details, G_VARIANT_TYPE_VARDICT);
      kv_dbus_codec_add_details (&details, entry);
      value = kv_dbus_codec_text (entry, &details, &budget);
      g_variant_builder_add (&reply, "{s(@sa{sv})}", key, value, &details);
    }
  kv_dbus_call_return (call, g_variant_new ("(a{s(sa{sv})})", &reply));

  return TRUE;
}
