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
look_up (KvDbusContext *context, KvDbusReader *parameters, GError **error)
{
  g_autoptr (KvEntry) entry = NULL;
  gsize key_length, length;
  const char *key = kv_dbus_reader_take_string (parameters, &key_length);

  if (!kv_key_validate (key, (gssize) key_length, error))
    return NULL;
  entry = kv_store_lookup (context->store, key, (gssize) key_length);
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
write_text (KvDbusWriter *writer, gconstpointer data)
{
  kv_dbus_codec_write_text (writer, data);
}

gboolean
kv_dbus_read_get (KvDbusContext *context,
                  KvDbusReader *parameters,
                  KvDbusCall *call,
                  GError **error)
{
  g_autoptr (KvEntry) entry = look_up (context, parameters, error);

  if (entry == NULL)
    return FALSE;
  if (!kv_dbus_codec_is_text (entry))
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_VALUE,
                           "The value holds U+0000, which D-Bus text cannot: use GetBytes");
      return FALSE;
    }
  kv_dbus_call_return (call, write_text, entry);

  return TRUE;
}

static void
write_bytes (KvDbusWriter *writer, gconstpointer data)
{
  kv_dbus_codec_write_bytes (writer, data);
}

gboolean
kv_dbus_read_get_bytes (KvDbusContext *context,
                        KvDbusReader *parameters,
                        KvDbusCall *call,
                        GError **error)
{
  g_autoptr (KvEntry) entry = look_up (context, parameters, error);

  if (entry == NULL)
    return FALSE;
  kv_dbus_call_return (call, write_bytes, entry);

  return TRUE;
}

/* --- many keys --- */

/* What GetMany() has found. */
typedef struct {
  const char *key; /* (borrowed) of the message */
  gsize key_length;
  KvEntry *entry; /* (owned) */
} Found;

static void
found_clear (gpointer data)
{
  kv_entry_unref (((Found *) data)->entry);
}

/* Finds the entries of @keys, each once. */
static gboolean
look_up_many (KvDbusContext *context, KvDbusReader *keys, GArray *entries, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  gsize bytes = 0;

  while (kv_dbus_reader_has_more (keys))
    {
      Found found;
      gsize length;

      found.key = kv_dbus_reader_take_string (keys, &found.key_length);
      if (!kv_key_validate (found.key, (gssize) found.key_length, error))
        return FALSE;
      if (g_hash_table_contains (seen, found.key))
        continue;
      found.entry = kv_store_lookup (context->store, found.key, (gssize) found.key_length);
      if (found.entry == NULL)
        continue;
      g_array_append_val (entries, found);
      g_hash_table_add (seen, (gpointer) found.key);
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

static void
write_many (KvDbusWriter *writer, gconstpointer data)
{
  const GArray *entries = data;
  KvDbusArray array = kv_dbus_writer_open_array (writer, KV_DBUS_FOUND_TYPE);
  gsize budget = KV_DBUS_MAX_REPLY_BYTES;

  for (guint i = 0; i < entries->len; i++)
    {
      const Found *found = &g_array_index (entries, Found, i);

      kv_dbus_codec_write_found (writer, found->key, found->key_length, found->entry, &budget);
    }
  kv_dbus_writer_close_array (writer, array);
}

gboolean
kv_dbus_read_get_many (KvDbusContext *context,
                       KvDbusReader *parameters,
                       KvDbusCall *call,
                       GError **error)
{
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Found));
  KvDbusReader keys;

  g_array_set_clear_func (entries, found_clear);
  kv_dbus_reader_take_array (parameters, "s", &keys);
  if (!kv_dbus_limits_check_count (kv_dbus_reader_count (&keys, "s"), "keys", error)
      || !look_up_many (context, &keys, entries, error))
    return FALSE;
  kv_dbus_call_return (call, write_many, entries);

  return TRUE;
}
