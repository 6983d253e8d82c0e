/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-codec.h"

#include "core/kv-clock.h"
#include "core/kv-timestamp.h"
#include "dbus/kv-dbus-limits.h"
#include "kv-config.h"
#include "store/kv-status.h"

#include <string.h>

gboolean
kv_dbus_codec_is_text (const KvEntry *entry)
{
  gsize length;
  const char *value = kv_entry_get_value (entry, &length);

  return memchr (value, '\0', length) == NULL;
}

/* --- details --- */

static void
begin_detail (KvDbusWriter *writer, const char *name, const char *type)
{
  kv_dbus_writer_enter_struct (writer);
  kv_dbus_writer_put_string (writer, name, strlen (name));
  kv_dbus_writer_enter_variant (writer, type);
}

static void
put_text_detail (KvDbusWriter *writer, const char *name, const char *text)
{
  begin_detail (writer, name, "s");
  kv_dbus_writer_put_string (writer, text, strlen (text));
}

static void
put_count_detail (KvDbusWriter *writer, const char *name, guint64 count)
{
  begin_detail (writer, name, "t");
  kv_dbus_writer_put_uint64 (writer, count);
}

static void
put_boolean_detail (KvDbusWriter *writer, const char *name, gboolean value)
{
  begin_detail (writer, name, "b");
  kv_dbus_writer_put_boolean (writer, value);
}

static void
put_expires (KvDbusWriter *writer, const KvEntry *entry)
{
  gint64 deadline = kv_entry_get_deadline (entry);
  char text[KV_TIMESTAMP_SIZE];

  if (deadline == KV_NO_DEADLINE)
    return;
  /* Halved, so that the way to the wall clock cannot leave 64 bits. */
  kv_timestamp_format (kv_clock_to_wall (MIN (deadline, G_MAXINT64 / 2)), text);
  put_text_detail (writer, "expires", text);
}

static void
put_details (KvDbusWriter *writer, const KvEntry *entry)
{
  put_count_detail (writer, "revision", kv_entry_get_revision (entry));
  put_expires (writer, entry);
}

/* --- values --- */

/* How a value is told where several come in one message. */
typedef enum {
  AS_TEXT,
  AS_BYTES,
  NOT_AT_ALL,
  NOT_ASKED_FOR,
} Form;

static Form
choose_form (const KvEntry *entry, gsize *budget)
{
  gsize length;

  kv_entry_get_value (entry, &length);
  if (length > *budget)
    return NOT_AT_ALL;
  *budget -= length;

  return kv_dbus_codec_is_text (entry) ? AS_TEXT : AS_BYTES;
}

static void
put_text (KvDbusWriter *writer, const KvEntry *entry, Form form)
{
  gsize length = 0;
  const char *value = form == AS_TEXT ? kv_entry_get_value (entry, &length) : "";

  kv_dbus_writer_put_string (writer, value, length);
}

/* What the text cannot tell. */
static void
put_form_details (KvDbusWriter *writer, const KvEntry *entry, Form form)
{
  gsize length;
  const char *value = kv_entry_get_value (entry, &length);

  if (form == NOT_AT_ALL)
    put_boolean_detail (writer, "value_omitted", TRUE);
  if (form != AS_BYTES)
    return;
  begin_detail (writer, "value_bytes", "ay");
  kv_dbus_writer_put_bytes (writer, value, length);
}

/* Within a dictionary. */
static void
put_entry_details (KvDbusWriter *writer, const KvEntry *entry, Form form)
{
  put_details (writer, entry);
  put_form_details (writer, entry, form);
}

static void
put_entry (KvDbusWriter *writer, const KvEntry *entry, Form form)
{
  KvDbusArray details;

  put_text (writer, entry, form);
  details = kv_dbus_writer_open_array (writer, "{sv}");
  put_entry_details (writer, entry, form);
  kv_dbus_writer_close_array (writer, details);
}

/* What was there before. */
static void
put_previous (KvDbusWriter *writer, const KvEntry *entry, Form form)
{
  begin_detail (writer, "prev", "(sa{sv})");
  kv_dbus_writer_enter_struct (writer);
  put_entry (writer, entry, form);
}

void
kv_dbus_codec_write_text (KvDbusWriter *writer, const KvEntry *entry)
{
  put_entry (writer, entry, AS_TEXT);
}

void
kv_dbus_codec_write_bytes (KvDbusWriter *writer, const KvEntry *entry)
{
  gsize length;
  const char *value = kv_entry_get_value (entry, &length);
  KvDbusArray details;

  kv_dbus_writer_put_bytes (writer, value, length);
  details = kv_dbus_writer_open_array (writer, "{sv}");
  put_details (writer, entry);
  kv_dbus_writer_close_array (writer, details);
}

void
kv_dbus_codec_write_found (KvDbusWriter *writer,
                           const char *key,
                           gsize key_length,
                           const KvEntry *entry,
                           gsize *budget)
{
  kv_dbus_writer_enter_struct (writer);
  kv_dbus_writer_put_string (writer, key, key_length);
  kv_dbus_writer_enter_struct (writer);
  put_entry (writer, entry, choose_form (entry, budget));
}

