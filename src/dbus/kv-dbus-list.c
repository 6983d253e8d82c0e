/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-list.h"

#include "core/kv-error.h"
#include "dbus/kv-dbus-codec.h"
#include "dbus/kv-dbus-error.h"
#include "dbus/kv-dbus-options.h"
#include "store/kv-listing.h"

guint
kv_dbus_list_get_n_items (guint limit)
{
  if (limit == 0)
    return KV_LIST_DEFAULT_LIMIT;

  return limit <= KV_LIST_MAX_LIMIT ? limit : 0;
}

/* @call: (transfer full): a call */
static void
answer (KvDbusCall *call, KvDbusWriteFunc write, const KvPage *page, const GError *error)
{
  if (error != NULL)
    kv_dbus_error_return (call, g_error_copy (error));
  else
    kv_dbus_call_return (call, write, page);
}

static void
write_entries (KvDbusWriter *writer, gconstpointer data)
{
  kv_dbus_codec_write_page (writer, data, FALSE);
}

static void
on_entries (KvStore *store, KvPage *page, const GError *error, gpointer user_data)
{
  answer (user_data, write_entries, page, error);
}

static void
write_values (KvDbusWriter *writer, gconstpointer data)
{
  kv_dbus_codec_write_page (writer, data, TRUE);
}

static void
on_values (KvStore *store, KvPage *page, const GError *error, gpointer user_data)
{
  answer (user_data, write_values, page, error);
}

static void
write_count (KvDbusWriter *writer, gconstpointer data)
{
  const KvPage *page = data;

  kv_dbus_writer_put_uint64 (writer, kv_page_get_count (page));
  kv_dbus_writer_put_uint64 (writer, kv_page_get_revision (page));
}

static void
on_count (KvStore *store, KvPage *page, const GError *error, gpointer user_data)
{
  answer (user_data, write_count, page, error);
}

static gboolean
check_limit (guint limit, GError **error)
{
  if (kv_dbus_list_get_n_items (limit) > 0)
    return TRUE;
  g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
               "limit is %u; at most %d items are listed at a time, and 0 stands for %d", limit,
               KV_LIST_MAX_LIMIT, KV_LIST_DEFAULT_LIMIT);

  return FALSE;
}

gboolean
kv_dbus_list_keys (KvDbusContext *context,
                   KvDbusReader *parameters,
                   KvDbusCall *call,
                   GError **error)
{
  KvListQuery query = { .prefix_length = -1, .delimiter_length = -1 };
  KvDbusOptions options;
  gsize cursor_length;
  guint limit;

  query.prefix = kv_dbus_reader_take_string (parameters, NULL);
  query.cursor = kv_dbus_reader_take_string (parameters, &cursor_length);
  limit = kv_dbus_reader_take_uint32 (parameters);
  if (!check_limit (limit, error)
      || !kv_dbus_options_parse (parameters, KV_DBUS_OPTIONS_LIST, &options, error))
    return FALSE;

  if (cursor_length == 0)
    query.cursor = NULL;
  query.delimiter = options.delimiter;
  query.limit = kv_dbus_list_get_n_items (limit);
  query.content = options.given & KV_DBUS_OPTION_VALUES ? KV_LIST_VALUES : KV_LIST_ENTRIES;
  kv_store_submit_listing (context->store, &query,
                           query.content == KV_LIST_VALUES ? on_values : on_entries, call);

  return TRUE;
}

gboolean
kv_dbus_list_count (KvDbusContext *context,
                    KvDbusReader *parameters,
                    KvDbusCall *call,
                    GError **error)
{
  const KvListQuery query = {
    .prefix = kv_dbus_reader_take_string (parameters, NULL),
    .prefix_length = -1,
    .content = KV_LIST_COUNT,
  };

  kv_store_submit_listing (context->store, &query, on_count, call);

  return TRUE;
}
