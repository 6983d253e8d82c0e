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
look_up (KvDbusContext *context, GVariant *key, GError **error)
{
  g_autoptr (KvEntry) entry = NULL;
  gsize key_length, length;
  const char *text = g_variant_get_string (key, &key_length);

  if (!kv_key_validate (text, (gssize) key_length, error))
    return NULL;
  entry = kv_store_lookup (context->store, text, (gssize) key_length);
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
  KvDbusDetails details = { 0 };

  kv_dbus_codec_add_details (&details, entry);
  kv_dbus_call_return (call, kv_dbus_codec_pair (value, kv_dbus_details_end (&details)));
}

gboolean
kv_dbus_read_get (KvDbusContext *context, GVariant *parameters, KvDbusCall *call, GError **error)
{
  g_autoptr (GVariant) key = g_variant_get_child_value (parameters, 0);
  g_autoptr (KvEntry) entry = look_up (context, key, error);

  if (entry == NULL)
    return FALSE;
  if (!kv_dbus_codec_is_text (entry))
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_VALUE,
                           "The value holds U+0000, which D-Bus text cannot: use GetBytes");
      return FALSE;
    }
  return_entry (call, kv_dbus_codec_string (entry), entry);

  return TRUE;
}

gboolean
kv_dbus_read_get_bytes (KvDbusContext *context,
                        GVariant *parameters,
                        KvDbusCall *call,
                        GError **error)
{
  g_autoptr (GVariant) key = g_variant_get_child_value (parameters, 0);
  g_autoptr (KvEntry) entry = look_up (context, key, error);

  if (entry == NULL)
    return FALSE;
  return_entry (call, kv_dbus_codec_bytes (entry), entry);

  return TRUE;
}

/* What GetMany() has found. */
typedef struct {
  GVariant *key;  /* (owned) of the call */
  KvEntry *entry; /* (owned) */
} Found;

static void
found_clear (gpointer data)
{
  Found *found = data;

  g_variant_unref (found->key);
  kv_entry_unref (found->entry);
}

/* Finds the entries of @keys, each once. */
static gboolean
look_up_many (KvDbusContext *context, GVariant *keys, GArray *entries, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  gsize n_keys = g_variant_n_children (keys);
  gsize bytes = 0;

  for (gsize i = 0; i < n_keys; i++)
    {
      g_autoptr (GVariant) key = g_variant_get_child_value (keys, i);
      gsize key_length, length;
      const char *text = g_variant_get_string (key, &key_length);
      Found found;

      if (!kv_key_validate (text, (gssize) key_length, error))
        return FALSE;
      if (g_hash_table_contains (seen, text))
        continue;
      found.entry = kv_store_lookup (context->store, text, (gssize) key_length);
      if (found.entry == NULL)
        continue;
      found.key = g_steal_pointer (&key);
      g_array_append_val (entries, found);
      g_hash_table_add (seen, (gpointer) text);
      kv_entry_get_value (found.entry, &length);
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
  g_autoptr (GVariant) keys = g_variant_get_child_value (parameters, 0);
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Found));
  g_autofree GVariant **children = NULL;
  gsize budget = KV_DBUS_MAX_REPLY_BYTES;
  GVariant *reply;

  g_array_set_clear_func (entries, found_clear);
  if (!kv_dbus_limits_check_count (g_variant_n_children (keys), "keys", error)
      || !look_up_many (context, keys, entries, error))
    return FALSE;

  children = g_new (GVariant *, entries->len);
  for (guint i = 0; i < entries->len; i++)
    {
      const Found *found = &g_array_index (entries, Found, i);
      KvDbusDetails details = { 0 };
      GVariant *value;

      kv_dbus_codec_add_details (&details, found->entry);
      value = kv_dbus_codec_text (found->entry, &details, &budget);
      children[i] = g_variant_new_dict_entry (
        found->key, kv_dbus_codec_pair (value, kv_dbus_details_end (&details)));
    }
  reply = g_variant_new_array (G_VARIANT_TYPE ("{s(sa{sv})}"), children, entries->len);
  kv_dbus_call_return (call, g_variant_new_tuple (&reply, 1));

  return TRUE;
}