/* --- results of a batch --- */

static guint
get_http_status (const KvResult *result)
{
  switch (result->status)
    {
    case KV_RESULT_FOUND:
      return 200;
    case KV_RESULT_CREATED:
      return 201;
    case KV_RESULT_REPLACED:
      return result->entry != NULL ? 200 : 204;
    case KV_RESULT_DELETED:
      return 204;
    case KV_RESULT_NOT_FOUND:
      return 404;
    case KV_RESULT_NOT_A_NUMBER:
      return 409;
    case KV_RESULT_CONDITION_FAILED:
    case KV_RESULT_ABORTED:
      return 412;
    default:
      g_assert_not_reached ();
    }
}

/* Whether the result has what the key holds now. Of one that failed it is what stands in the way, and not told. */
static gboolean
tells_entry (const KvResult *result)
{
  return result->entry != NULL
         && (result->status == KV_RESULT_FOUND || result->status == KV_RESULT_CREATED
             || result->status == KV_RESULT_REPLACED);
}

void
kv_dbus_codec_write_batch_result (KvDbusWriter *writer, const KvResult *result, gsize *budget)
{
  gboolean tells = tells_entry (result);
  Form form = tells ? choose_form (result->entry, budget) : NOT_AT_ALL;
  gboolean is_left_out = result->status == KV_RESULT_FOUND && form == NOT_AT_ALL;
  KvDbusArray details;

  kv_dbus_writer_enter_struct (writer);
  kv_dbus_writer_put_uint32 (writer, is_left_out ? 413 : get_http_status (result));
  put_text (writer, result->entry, form);
  details = kv_dbus_writer_open_array (writer, "{sv}");
  if (tells)
    put_entry_details (writer, result->entry, form);
  else if (result->revision != 0)
    put_count_detail (writer, "revision", result->revision);
  if (result->previous != NULL)
    put_previous (writer, result->previous, choose_form (result->previous, budget));
  kv_dbus_writer_close_array (writer, details);
}

/* --- pages --- */

static void
put_value_details (KvDbusWriter *writer, const KvEntry *entry, gsize *budget)
{
  Form form = choose_form (entry, budget);

  if (form == AS_TEXT)
    {
      begin_detail (writer, "value", "s");
      put_text (writer, entry, form);
    }
  put_form_details (writer, entry, form);
}

/* @budget: (inout) (nullable): of values; %NULL to tell none */
static void
put_item_details (KvDbusWriter *writer, const KvEntry *entry, gsize *budget)
{
  gsize length;

  kv_entry_get_value (entry, &length);
  put_details (writer, entry);
  put_count_detail (writer, "size", length);
  if (budget != NULL)
    put_value_details (writer, entry, budget);
}

static void
put_item (KvDbusWriter *writer, const KvPage *page, guint index, gsize *budget)
{
  const KvEntry *entry = kv_page_get_entry (page, index);
  gsize length;
  const char *name = kv_page_get_name (page, index, &length);
  KvDbusArray details;

  kv_dbus_writer_enter_struct (writer);
  kv_dbus_writer_put_string (writer, name, length);
  details = kv_dbus_writer_open_array (writer, "{sv}");
  if (kv_page_is_folder (page, index))
    put_boolean_detail (writer, "folder", TRUE);
  else
    put_item_details (writer, entry, budget);
  kv_dbus_writer_close_array (writer, details);
}

void
kv_dbus_codec_write_page (KvDbusWriter *writer, const KvPage *page, gboolean with_values)
{
  KvDbusArray items = kv_dbus_writer_open_array (writer, KV_DBUS_ITEM_TYPE);
  const char *cursor = kv_page_get_cursor (page);
  gsize budget = KV_DBUS_MAX_REPLY_BYTES;

  for (guint i = 0; i < kv_page_get_length (page); i++)
    put_item (writer, page, i, with_values ? &budget : NULL);
  kv_dbus_writer_close_array (writer, items);
  cursor = cursor != NULL ? cursor : "";
  kv_dbus_writer_put_string (writer, cursor, strlen (cursor));
  kv_dbus_writer_put_uint64 (writer, kv_page_get_revision (page));
}

/* --- changes --- */

static KvDbusChangeKind
get_change_kind (KvChangeKind kind)
{
  switch (kind)
    {
    case KV_CHANGE_PUT:
      return KV_DBUS_CHANGE_PUT;
    case KV_CHANGE_DELETE:
      return KV_DBUS_CHANGE_DELETE;
    case KV_CHANGE_SWAP:
      return KV_DBUS_CHANGE_SWAP;
    case KV_CHANGE_EXPIRED:
      return KV_DBUS_CHANGE_EXPIRED;
    default:
      g_assert_not_reached ();
    }
}

/* Begins a change, up to and into its details; @entry: (nullable): what the key holds now */
static KvDbusArray
begin_change (KvDbusWriter *writer,
              guint64 revision,
              KvDbusChangeKind kind,
              const char *key,
              const KvEntry *entry,
              Form form)
{
  kv_dbus_writer_enter_struct (writer);
  kv_dbus_writer_put_uint64 (writer, revision);
  kv_dbus_writer_put_uint32 (writer, kind);
  kv_dbus_writer_put_string (writer, key, strlen (key));
  put_text (writer, entry, form);

  return kv_dbus_writer_open_array (writer, "{sv}");
}

static void
end_change (KvDbusWriter *writer, KvDbusArray details, const KvEntry *entry, Form form)
{
  if (entry != NULL)
    {
      put_expires (writer, entry);
      put_form_details (writer, entry, form);
    }
  kv_dbus_writer_close_array (writer, details);
}

static Form
choose_form_if_asked_for (const KvEntry *entry, KvDbusShape shape, gsize *budget)
{
  if (entry == NULL || (shape & KV_DBUS_SHAPE_VALUES) == 0)
    return NOT_ASKED_FOR;

  return choose_form (entry, budget);
}

void
kv_dbus_codec_write_change (KvDbusWriter *writer, const KvWatchEvent *event, KvDbusShape shape)
{
  const KvChange *change = &event->change;
  const KvEntry *entry = event->type == KV_WATCH_CHANGE ? change->entry : event->entry;
  gsize budget = KV_DBUS_MAX_REPLY_BYTES;
  Form form = choose_form_if_asked_for (entry, shape, &budget);
  KvDbusArray details;

  switch (event->type)
    {
    case KV_WATCH_SNAPSHOT:
      details = begin_change (writer, entry != NULL ? kv_entry_get_revision (entry) : 0,
                              KV_DBUS_CHANGE_SNAPSHOT, event->key, entry, form);
      put_boolean_detail (writer, "present", entry != NULL);
      break;
    case KV_WATCH_SNAPSHOT_END:
      details =
        begin_change (writer, event->revision, KV_DBUS_CHANGE_SNAPSHOT_END, "", entry, form);
      break;
    case KV_WATCH_CHANGE:
      details = begin_change (writer, change->revision, get_change_kind (change->kind),
                              kv_change_get_key (change, NULL), entry, form);
      if (!change->last)
        put_boolean_detail (writer, "more", TRUE);
      if (change->previous != NULL && (shape & KV_DBUS_SHAPE_PREVIOUS) != 0)
        put_previous (writer, change->previous,
                      choose_form_if_asked_for (change->previous, shape, &budget));
      break;
    case KV_WATCH_RESET:
    default:
      g_assert_not_reached ();
    }
  end_change (writer, details, entry, form);
}

void
kv_dbus_codec_write_reset (KvDbusWriter *writer, guint64 oldest, guint64 current)
{
  KvDbusArray details = kv_dbus_writer_open_array (writer, "{sv}");

  put_count_detail (writer, "oldest", oldest);
  put_count_detail (writer, "current", current);
  kv_dbus_writer_close_array (writer, details);
}

/* --- status --- */

void
kv_dbus_codec_write_status (KvDbusWriter *writer, const KvStoreStatus *status)
{
  KvStatusFigure figures[KV_STATUS_N_FIGURES];
  g_autofree char *uptime = kv_status_format_uptime (status);
  g_autofree char *server_time = kv_status_format_now ();
  KvDbusArray details = kv_dbus_writer_open_array (writer, "{sv}");

  kv_status_get_figures (status, figures);
  put_text_detail (writer, "status", "OK");
  put_text_detail (writer, "uptime", uptime);
  for (guint i = 0; i < KV_STATUS_N_FIGURES; i++)
    put_count_detail (writer, figures[i].name, figures[i].value);
  put_text_detail (writer, "server_time", server_time);
  put_text_detail (writer, "version", KV_VERSION);
  kv_dbus_writer_close_array (writer, details);
}

/* --- dumps --- */

void
kv_dbus_codec_write_dump (KvDbusWriter *writer, guint64 revision, guint64 entries)
{
  KvDbusArray details = kv_dbus_writer_open_array (writer, "{sv}");

  put_count_detail (writer, "revision", revision);
  put_count_detail (writer, "entries", entries);
  kv_dbus_writer_close_array (writer, details);
}

void
kv_dbus_codec_write_restore (KvDbusWriter *writer,
                             const KvRestoreCounts *counts,
                             gboolean dry_run,
                             guint64 revision)
{
  KvRestoreFigure figures[KV_RESTORE_N_FIGURES];
  KvDbusArray details = kv_dbus_writer_open_array (writer, "{sv}");

  kv_restore_counts_get_figures (counts, figures);
  for (guint i = 0; i < KV_RESTORE_N_FIGURES; i++)
    put_count_detail (writer, figures[i].name, figures[i].value);
  put_boolean_detail (writer, "dry_run", dry_run);
  put_count_detail (writer, "revision", revision);
  kv_dbus_writer_close_array (writer, details);
}
